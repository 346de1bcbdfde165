import { compliesOn } from './support.mjs'

await compliesOn('redis6')
