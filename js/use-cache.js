// @ts-check

const { ENDING, FIELD, FLAG, KIND, MARK } = require('./abi.js')
const { invalidating } = require('./configure.js')
const { debug, tell, tellInvalidation } = require('./debug.js')
const at = require('./native.js')
const { readyUse } = require('./hot.js')
const next = require('./next.js')
const place = require('./place.js')
const { once } = require('./repeats.js')
const telemetry = require('./telemetry.js')
const { traced } = require('./traces.js')
const visits = require('./visits.js')
const { describe } = require('./values.js')
const { wait, watch } = require('./waits.js')

const { native, mailbox, left, start, objectOf, isFresh, now, outlast, MEANWHILE_SECS } = at

/** The plural interface: `cacheHandlers`, for `'use cache'`. */

const IS_BUILDING = next.isBuilding()
const IS_DEV = next.isDev()
/** `next dev` shows entries for at least this long, in seconds, as Next's own handler does. */
const LEAST_KEEP_DEV = 300
/** Longer than anything is kept, and no moment so long ago is before Next's first: 34 years. */
const LONGEST_SECS = 2 ** 30

/**
 * The flags of a handler: `tiercel/memory` uses this process only.
 * @param {any} handler
 * @returns {number}
 */
function flagsOf(handler) {
  return handler?.flags ?? 0
}

/** @this {unknown} @param {string} key @param {string[]} softTags */
async function get(key, softTags) {
  try {
    start()
    const hot = readyUse.get(key)
    if (hot !== undefined && debug.sink === undefined && isFresh(hot, undefined, softTags)) {
      return entryOf(hot.found)
    }
    return await find(key, softTags, flagsOf(this))
  } catch {
    return undefined
  }
}

/**
 * Everything but a plain hit.
 * @param {string} key
 * @param {string[]} softTags
 * @param {number} flags
 */
function find(key, softTags, flags) {
  /** @type {(flags: number, span?: import('@opentelemetry/api').Span) => any} */
  const ask = (flags, span) => askWith(key, softTags, flags, span)
  // The render of a page asks for its parts.
  visits.current()?.renders()
  const answer = ask(flags | place.ofPart())
  return typeof answer === 'number' ? outlast(answer, ask) : answer
}

/**
 * A token to wait with, or the answer of `get`, which is built right here because every call writes
 * into the one mailbox.
 * @param {string} key
 * @param {string[]} softTags
 * @param {number} flags
 * @param {import('@opentelemetry/api').Span} [span]
 */
function askWith(key, softTags, flags, span) {
  visits.glance()
  const answer = native.findUse(key, softTags, flags)
  if (typeof answer === 'number') return answer
  const why = telemetry.taken(span)
  const found = answer && objectOf(readyUse, 'USE_CACHE', key, answer)
  // Before the listener is called: it may call a handler, too.
  const [mark, position, epoch] = left()
  if (debug.sink) tell(key, why)
  if (found === undefined) {
    if (!(flags & FLAG.ASIDE)) visits.current()?.lead(KIND.USE_CACHE, key, false, 0)
    return undefined
  }
  const shown = entryOf(found)
  if (mark === MARK.FRESH) return shown
  if (mark !== MARK.MEANWHILE && !(flags & (FLAG.ASIDE | FLAG.KEPT))) {
    visits.current()?.lead(KIND.USE_CACHE, key, true, 0)
  }
  // A build generates everything: nothing in it is older than the build.
  if (!IS_BUILDING) shown.tags = traced(found.tags, position, epoch)
  if (mark === MARK.MODIFIED) return Object.assign(shown, past(found))
  if (mark === MARK.MEANWHILE) return Object.assign(shown, meanwhile(found))
  return shown
}

/**
 * The timestamp of an entry that is served once more and regenerated: one at which Next.js sees by
 * itself that it is stale. The lifetime stays as it is, because values made of the entry inherit
 * it.
 * @param {any} found
 */
function past({ timestamp, revalidate, expire }) {
  const most = Math.min(revalidate, LONGEST_SECS)
  // An entry that dies when it turns stale could not be shown as stale.
  const secs = expire > most ? most : expire / 2
  return { revalidate: secs, timestamp: Math.min(timestamp, now() - secs * 1_000 - 1) }
}

/**
 * The timestamp of a stale entry that another get generates: one at which it looks fresh, for a
 * short time.
 * @param {any} found
 */
function meanwhile(found) {
  const revalidate = Math.min(found.revalidate, LONGEST_SECS)
  const ago = Math.max((revalidate - MEANWHILE_SECS) * 1_000, revalidate * 500)
  return { revalidate, timestamp: now() - ago }
}

/** @param {any} found */
function entryOf({ bytes, hasViews, tags, stale, timestamp, expire, revalidate }) {
  // The reader of a typed array may write into it.
  const value = streamOf(hasViews ? new Uint8Array(bytes) : bytes)
  return { value, tags, stale, timestamp, expire, revalidate }
}

