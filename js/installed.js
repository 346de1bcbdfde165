// @ts-check

/**
 * A module of the installed package, one for all copies of its entry in the process: Node's own, and
 * those in bundles. In a bundle, `__dirname` is not where this file lies: this resolves the package
 * from the app's directory, which Next.js lists or its command line names, and which mostly is the
 * working directory.
 * @param {string} path as exported, such as `tiercel/handler`
 * @param {string} name under which the copies find it
 * @returns {any}
 */
function installed(path, name) {
  const symbol = Symbol.for(name)
  const global = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (globalThis))
  if (global[symbol]) return global[symbol]
  const builtin = process.getBuiltinModule
  if (!builtin) {
    throw new Error(`tiercel needs Node.js 20.16 or newer; this is ${process.version}`)
  }
  const own = scope(path, builtin('node:module').createRequire, builtin('node:path').resolve)
  global[symbol] = own(path)
  return global[symbol]
}

/**
 * The first place from which the module is found.
 * @param {string} path
 * @param {typeof import('node:module').createRequire} createRequire
 * @param {typeof import('node:path').resolve} resolve
 */
function scope(path, createRequire, resolve) {
  const dir = typeof __dirname === 'string' ? __dirname : ''
  const servers = /** @type {any} */ (globalThis)[Symbol.for('@next/router-server-methods')]
  for (const place of [dir, ...Object.keys(servers ?? {}), ...process.argv.slice(1)]) {
    const own = createRequire(resolve(place, 'index.js'))
    try {
      own.resolve(path)
    } catch {
      continue
    }
    return own
  }
  return createRequire(resolve('index.js'))
}

module.exports = { installed }
