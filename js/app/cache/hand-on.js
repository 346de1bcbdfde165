// @ts-check

const next = require('../../next.js')
const { tagOf } = require('./entry.js')

/**
 * A value that becomes part of a `'use cache'` entry gives it its tags and its lifetime, by Next's
 * `cacheTag` and `cacheLife`. Bundles of Next.js bring these along: see `app.js`.
 */

const BUNDLED = Symbol.for('tiercel.bundled')

const global = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (globalThis))

global[BUNDLED] ??= { cache: undefined }
/** What bundles bring along: looked at in each hit, which a look into `globalThis` would slow down.
 * @type {{ cache: any }} */
const bundled = global[BUNDLED]

/**
 * What a value has to hand on; lifetimes without end say nothing.
 * @typedef {{ tags: string[], revalidateMs: number, servedMs: number }} Made
 */

/** There is none: whatever sets the key ends what was made of that.
 * @type {Made} */
const NOTHING = {
  tags: [],
  revalidateMs: Number.POSITIVE_INFINITY,
  servedMs: Number.POSITIVE_INFINITY,
}

/**
 * What was generated; what is not stored has no lifetime.
 * @param {{ kind: 'stored' | 'kept', plan: import('./plan.js').Plan }} outcome
 * @returns {Made}
 */
function made({ kind, plan: { tags, life } }) {
  if (kind === 'kept') return { ...NOTHING, tags }
  return { tags, revalidateMs: life.revalidateMs, servedMs: life.expireMs }
}

/** What is made of something that is not fresh is not fresh either. @param {Made} entry @returns {Made} */
const staleOf = ({ tags, servedMs }) => ({ tags, servedMs, revalidateMs: 0 })

/**
 * @template T
 * @param {Made} entry
 * @param {string} prefix
 * @param {string} own the key behind it
 * @param {T} value
 * @returns {T} the value
 */
function handOn(entry, prefix, own, value) {
  if (bundled.cache !== undefined) give(entry, prefix + own)
  return value
}

/** @param {Made} entry @param {string} key */
function give({ tags, revalidateMs, servedMs }, key) {
  const unit = next.unit()
  if (unit?.type !== 'cache') return
  try {
    const { cacheTag, cacheLife } = bundled.cache
    cacheTag(...tags, tagOf(key))
    // Only ever shorter: a lifetime that is named replaces that of the profile.
    const life = {
      ...shorter('revalidate', revalidateMs, unit.explicitRevalidate ?? unit.revalidate),
      ...shorter('expire', servedMs, unit.explicitExpire ?? unit.expire),
    }
    if (Object.keys(life).length > 0) cacheLife(life)
  } catch {
    // Another Next.js: the value is what was asked for.
  }
}

/** @param {string} name @param {number} ms @param {number | undefined} present in seconds */
function shorter(name, ms, present) {
  const secs = Math.max(1, Math.ceil(ms / 1_000))
  return ms === Number.POSITIVE_INFINITY || secs >= (present ?? secs + 1) ? {} : { [name]: secs }
}

module.exports = { NOTHING, handOn, made, staleOf }