/**
 * A default stream, never one of bytes: that would detach the memory of the cache.
 * @param {Uint8Array} bytes
 */
function streamOf(bytes) {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes)
      controller.close()
    },
  })
}

/** @this {unknown} @param {string} key @param {Promise<any>} pending @returns {Promise<void>} */
function set(key, pending) {
  return new Promise((resolve) => store(key, pending, flagsOf(this), watch(resolve)))
}

/**
 * @param {string} key
 * @param {Promise<any>} pending
 * @param {number} flags
 * @param {() => void} done
 */
async function store(key, pending, flags, done) {
  let isStored = false
  try {
    start()
    visits.current()?.ended(key)
    native.beginUse(key)
    const entry = await pending
    const { expire, revalidate, timestamp, tags } = entry
    /** @type {Uint8Array[]} */
    const chunks = []
    const reader = entry.value.getReader()
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      chunks.push(read.value)
    }
    // Such an entry is generated on every read; Next.js shows it again only in dev.
    if (!IS_DEV && (expire === 0 || revalidate === 0)) return
    const keep = IS_DEV ? Math.max(expire, LEAST_KEEP_DEV) : expire
    const json = describe(entry)
    const why = telemetry.generated(timestamp, () =>
      native.putUse(key, timestamp, revalidate, keep, tags, json, chunks, flags),
    )
    isStored = true
    if (debug.sink) tell(key, why)
    if (IS_BUILDING) await at.drained()
  } catch {
    // The generation failed, perhaps half-way: no part of it is kept.
  } finally {
    if (!isStored) native.abandon(KIND.USE_CACHE, key, 0)
    done()
  }
}

/** Tags are in effect where they are set; there is nothing to fetch. */
async function refreshTags() {}

/**
 * Soft tags are judged in `get`. In dev Next.js has a memory of its own in front of it, and judges
 * its entries by this: `createTieredCacheHandler`, 16.3 and 16.4.
 * @param {string[]} tags
 */
async function getExpiration(tags) {
  if (!IS_DEV) return Number.POSITIVE_INFINITY
  start()
  return native.diedAt(tags)
}

/**
 * Invalidates: here immediately, everywhere when it resolves. Without `durations` it is hard; with
 * them entries are stale now, and dead after `expire` seconds if that is given.
 * @param {string | string[]} tags
 * @param {{ expire?: number }} [durations]
 */
async function updateTags(tags, durations) {
  await invalidateOnce(tags, durations, false)
}

/**
 * @param {string | string[]} tags
 * @param {{ expire?: number } | undefined} durations
 * @param {boolean} isSingular whether it came by `revalidateTag`
 */
async function invalidateOnce(tags, durations, isSingular) {
  start()
  const list = typeof tags === 'string' ? [tags] : tags
  if (!Array.isArray(list)) return
  const expire = durations ? (durations.expire ?? Number.POSITIVE_INFINITY) : undefined
  await once(list, expire, isSingular, (fresh) => {
    // The rest repeats a call that was told.
    if (debug.sink && fresh.length > 0) {
      tellInvalidation(fresh, expire === undefined || expire <= 0 ? 'hard' : 'soft')
    }
    return invalidate(fresh, expire)
  })
}

/**
 * Invalidates, also what was invalidated before: here immediately, everywhere when it resolves.
 * @param {string[]} tags
 * @param {number | undefined} expire seconds; `undefined` = hard
 */
async function invalidate(tags, expire) {
  if (tags.length === 0) return
  // Data read meanwhile may come from a replica that lags behind its primary.
  const { graceMs } = invalidating
  if (graceMs > 0) setTimeout(() => native.invalidate(tags, expire), graceMs).unref()
  await invalidateNow(tags, expire)
}

/**
 * The same, for now: what comes next is no older than the invalidation.
 * @param {string[]} tags
 * @param {number | undefined} expire
 */
async function invalidateNow(tags, expire) {
  const span = telemetry.span('invalidate')
  try {
    const token = native.invalidate(tags, expire)
    if (token === undefined) throw new Error('tiercel: the tags could not be invalidated')
    const ending = token === 0 ? undefined : await wait(token, mailbox[FIELD.DETAIL])
    const isLate = ending === ENDING.FAILED || ending === ENDING.LATE
    telemetry.invalidated(span, tags, expire !== undefined && expire > 0, !isLate)
    if (ending === ENDING.FAILED || (ending === ENDING.LATE && invalidating.mustRecord)) {
      throw unrecorded()
    }
  } catch (error) {
    telemetry.failed(span, error)
    throw error
  } finally {
    telemetry.ended(span)
  }
}

function unrecorded() {
  const error = new Error('tiercel: the invalidation is in effect here, but could not be recorded')
  return Object.assign(error, { code: 'TIERCEL_NOT_RECORDED' })
}

module.exports = {
  flagsOf,
  get,
  set,
  refreshTags,
  getExpiration,
  updateTags,
  invalidateOnce,
  invalidate,
  invalidateNow,
}
