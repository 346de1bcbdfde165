// @ts-check

/** @type {typeof import('./js/app/main.js')} */
let api
// As in `index.js`: bundlers follow one branch, and file tracing the line that is never true.
if (process.env.NEXT_RUNTIME === 'edge') {
  api = /** @type {any} */ (require('./js/app/edge.js'))
} else if (process.env.NEXT_RUNTIME === 'traced') {
  api = require('./js/app/main.js')
} else {
  api = load()
}

// By name, so that `import { kv }` finds it in plain Node.js.
exports.clientIp = api.clientIp
exports.codes = api.codes
exports.kv = api.kv
exports.lock = api.lock
exports.rateLimit = api.rateLimit
exports.sessions = api.sessions
exports.tokens = api.tokens
exports.tryLock = api.tryLock

/** @returns {typeof import('./js/app/main.js')} */
function load() {
  const found = /** @type {any} */ (globalThis)[Symbol.for('tiercel.app')]
  if (found) return found
  const builtin = process.getBuiltinModule
  if (!builtin) {
    throw new Error(`tiercel needs Node.js 20.16 or newer; this is ${process.version}`)
  }
  return here(builtin('node:module').createRequire, builtin('node:path').resolve)
}

/**
 * That of the installed package; in a bundle it is looked for as `index.js` does.
 * @param {typeof import('node:module').createRequire} createRequire
 * @param {typeof import('node:path').resolve} resolve
 */
function here(createRequire, resolve) {
  const dir = typeof __dirname === 'string' ? __dirname : ''
  const servers = /** @type {any} */ (globalThis)[Symbol.for('@next/router-server-methods')]
  const places = [dir, ...Object.keys(servers ?? {}), ...process.argv.slice(1)]
  for (const place of places) {
    const own = createRequire(resolve(place, 'index.js'))
    try {
      own.resolve('tiercel/app/main')
    } catch {
      continue
    }
    return own('tiercel/app/main')
  }
  return createRequire(resolve('index.js'))('tiercel/app/main')
}
