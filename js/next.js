// @ts-check

const { readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { join } = require('node:path')

/**
 * The Next.js of the app this runs in: its version, phase, and the two places of its inside that
 * have no public door. Those are looked for, never relied on.
 */

const fromApp = createRequire(join(process.cwd(), 'index.js'))

/** @returns {string | undefined} */
function version() {
  try {
    return fromApp('next/package.json').version
  } catch {
    return undefined
  }
}

const isBuilding = () => process.env.NEXT_PHASE === 'phase-production-build'
const isDev = () => Boolean(process.env.__NEXT_DEV_SERVER)

/** What keeps this app apart from others on the same server, unless an option says so. */
function namespace() {
  let name = 'app'
  try {
    name = String(fromApp('./package.json').name ?? name)
  } catch {
    // An app without a package.json has no name.
  }
  const plain = name.replace(/^@/, '').replace(/[^\w.-]+/g, '-')
  return `${plain.slice(0, 40)}:${process.env.NODE_ENV || 'production'}`
}

/**
 * The name of the build whose output lies in a directory; nothing in `next dev` and `next build`.
 * With a deployment id the build id is a constant, without one it is all there is.
 * @param {string} serverDistDir
 */
function buildName(serverDistDir) {
  try {
    const id = readFileSync(join(serverDistDir, '..', 'BUILD_ID'), 'utf8').trim()
    return JSON.stringify([process.env.NEXT_DEPLOYMENT_ID ?? '', id])
  } catch {
    return undefined
  }
}

/** @type {{ dir?: string, id?: string }} */
const secret = {}

/**
 * Whether a request is Next's own, made by `res.revalidate`: it shows what only the build knows.
 * @param {any} ctx what Next gives the constructor of a handler
 */
function isOnDemand(ctx) {
  const shown = ctx?._requestHeaders?.['x-prerender-revalidate']
  if (typeof shown !== 'string' || typeof ctx.serverDistDir !== 'string') return false
  if (secret.dir !== ctx.serverDistDir) {
    secret.dir = ctx.serverDistDir
    secret.id = previewModeId(ctx.serverDistDir)
  }
  return shown === secret.id
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
 * A part of Next.js, `undefined` where this version has none.
 * @param {string} path
 * @returns {() => any}
 */
function lazily(path) {
  /** @type {any} */
  let found
  let isLooked = false
  return () => {
    if (isLooked) return found
    isLooked = true
    try {
      found = fromApp(path)
    } catch {
      found = undefined
    }
    return found
  }
}

const workStorage = lazily('next/dist/server/app-render/work-async-storage.external.js')
const workUnitStorage = lazily('next/dist/server/app-render/work-unit-async-storage.external.js')
const sharedCacheControls = lazily(
  'next/dist/server/lib/incremental-cache/shared-cache-controls.external.js',
)

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

const isNext = lazily('next/package.json')

const NOT_KEPT = ['request', 'private-cache']

/**
 * Whether what is read now becomes part of something that is kept: a page, a cached function. Where
 * that cannot be told, it does.
 */
function isKept() {
  const storage = workUnitStorage()
  // Without Next.js somebody calls the handler themselves.
  if (storage === undefined && !isNext()) return false
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

/** @param {string | undefined} version */
function honoursLifetime(version) {
  const [major = 0, minor = 0] = (version ?? '99').split('.').map(Number)
  return major > 16 || (major === 16 && minor >= 4)
}

module.exports = {
  version,
  isBuilding,
  isOnDemand,
  isDev,
  namespace,
  buildName,
  work,
  rememberLifetime,
  isKept,
  isWaitedFor,
  isPrefetch,
  honoursLifetime,
}
