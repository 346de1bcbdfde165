// @ts-check
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'

/** So many ids, keys and sessions: none is under way twice at a time. */
export const KEYS = 256
/** The subject that does nothing: what it costs is the bench's, not the call's. */
export const LOOP = 'the loop alone'

/** `tiercel/app` of this repository, once it has its connection. */
export async function app() {
  const require = createRequire(import.meta.url)
  const api = require('../../app.js')
  const Tiercel = require('../../index.js')
  await api.kv('bench').get('x')
  for (let n = 0; n < 400 && !(Tiercel.stats().shared?.leaseMs > 0); n++) await sleep(5)
  return api
}
