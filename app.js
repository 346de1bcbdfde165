// @ts-check

/** @type {typeof import('./js/app/main.js')} */
let api
// As in `index.js`: bundlers follow one branch, and file tracing the line that is never true.
if (process.env.NEXT_RUNTIME === 'edge') {
  api = /** @type {any} */ (require('./js/app/edge.js'))
} else if (process.env.NEXT_RUNTIME === 'traced') {
  api = require('./js/app/main.js')
} else {
  const { installed } = require('./js/installed.js')
  api = installed('tiercel/app/main', 'tiercel.app')
  // Bundles of Next.js in which functions are cached define it, and bring its `cacheTag` along.
  if (process.env.__NEXT_USE_CACHE) {
    const global = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (globalThis))
    global[Symbol.for('tiercel.bundled')] ??= { cache: undefined }
    // @ts-ignore Next.js is there whenever it bundles this.
    global[Symbol.for('tiercel.bundled')].cache ??= require('next/cache')
  }
}

// By name, so that `import { kv }` finds it in plain Node.js.
exports.cache = api.cache
exports.clientIp = api.clientIp
exports.codes = api.codes
exports.counter = api.counter
exports.kv = api.kv
exports.lock = api.lock
exports.onConnection = api.onConnection
exports.onDecision = api.onDecision
exports.onInvalidate = api.onInvalidate
exports.rateLimit = api.rateLimit
exports.sessions = api.sessions
exports.tokens = api.tokens
exports.tryLock = api.tryLock
exports.verifySignature = api.verifySignature
