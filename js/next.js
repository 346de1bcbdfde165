// @ts-check

const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { app, isOfCommand } = require('./app.js')

/**
 * The Next.js of the app this runs in: its phase, and internal modules without a public API.
 * Nothing relies on those.
 */

const isBuilding = () => process.env.NEXT_PHASE === 'phase-production-build'
const isDev = () => Boolean(process.env.__NEXT_DEV_SERVER)

/** Whether Next.js is loaded in this process, or about to be: only the addon is asked by others. */
const isHere = () => app().isNext || process.env.NEXT_RUNTIME === 'nodejs'

/** Whether this process is nothing but a server of Next.js: no program of the app's own. */
const isOwner = () => isOfCommand() || Boolean(process.env.__NEXT_PRIVATE_STANDALONE_CONFIG)

/** Secrets of builds, by their `.next/server`.
 * @type {Map<string, string | undefined>} */
const secrets = new Map()

/**
 * Whether a request is Next's own, made by `res.revalidate`: it shows a secret of the build.
 * @param {any} ctx what Next gives the constructor of a handler
 */
function isOnDemand(ctx) {
  const shown = ctx?._requestHeaders?.['x-prerender-revalidate']
  const dir = ctx?.serverDistDir
  if (typeof shown !== 'string' || typeof dir !== 'string') return false
  if (!secrets.has(dir)) secrets.set(dir, previewModeId(dir))
  return shown === secrets.get(dir)
}

/** @param {string} serverDistDir @returns {string | undefined} */
function previewModeId(serverDistDir) {
  try {
    const manifest = readFileSync(join(serverDistDir, '..', 'prerender-manifest.json'), 'utf8')
    return JSON.parse(manifest).preview.previewModeId
  } catch {
    return undefined
  }
}

/**
 * A part of Next.js, `undefined` as long as Next.js has not loaded it. Loading one of its storages
 * before Next.js has set itself up would leave it with one that throws, for good.
 * @param {string[]} path
 * @returns {() => any}
 */
function loaded(...path) {
  /** @type {any} */
  let found
  return () => {
    if (found) return found
    const { root } = app()
    found = root && require.cache[join(root, 'dist', 'server', ...path)]?.exports
    return found
  }
}

const workStorage = loaded('app-render', 'work-async-storage.external.js')
const workUnitStorage = loaded('app-render', 'work-unit-async-storage.external.js')
const sharedCacheControls = loaded('lib', 'incremental-cache', 'shared-cache-controls.external.js')

const PREFETCH_HEADERS = [
  'next-router-prefetch',
  'next-router-segment-prefetch',
  'x-middleware-prefetch',
]

/** Next's own store of the request this runs in. */
const work = () => workStorage()?.workAsyncStorage?.getStore?.()

/**
 * Before 16.4, Next.js knows a page's lifetime only where it rendered it. This hands it over.
 * @param {string} key
 * @param {any} cacheControl
 */
function rememberLifetime(key, cacheControl) {
  const table = sharedCacheControls()?.SharedCacheControls?.cacheControls
  if (!cacheControl || typeof table?.set !== 'function') return
  const isPath = !key.startsWith('/route-cache/')
  table.set(isPath ? key.replace(/(?:\/index)?\/?$/, '') || '/' : key, cacheControl)
}

const NOT_KEPT = ['request', 'private-cache']

/**
 * Whether a value read now becomes part of a value that is kept: a page, a cached function. True if
 * that is unknown.
 */
function isKept() {
  const storage = workUnitStorage()
  // Without Next.js the program itself calls the handler.
  if (storage === undefined && app().root === undefined && !app().isNext) return false
  return !NOT_KEPT.includes(storage?.workUnitAsyncStorage?.getStore()?.type)
}

/** Next's own store of the page, the function or the request whose part this is; `undefined` outside. */
const unit = () => workUnitStorage()?.workUnitAsyncStorage?.getStore()

/** Whether a value read now certainly becomes part of a value that is kept. */
function isPartOfKept() {
  const type = unit()?.type
  return type !== undefined && !NOT_KEPT.includes(type)
}

/** Whether a page is generated to be kept: Next.js first regenerates everything stale in it. */
function isWaitedFor() {
  return work()?.isStaticGeneration === true
}

/**
 * Whether a request is a prefetch, of a client-side router or a browser. Served something stale, it
 * does not make Next.js generate: `isPrefetch` of `handleResponse` in `route-module.js`, 16.0 to 16.4.
 * @param {any} headers
 */
function isPrefetch(headers) {
  if (typeof headers !== 'object' || headers === null) return false
  if (headers.purpose === 'prefetch') return true
  return PREFETCH_HEADERS.some((name) => headers[name] !== undefined)
}

/**
 * Whether Next.js needs lifetimes handed over. From 16.4 on it honours those in answers; handing them
 * over as well changes nothing.
 * @param {import('./app.js').App} app
 */
function mustRemember({ version, isNext }) {
  if (version === undefined) return isNext
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < 16 || (major === 16 && minor < 4)
}

module.exports = {
  isBuilding,
  isOnDemand,
  isDev,
  isHere,
  isOwner,
  work,
  unit,
  rememberLifetime,
  isKept,
  isPartOfKept,
  isWaitedFor,
  isPrefetch,
  mustRemember,
}
