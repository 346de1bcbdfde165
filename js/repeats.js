// @ts-check

const next = require('./next.js')

/**
 * Calls that Next.js makes more than once for one call of the user.
 *
 * It makes two handler calls of it, and a server action repeats both after it has rendered: taken
 * literally, they would kill what the action just generated. A call of the app itself counts each
 * time.
 */

/**
 * The tags that each request has invalidated already, with promises for when they are in effect.
 * @type {WeakMap<object, Map<string, Promise<any>>>}
 */
const invalidated = new WeakMap()

/**
 * Calls of this turn, by the array of tags: `revalidateTags` of `revalidation-utils.js` (16.0 to 16.4)
 * makes one array, and hands it to one handler after the other.
 * @typedef {{ isSingular: boolean, isPair: boolean, outcome: Promise<any> | undefined }} Call
 * @type {Map<string[], Call>}
 */
const turn = new Map()

/**
 * Invalidates the tags of a call that this request has not invalidated yet, and waits with those it
 * has.
 * @param {string[]} tags
 * @param {number | undefined} expire
 * @param {boolean} isSingular whether it came by `revalidateTag`
 * @param {(fresh: string[]) => Promise<void>} invalidate
 * @returns {Promise<any>}
 */
function once(tags, expire, isSingular, invalidate) {
  const store = next.work()
  if (!store) return invalidate(tags)
  const twin = turn.get(tags)
  if (twin) {
    twin.isPair ||= twin.isSingular !== isSingular
    return Promise.all([twin.outcome, invalidate([])])
  }
  /** @type {Call} */
  const call = { isSingular, isPair: false, outcome: undefined }
  turn.set(tags, call)
  call.outcome = decided(call, store, tags, expire, invalidate)
  return call.outcome
}

/**
 * @param {Call} call
 * @param {any} store
 * @param {string[]} tags
 * @param {number | undefined} expire
 * @param {(fresh: string[]) => Promise<void>} invalidate
 */
async function decided(call, store, tags, expire, invalidate) {
  const seen = invalidated.get(store) ?? new Map()
  invalidated.set(store, seen)
  const names = tags.map((tag) => nameOf(store, tag, expire))
  const isNew = !names.some((name) => seen.has(name))
  // A new tag counts immediately, before the caller is known.
  let outcome = isNew ? invalidate(tags) : undefined
  await null
  turn.delete(tags)
  if (!isNextsOwn(call, store)) return outcome ?? invalidate(tags)
  outcome ??= invalidate(tags.filter((_, n) => !seen.has(names[n])))
  const earlier = names.flatMap((name) => seen.get(name) ?? [])
  for (const name of names) if (name !== undefined && !seen.has(name)) seen.set(name, outcome)
  return Promise.all([...earlier, outcome])
}

/**
 * Whether a call is one of Next's: where both interfaces are ours, it calls both.
 * @param {Call} call
 * @param {any} store
 */
function isNextsOwn(call, store) {
  return call.isPair || !(isOurs(store.incrementalCache?.cacheHandler?.constructor) && hasPlural())
}

/** @param {any} handler a handler class, or the class of a handler */
const isOurs = (handler) => Object(handler).flags !== undefined

/** Whether a handler for `'use cache'` is ours: `handlersSetSymbol` of `use-cache/handlers.js`. */
function hasPlural() {
  const handlers = /** @type {any} */ (globalThis)[Symbol.for('@next/cache-handlers-set')]
  return handlers instanceof Set && [...handlers].some(isOurs)
}

/**
 * The name of the user's call for a tag in this request; nothing for a tag that Next.js does not
 * know. From 16.4 on it contains the time, which distinguishes two calls.
 * @param {any} store
 * @param {string} tag
 * @param {number | undefined} expire
 */
function nameOf(store, tag, expire) {
  const pending = store.pendingRevalidatedTags
  const calls = Array.isArray(pending) ? pending.filter((one) => one?.tag === tag) : []
  if (calls.length === 0) return undefined
  return JSON.stringify([tag, String(expire), calls.map((one) => one.revalidatedAt)])
}

module.exports = { once }
