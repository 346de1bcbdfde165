// @ts-check

const { readFileSync } = require('node:fs')
const { join } = require('node:path')

/**
 * The keys under which Next.js keeps the page or route of a path. Up to 16.3.7 that is the path; later
 * ones may name the route as well, by a digest that Next.js itself has to make.
 */

/** @typedef {import('./place.js').Place} Place */

/** A path without the slashes that end it. @param {string} path */
const plainOf = (path) => (path.length > 1 ? path.replace(/\/+$/, '') : path)

/** The key that is a path, as all versions have it. @param {string} path */
function keyOfPath(path) {
  const plain = plainOf(path)
  return plain === '/' || plain === '' ? '/index' : plain
}

/** @param {Place} place @param {string} path @returns {string[]} */
function keysOfPath({ next, serverDir }, path) {
  const plain = plainOf(path)
  const keys = [keyOfPath(path), plain]
  const make = next && maker(next.root)
  if (make) {
    for (const owner of ownersOf(serverDir)) {
      if (!matches(owner.sourceRoute, plain)) continue
      for (const name of [plain, keyOfPath(path)]) keys.push(make(name, owner))
    }
  }
  return [...new Set(keys)]
}

/** `getRouteCacheKey` of the Next.js of the app, if it has that. @param {string} root */
function maker(root) {
  try {
    const { getRouteCacheKey } = require(join(root, 'dist/server/lib/route-cache-key.js'))
    return typeof getRouteCacheKey === 'function' ? getRouteCacheKey : undefined
  } catch {
    return undefined
  }
}

/** The routes of a build, as `getResponseCacheOwner` names them. @param {string} serverDir */
function ownersOf(serverDir) {
  const pages = namesIn(join(serverDir, 'pages-manifest.json'))
  const app = namesIn(join(serverDir, 'app-paths-manifest.json'))
  return [
    ...pages.map((sourceRoute) => ({ kind: 'PAGES', sourceRoute })),
    ...app.map((sourceRoute) => ({
      kind: sourceRoute.endsWith('/route') ? 'APP_ROUTE' : 'APP_PAGE',
      sourceRoute,
    })),
  ]
}

/** @param {string} file */
function namesIn(file) {
  try {
    return Object.keys(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return []
  }
}

/** Whether a route may answer a path. @param {string} route @param {string} path */
function matches(route, path) {
  const parts = route
    .replace(/\/(?:page|route)$/, '')
    .split('/')
    .filter((part) => part !== '' && !/^(?:\(.*\)|@.*)$/.test(part))
  const pattern = parts.map((part) => {
    if (/^\[\[\.\.\..*\]\]$/.test(part)) return '(?:/.*)?'
    if (/^\[\.\.\..*\]$/.test(part)) return '/.+'
    if (/^\[.*\]$/.test(part)) return '/[^/]+'
    return `/${part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`
  })
  return new RegExp(`^${pattern.join('')}/?$`).test(path === '/' ? '' : path)
}

module.exports = { keyOfPath, keysOfPath, matches, plainOf }
