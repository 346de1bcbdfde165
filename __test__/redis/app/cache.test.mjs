import { complies } from '../../unit/app/cache-suite.mjs'
import { compliesOn } from './support.mjs'

await compliesOn('single', complies)
