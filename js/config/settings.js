// @ts-check

const { readFileSync, realpathSync } = require('node:fs')
const { homedir } = require('node:os')
const { dirname, join, resolve, sep } = require('node:path')
const { fileURLToPath } = require('node:url')
const carried = require('./carried.js')
const { around, isAtLeast, isInside, rootOf } = require('./place.js')
const { edgeRoutes } = require('./routes.js')
const { say } = require('./say.js')

/** @typedef {import('./place.js').Place} Place */

const PACKAGE = dirname(dirname(__dirname))
const HANDLER = join(PACKAGE, 'index.js')
const KINDS = ['default', 'remote']

/**
 * A config with Tiercel as its cache. What the app has set itself stays.
 * @param {Record<string, any>} config
 * @param {Record<string, unknown>} options
 * @param {Place} place
 * @returns {Record<string, any>}
 */
function settled(config, options, place) {
  if (config.output === 'export') {
    say("`output: 'export'` makes files that no Next.js serves, so withTiercel sets nothing")
    return config
  }
  checkHandler(config.cacheHandler, place)
  const variables = carried.variables(config, options)
  const settings = {
    ...config,
    cacheHandler: config.cacheHandler ?? HANDLER,
    cacheMaxMemorySize: config.cacheMaxMemorySize ?? 0,
    ...handlersOf(config, place),
    ...imagesOf(config, place),
    ...rootsOf(config, place),
    ...(variables && { env: { ...config.env, ...variables } }),
  }
  if (settings.cacheMaxMemorySize !== 0) {
    const size = `cacheMaxMemorySize: ${settings.cacheMaxMemorySize}`
    say(
      `next.config sets ${size}, so Next.js holds entries a second time; 0 or nothing avoids that`,
    )
  }
  return settings
}

/** @param {unknown} own @param {Place} place */
function checkHandler(own, place) {
  if (own === undefined || own === null || isOurs(own, place)) return
  const error = new Error(
    `tiercel: next.config names ${own} as its cacheHandler, and withTiercel leaves that; ` +
      `remove cacheHandler to use Tiercel, or withTiercel to use the other one`,
  )
  throw Object.assign(error, { code: 'TIERCEL_CONFLICT' })
}

/**
 * Whether a handler is Tiercel, or a file of the app that uses it.
 * @param {unknown} handler
 * @param {Place} place
 */
function isOurs(handler, place) {
  if (typeof handler !== 'string') return false
  try {
    const file = handler.startsWith('file:') ? fileURLToPath(handler) : resolve(place.dir, handler)
    if (isInside(PACKAGE, file)) return true
    if (file.includes(`${sep}node_modules${sep}`)) return file.includes(`${sep}tiercel${sep}`)
    return /['"]tiercel(?:\/\w+)?['"]/.test(readFileSync(file, 'utf8'))
  } catch {
    return false
  }
}

/** Whether the app uses `'use cache'`. @param {Record<string, any>} config */
function usesCache({ cacheComponents, experimental }) {
  return Boolean(cacheComponents || experimental?.cacheComponents || experimental?.useCache)
}

/** @param {Record<string, any>} config @param {Place} place */
function handlersOf(config, place) {
  const own = config.cacheHandlers
  if (!usesCache(config)) {
    if (own) warnOfEdge(place)
    return undefined
  }
  for (const kind of KINDS) {
    if (!own?.[kind] || isOurs(own[kind], place)) continue
    say(`next.config names ${own[kind]} as cacheHandlers.${kind}, and withTiercel leaves that`)
  }
  return { cacheHandlers: { default: HANDLER, remote: HANDLER, ...own } }
}

/**
 * Turbopack of 16.2 to 16.4 writes a module that it cannot read where `cacheHandlers` are set and a
 * route handler runs on the edge. With `'use cache'` Next.js refuses such routes itself, and says so.
 * @param {Place} place
 */
function warnOfEdge(place) {
  if (!process.env.TURBOPACK || !isAtLeast(place, 2)) return
  const [route, ...more] = edgeRoutes(place.dir)
  if (route === undefined) return
  const routes = more.length > 0 ? `${route} and ${more.length} more` : route
  say(
    `next.config sets cacheHandlers, and ${routes} runs on the edge: Turbopack of Next.js ` +
      `${place.next?.version} does not build that ("Parsing ecmascript source code failed"); ` +
      `remove cacheHandlers, which only 'use cache' needs, or \`runtime = 'edge'\`, or build with --webpack`,
  )
}

/**
 * 16.2 and later keep optimized images in the handler, if the config says so.
 * @param {Record<string, any>} config
 * @param {Place} place
 */
function imagesOf({ images }, place) {
  if (!isAtLeast(place, 2) || images?.customCacheHandler !== undefined) return undefined
  return { images: { ...images, customCacheHandler: true } }
}

/**
 * In a monorepo the package may lie outside of the root that Next.js infers, as where an app has a
 * lock file of its own: then Turbopack stops, and file tracing leaves the addon out.
 * @param {Record<string, any>} config
 * @param {Place} place
 */
function rootsOf({ turbopack, outputFileTracingRoot }, place) {
  const own = outputFileTracingRoot ?? turbopack?.root
  if (own !== undefined) {
    if (isInside(real(resolve(own)), HANDLER)) return undefined
    const root = around(real(resolve(own)), HANDLER)
    const set = outputFileTracingRoot === undefined ? 'turbopack.root' : 'outputFileTracingRoot'
    say(
      `next.config sets ${set} to ${own}, and Tiercel lies outside, at ${PACKAGE}; set it to ${root}`,
    )
    return undefined
  }
  const found = real(rootOf(place) ?? place.dir)
  if (isInside(found, HANDLER)) return undefined
  const root = around(found, HANDLER)
  if (isInside(root, homedir())) {
    const cure = `install it in the repository, or set outputFileTracingRoot and turbopack.root`
    say(`Tiercel lies at ${PACKAGE}, far from the app at ${place.dir}: ${cure}`)
    return undefined
  }
  return { outputFileTracingRoot: root, turbopack: { ...turbopack, root } }
}

/** The path without symbolic links, as Node.js has that of the package. @param {string} path */
function real(path) {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

module.exports = { settled, HANDLER }
