// @ts-check

const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { native } = require('./native.js')

/**
 * What keys stand for: the URL behind the digest of a `fetch`, the function behind the number of a
 * `'use cache'` entry. Only what Next.js says anyway, for people who read decisions.
 */

/** URLs that are remembered. */
const MOST_URLS = 4_096
/** Of a longer URL only this much is. */
const MOST_LENGTH = 512

/** @type {Map<string, string>} */
const urls = new Map()
/** @type {Map<string, string>} */
const functions = new Map()
/** Folders whose functions are known.
 * @type {Set<string>} */
const read = new Set()

/**
 * Notes the URL of a `fetch`, or what Next.js says instead of one for `unstable_cache`.
 * @param {string} key
 * @param {unknown} url
 */
function note(key, url) {
  if (urls.has(key) || typeof url !== 'string' || url === '') return
  if (urls.size >= MOST_URLS) urls.delete(/** @type {string} */ (urls.keys().next().value))
  const known = url.slice(0, MOST_LENGTH)
  urls.set(key, known)
  // For those who ask all instances, which no JavaScript answers.
  native.noteUrl(key, known)
}

/**
 * Learns the functions of an app, once: Next.js writes in which file each of them is
 * (`server-reference-manifest.json`, 16.0 to 16.4).
 * @param {string} serverDir a `.next/server`
 */
function learn(serverDir) {
  if (read.has(serverDir)) return
  read.add(serverDir)
  try {
    const manifest = JSON.parse(
      readFileSync(join(serverDir, 'server-reference-manifest.json'), 'utf8'),
    )
    for (const [id, { filename, exportedName }] of Object.entries({
      ...manifest.node,
      ...manifest.edge,
    })) {
      if (filename) functions.set(id, named(filename, exportedName))
    }
  } catch {
    // In development there is none, and its format may change.
  }
}

/**
 * `app/page.tsx getPosts`; the compiler numbers functions that are not exported.
 * @param {string} file
 * @param {string | undefined} name
 */
function named(file, name) {
  const number = /^\$\$RSC_SERVER_CACHE_(\d+)$/.exec(name ?? '')?.[1]
  if (number !== undefined) return `${file} function ${Number(number) + 1}`
  return name ? `${file} ${name}` : file
}

/**
 * What a key stands for, if that is known and says more than the key.
 * @param {string} kind
 * @param {string} key
 * @param {string[]} [dirs] folders of apps to learn functions from
 */
function of(kind, key, dirs = []) {
  if (kind === 'FETCH') return urls.get(key)
  if (kind !== 'USE_CACHE') return undefined
  for (const dir of dirs) learn(dir)
  const id = /"([0-9a-f]{40,})"/.exec(key.slice(0, 256))?.[1]
  return id === undefined ? undefined : functions.get(id)
}

module.exports = { note, of }
