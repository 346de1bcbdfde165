import { compliesOn, complyWithCache } from './support.mjs'

await compliesOn('tls', complyWithCache)
