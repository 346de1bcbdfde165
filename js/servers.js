// @ts-check

const { readFileSync } = require('node:fs')
const { isAbsolute, join, resolve } = require('node:path')
const { pathToFileURL } = require('node:url')

/**
 * The servers of Next.js in this process. Each is listed once `instrumentation.ts` has run and before
 * it answers: `router-server.js`, 16.0 to 16.4.
 *
 * @typedef {{ dir: string, config: any }} Server
 */

const LIST = Symbol.for('@next/router-server-methods')
/** The config of a standalone server, as its `server.js` sets it. */
const STANDALONE = '__NEXT_PRIVATE_STANDALONE_CONFIG'

/** The time between looks at the list, in ms, and how long they go on. */
const EVERY_MS = 20
const LONGEST_MS = 120_000

/** @returns {Server[]} */
function listed() {
  const list = /** @type {Record<PropertyKey, any>} */ (/** @type {unknown} */ (globalThis))[LIST]
  return Object.entries(list ?? {}).map(([path, methods]) => ({
    dir: resolve(path),
    config: methods?.nextConfig,
  }))
}

/**
 * Calls `then` once a server is listed. Keeps no process alive.
 * @param {() => void} then
 */
function whenListed(then) {
  const until = performance.now() + LONGEST_MS
  const look = () => {
    const isListed = listed().length > 0
    if (isListed || performance.now() > until) clearInterval(timer)
    if (isListed) then()
  }
  const timer = setInterval(look, EVERY_MS)
  timer.unref()
}

/** The servers, also before they are listed: as their build describes them. @returns {Server[]} */
function expected() {
  const known = listed().filter(({ config }) => config)
  if (known.length > 0) return known
  try {
    if (process.env[STANDALONE]) {
      return [{ dir: process.cwd(), config: JSON.parse(process.env[STANDALONE]) }]
    }
    const file = join(process.cwd(), '.next', 'required-server-files.json')
    return [{ dir: process.cwd(), config: JSON.parse(readFileSync(file, 'utf8')).config }]
  } catch {
    return []
  }
}

/**
 * Loads the handlers that next.config names, which may call `configure()`. Next.js reports it itself
 * if one cannot be loaded.
 */
async function loadHandlers() {
  for (const { dir, config } of expected()) {
    const { cacheHandler, cacheHandlers, distDir = '.next' } = config ?? {}
    for (const named of new Set([cacheHandler, ...Object.values(cacheHandlers ?? {})])) {
      if (typeof named !== 'string') continue
      const isUrl = named.startsWith('file:')
      const file = isAbsolute(named) ? named : join(dir, distDir, named)
      await import(isUrl ? named : pathToFileURL(file).href).catch(() => {})
    }
  }
}

module.exports = { STANDALONE, listed, expected, whenListed, loadHandlers }
