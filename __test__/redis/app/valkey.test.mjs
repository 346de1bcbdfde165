import { compliesOn } from './support.mjs'

await compliesOn('valkey')
