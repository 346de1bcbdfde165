// @ts-check

// Next.js bundles the module named in next.config into proxy and edge bundles, where no addon can
// be loaded. Bundlers know NEXT_RUNTIME, so they follow one branch and drop the others.
if (process.env.NEXT_RUNTIME === 'edge') {
  module.exports = require('./js/edge.js')
} else if (process.env.NEXT_RUNTIME === 'traced') {
  // Never true. File tracing follows these lines, so the addon reaches a standalone build, and so does
  // `tiercel/app`, which the trace of a bundled proxy.ts does not find.
  require('./js/app/main.js')
  module.exports = require('./js/handler.js')
  // Node.js finds names for `import { configure }` by reading these lines; the class has them all.
  exports.configure = exports.ready = exports.stats = exports.updateTags = exports.expireTags = 0
  exports.get = exports.set = exports.refreshTags = exports.getExpiration = 0
} else {
  module.exports = load()
}

/** @returns {typeof import('./index.js')} */
function load() {
  // One class for every copy of this file in the process: a bundled one, and Node's own.
  const symbol = Symbol.for('tiercel.handler')
  const global = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (globalThis))
  if (global[symbol]) return global[symbol]
  const builtin = process.getBuiltinModule
  if (!builtin) {
    throw new Error(`tiercel needs Node.js 20.16 or newer; this is ${process.version}`)
  }
  global[symbol] = here(builtin('node:module').createRequire, builtin('node:path').resolve)
  return global[symbol]
}

/**
 * The handler of the installed package. In a bundle, `__dirname` is not where this file lies: this
 * resolves the package from the app's directory, which Next.js lists or its command line names, and
 * which mostly is the working directory.
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
      own.resolve('tiercel/handler')
    } catch {
      continue
    }
    return own('tiercel/handler')
  }
  return createRequire(resolve('index.js'))('tiercel/handler')
}
