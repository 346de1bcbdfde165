// @ts-check

/**
 * `tiercel/app`: what the app's own code asks the engine for. Each capability has a file; `store.js`
 * asks the addon, `checks.js` reads what callers give, `errors.js` says what went wrong. Nothing is
 * decided here that two processes could decide differently: that is in `src/app/`.
 */

// Chooses the options of this process, as importing `tiercel` does.
require('../handler.js')

const { cache } = require('./cache/main.js')
const { clientIp } = require('./client-ip.js')
const { codes } = require('./codes.js')
const { counter } = require('./counter.js')
const { onInvalidate } = require('./hooks.js')
const { kv } = require('./kv.js')
const { onConnection, onDecision } = require('./listeners.js')
const { lock, tryLock } = require('./lock.js')
const { rateLimit } = require('./rate-limit.js')
const { sessions } = require('./sessions.js')
const { verifySignature } = require('./signature.js')
const { tokens } = require('./tokens.js')

const api = {
  cache,
  clientIp,
  codes,
  counter,
  kv,
  lock,
  onConnection,
  onDecision,
  onInvalidate,
  rateLimit,
  sessions,
  tokens,
  tryLock,
  verifySignature,
}

// One of a realm for all copies of this module: what waits in this process is known here.
const one = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (globalThis))
one[Symbol.for('tiercel.app')] ??= api

module.exports = /** @type {typeof api} */ (one[Symbol.for('tiercel.app')])
