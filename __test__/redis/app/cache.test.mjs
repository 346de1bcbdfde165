import { complies } from '../../unit/app/cache-suite.mjs'
import { compliesOn } from './support.mjs'

compliesOn('single', complies)
