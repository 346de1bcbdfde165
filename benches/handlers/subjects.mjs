// @ts-check
/**
 * The subjects. Each process has one of them: the engine belongs to the process, and code that two
 * subjects share would be compiled for both.
 */
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { streamOf } from './values.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const require = createRequire(import.meta.url)
const ROOM = 1_024

/**
 * @typedef {object} Subject
 * @property {any} incremental an instance, as `cacheHandler` makes them
 * @property {any} use a handler of `cacheHandlers`
 */

/** Does no work of a cache: the least cost of any handler. */
class Ideal {
  static held = new Map()
  static uses = new Map()

  /** @param {string} key */
  async get(key) {
    return Ideal.held.get(key) ?? null
  }

  /** @param {string} key @param {any} value @param {any} ctx */
  async set(key, value, ctx) {
    const lastModified = Date.now()
    Ideal.held.set(key, { lastModified, value, cacheControl: ctx.cacheControl })
  }

  async revalidateTag() {}

  /** @param {string} key */
  static async get(key) {
    const entry = Ideal.uses.get(key)
    return entry && { ...entry, value: streamOf(entry.value) }
  }

  /** @param {string} key @param {Promise<any>} pending */
  static async set(key, pending) {
    const entry = await pending
    const chunks = []
    const reader = entry.value.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      chunks.push(value)
    }
    Ideal.uses.set(key, {
      ...entry,
      value: chunks.length === 1 ? chunks[0] : Buffer.concat(chunks),
    })
  }

  static async updateTags() {}
}

/** @returns {string | undefined} a directory from which `next` can be required */
function nextHome() {
  const apps = join(root, '__test__', 'next', 'apps')
  const names = existsSync(apps) ? readdirSync(apps) : []
  const homes = [join(root, 'examples', 'demo'), ...names.map((name) => join(apps, name))]
  return homes.find((home) => existsSync(join(home, 'node_modules', 'next', 'package.json')))
}

/** @returns {string | undefined} */
export function nextVersion() {
  const home = nextHome()
  return home && createRequire(join(home, 'index.js'))('next/package.json').version
}

/** @returns {Subject} */
function next() {
  const fromHome = createRequire(join(/** @type {string} */ (nextHome()), 'index.js'))
  const files = fromHome('next/dist/server/lib/incremental-cache/file-system-cache.js')
  const { createDefaultCacheHandler } = fromHome('next/dist/server/lib/cache-handlers/default.js')
  const FileSystemCache = files.default
  const incremental = new FileSystemCache({
    fs: {},
    flushToDisk: false,
    serverDistDir: join(root, 'benches', 'out'),
    revalidatedTags: [],
    maxMemoryCacheSize: ROOM << 20,
  })
  return { incremental, use: createDefaultCacheHandler(ROOM << 20) }
}

/** @param {number} room memory, in MiB @returns {Subject} */
function tiercel(room) {
  const Tiercel = require('../../index.js')
  Tiercel.configure({ memoryMb: room })
  return { incremental: new Tiercel({}), use: Tiercel }
}

/** @param {string} name @param {number} [room] @returns {Subject} */
export function subject(name, room = ROOM) {
  if (name === 'tiercel') return tiercel(room)
  if (name === 'next') return next()
  return { incremental: new Ideal(), use: Ideal }
}
