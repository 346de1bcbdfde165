// @ts-check

const { readFile } = require('node:fs/promises')
const { join } = require('node:path')
const { failure } = require('./options.js')

/**
 * The pages that `next build` prerendered.
 *
 * @typedef {object} Build
 * @property {string} basePath of the app; empty if it has none
 * @property {boolean} hasSlash `trailingSlash` of the app: a path without its slash is a redirect
 * @property {string[]} paths concrete ones, as a browser would request them, without `basePath`
 * @property {(path: string) => Promise<number | undefined>} statusOf the status of the answer to a
 *   path by the build, if it has one
 */

/** The page for other failures; no visitor asks for it by its path. */
const UNASKED = new Set(['/_global-error'])

/**
 * Reads a build.
 * @param {string} dir `.next`
 * @returns {Promise<Build>}
 */
async function readBuild(dir) {
  const manifest = await readJson(join(dir, 'prerender-manifest.json'))
  const routes = Object.entries(manifest?.routes ?? {})
  if (typeof manifest?.version !== 'number') {
    const message = `there is no build at ${dir}: prerender-manifest.json is not there, or not one`
    throw failure('TIERCEL_NO_BUILD', message)
  }
  const config = (await readJson(join(dir, 'required-server-files.json')))?.config
  const failing = statusesOf(manifest, config)
  const hasSlash = config?.trailingSlash === true
  /** @type {Map<string, string>} */
  const routeOf = new Map()
  for (const [route] of routes) {
    if (isConcrete(route) && !UNASKED.has(route)) routeOf.set(pathOf(route, hasSlash), route)
  }
  return {
    basePath: typeof config?.basePath === 'string' ? config.basePath : '',
    hasSlash,
    paths: [...routeOf.keys()],
    async statusOf(path) {
      const route = routeOf.get(path)
      if (route === undefined) return undefined
      const known = manifest.routes[route]?.initialStatus ?? failing.get(route)
      return known ?? (await prerenderedStatus(dir, route))
    },
  }
}

/**
 * Pages that the Pages Router answers with a status other than 200 by design: those that returned
 * `notFound` in the build, and the pages for errors, at their own paths.
 * @param {any} manifest
 * @param {any} config
 * @returns {Map<string, number>} by route
 */
function statusesOf(manifest, config) {
  const absent = listOf(manifest.notFoundRoutes).map((route) => [route, 404])
  const locales = ['', ...listOf(config?.i18n?.locales).map((locale) => `/${locale}`)]
  const pages = [404, 500].flatMap((status) =>
    locales.map((locale) => [`${locale}/${status}`, status]),
  )
  return new Map(/** @type {[string, number][]} */ ([...absent, ...pages]))
}

/** @param {unknown} list @returns {unknown[]} */
function listOf(list) {
  return Array.isArray(list) ? list : []
}

/** The folders where Next.js notes the status of a page that calls `notFound()`. */
const NOTED = ['app', 'pages']

/** @param {string} dir @param {string} route */
async function prerenderedStatus(dir, route) {
  const file = route === '/' ? '/index' : route
  for (const kind of NOTED) {
    const noted = await readJson(join(dir, 'server', kind, `${file}.meta`))
    if (typeof noted?.status === 'number') return noted.status
  }
}

/** Whether a route is one path, and not a pattern of many. @param {string} route */
function isConcrete(route) {
  return route.startsWith('/') && !/(^|\/)\[[^/]+\](\/|$)/.test(route)
}

/** How Next.js writes delimiters that are part of a segment: `/ # ? \`, and those already written so. */
const ESCAPED = /(%(?:25)?(?:2f|23|3f|5c))/gi

/**
 * The path of a route of the manifest, where segments are decoded but for their delimiters.
 * @param {string} route
 * @param {boolean} hasSlash
 */
function pathOf(route, hasSlash) {
  const parts = route.split(ESCAPED)
  const path = parts.map((part, n) => (n % 2 ? part : encoded(part))).join('')
  const last = path.slice(path.lastIndexOf('/') + 1)
  const takesSlash = hasSlash && last !== '' && !last.includes('.')
  return takesSlash ? `${path}/` : path
}

/** @param {string} text */
function encoded(text) {
  // No path can hold half a surrogate pair; `encodeURI` would throw.
  const sound = Buffer.from(text).toString()
  return encodeURI(sound).replaceAll('?', '%3F').replaceAll('#', '%23')
}

/** @param {string} file @returns {Promise<any>} `undefined` if it is missing, or no JSON */
async function readJson(file) {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return undefined
  }
}

module.exports = { readBuild }
