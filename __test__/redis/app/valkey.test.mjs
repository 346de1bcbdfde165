import { compliesOn, complyWithCache } from './support.mjs'

await compliesOn('valkey', complyWithCache)
