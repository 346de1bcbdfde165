import { compliesOn, complyWithCache } from './support.mjs'

await compliesOn('redis6', complyWithCache)
