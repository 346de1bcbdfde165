// @ts-check

const next = require('../../next.js')
const { tagOf } = require('./entry.js')

/**
 * A value that becomes part of a `'use cache'` entry gives it its tags and its lifetime, by Next's
 * `cacheTag` and `cacheLife`. Bundles of Next.js bring these along: see `app.js`.
 */

const BUNDLED = Symbol.for('tiercel.next-cache')
/** Next.js takes no longer one. */
const MOST_TAG = 256

const global = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (globalThis))

/**
 * @template T
 * @param {{ tags: string[], revalidateMs: number, servedMs: number }} entry
 * @param {string} prefix
 * @param {string} own the key behind it
 * @param {T} value
 * @returns {T} the value
 */
function handOn(entry, prefix, own, value) {
  if (global[BUNDLED] !== undefined) give(entry, prefix + own)
  return value
}

/** @param {{ tags: string[], revalidateMs: number, servedMs: number }} entry @param {string} key */
function give({ tags, revalidateMs, servedMs }, key) {
  const unit = next.unit()
  if (unit?.type !== 'cache') return
  try {
    const { cacheTag, cacheLife } = global[BUNDLED]
    cacheTag(...[...tags, tagOf(key)].filter(({ length }) => length <= MOST_TAG))
    const secs = (/** @type {number} */ ms) => Math.max(1, Math.ceil(ms / 1_000))
    const [revalidate, expire] = [secs(revalidateMs), secs(servedMs)]
    // Only ever shorter: a lifetime that is named replaces that of the profile.
    const isStaleFirst = !(revalidate >= (unit.explicitRevalidate ?? unit.revalidate))
    const isGoneFirst = !(expire >= (unit.explicitExpire ?? unit.expire))
    const life = { ...(isStaleFirst && { revalidate }), ...(isGoneFirst && { expire }) }
    if (isStaleFirst || isGoneFirst) cacheLife(life)
  } catch {
    // Another Next.js: the value is what was asked for.
  }
}

module.exports = { handOn }
