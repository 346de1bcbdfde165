import { compliesOn } from './support.mjs'

await compliesOn('cluster')
