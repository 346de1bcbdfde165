import { compliesOn, complyWithCache } from './support.mjs'

await compliesOn('cluster', complyWithCache)
