import { compliesOn, complyWithCache } from './support.mjs'

await compliesOn('sentinel', complyWithCache)
