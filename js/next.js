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

/** What each request has invalidated already, and when that is in effect.
 * @type {WeakMap<object, Map<string, Promise<void>>>} */
const invalidated = new WeakMap()

/**
 * Invalidates the tags of a call that this request has not invalidated yet, and waits with those it
 * has. Next.js makes two handler calls of one user call, and a server action repeats both after it
 * has rendered: taken at their word, they would kill what the action just generated.
 * @param {string[]} tags
 * @param {number | undefined} expire
 * @param {(fresh: string[]) => Promise<void>} invalidate
 */
function once(tags, expire, invalidate) {
  const store = workStorage()?.workAsyncStorage?.getStore()
  if (!store) return invalidate(tags)
  const seen = invalidated.get(store) ?? new Map()
  invalidated.set(store, seen)
  /** @type {Set<Promise<void>>} */
  const outcomes = new Set()
  /** @type {string[]} */
  const names = []
  const fresh = tags.filter((tag) => {
    const calls = callsFor(store, tag)
    // Not one of Next's calls: somebody calls the handler themselves, and means it each time.
    if (calls.length === 0) return true
    const name = JSON.stringify([tag, String(expire), calls.map((one) => one.revalidatedAt)])
    const earlier = seen.get(name)
    if (earlier) outcomes.add(earlier)
    else names.push(name)
    return !earlier
  })
  const outcome = invalidate(fresh)
  for (const name of names) seen.set(name, outcome)
  return Promise.all([...outcomes, outcome])
}

/**
 * What the user called for a tag in this request. From 16.4 on it says when, which tells two calls
 * apart.
 * @param {any} store
 * @param {string} tag
 * @returns {any[]}
 */
function callsFor(store, tag) {
  const pending = store.pendingRevalidatedTags
  return Array.isArray(pending) ? pending.filter((one) => one?.tag === tag) : []
}

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

/** Next's store of the work that a call is part of: a render, a route handler. */
function workStore() {
  return workStorage()?.workAsyncStorage?.getStore?.()
}

/** Whether a page is generated to be kept: then Next.js generates all that is stale before. */
function isWaitedFor() {
  return workStore()?.isStaticGeneration === true
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
  once,
  rememberLifetime,
  isKept,
  workStore,
  isWaitedFor,
  isPrefetch,
  mustRemember,
}
