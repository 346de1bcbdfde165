// @ts-check

// Next.js bundles the module named in next.config into proxy and edge bundles, where no addon can
// be loaded. Bundlers know NEXT_RUNTIME, so they follow one branch and drop the others.
if (process.env.NEXT_RUNTIME === 'edge') {
  module.exports = require('./js/edge.js')
} else if (process.env.NEXT_RUNTIME === 'traced') {
  // Never true. File tracing follows this line, so the addon reaches a standalone build.
  module.exports = require('./js/handler.js')
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
  const { createRequire } = builtin('node:module')
  global[symbol] = here(createRequire)('tiercel/handler')
  return global[symbol]
}

/**
 * A `require` that finds the installed package. In a bundle, `__dirname` is not where this file
 * lies; the package is then looked for from the app's directory.
 * @param {typeof import('node:module').createRequire} createRequire
 */
function here(createRequire) {
  const dir = typeof __dirname === 'string' ? __dirname : ''
  try {
    const own = createRequire(`${dir}/index.js`)
    own.resolve('tiercel/handler')
    return own
  } catch {
    return createRequire(`${process.cwd()}/index.js`)
  }
}
