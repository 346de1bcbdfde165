// @ts-check

const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { app } = require('./app.js')

/**
 * The Next.js of the app this runs in: its phase, and the places of its inside that have no public
 * door. Those are looked for, never relied on.
 */

const isBuilding = () => process.env.NEXT_PHASE === 'phase-production-build'
const isDev = () => Boolean(process.env.__NEXT_DEV_SERVER)

/** What only a build knows, by its `.next/server`.
 * @type {Map<string, string | undefined>} */
const secrets = new Map()

/**
 * Whether a request is Next's own, made by `res.revalidate`: it shows what only the build knows.
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
 * A part of Next.js, `undefined` as long as Next.js has not loaded it. Whoever loads one of its
 * storages before Next.js has set itself up leaves it with one that throws, for good.
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

/** What Next.js knows of the request this runs in. */
const work = () => workStorage()?.workAsyncStorage?.getStore?.()

/**
 * Before 16.4, Next.js knows a page's lifetime only where it rendered it. This tells it.
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
 * Whether what is read now becomes part of something that is kept: a page, a cached function. Where
 * that cannot be told, it does.
 */
function isKept() {
  const storage = workUnitStorage()
  // Without Next.js somebody calls the handler themselves.
  if (storage === undefined && app().root === undefined && !app().isNext) return false
  return !NOT_KEPT.includes(storage?.workUnitAsyncStorage?.getStore()?.type)
}

/** Whether a page is generated to be kept: then Next.js generates all that is stale before. */
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
 * Whether Next.js has to be told of lifetimes, which it honours in answers from 16.4 on. Telling one
 * that does changes nothing.
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
  work,
  rememberLifetime,
  isKept,
  isWaitedFor,
  isPrefetch,
  mustRemember,
}
