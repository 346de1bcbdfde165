// @ts-check

const { PLACES } = require('./abi.js')

/**
 * Objects that gets have returned and return again. The addon decides which are kept, and for how
 * long; this module only holds them.
 *
 * @typedef {object} Hot
 * @property {number} handle the addon's name for it
 * @property {Map<string, Hot>} map that holds it by its key
 * @property {string} kind of the request, in Next's words
 * @property {string} key
 * @property {any} found
 * @property {number} at the revision up to which it was found fresh for a caller with these tags
 * @property {string[] | undefined} tags
 * @property {string[] | undefined} softTags
 */

/** Of the plural interface, by key; each app has its own of the singular one.
 * @type {Map<string, Hot>} */
const readyUse = new Map()
/** All of them, by place.
 * @type {(Hot | undefined)[]} */
const kept = []

/** Before any revision. */
const NEVER = -1

/**
 * Keeps `found` under the handle the addon gave it; a negative one says not to.
 * @param {Map<string, Hot>} map
 * @param {string} kind
 * @param {string} key
 * @param {any} found
 * @param {number} handle
 */
function keep(map, kind, key, found, handle) {
  if (handle < 0) return
  const hot = { handle, map, kind, key, found, at: NEVER, tags: undefined, softTags: undefined }
  kept[handle % PLACES] = hot
  map.set(key, hot)
}

/** @param {number} handle */
function forget(handle) {
  const hot = kept[handle % PLACES]
  if (hot?.handle !== handle) return
  kept[handle % PLACES] = undefined
  const { map, key } = hot
  if (map.get(key) === hot) map.delete(key)
}

function clear() {
  for (const hot of kept) hot?.map.delete(hot.key)
  kept.length = 0
}

/** @param {number} handle */
function byHandle(handle) {
  const hot = kept[handle % PLACES]
  return hot?.handle === handle ? hot.found : undefined
}

/**
 * Whether it was found fresh at `revision` for just these tags.
 * @param {Hot} hot
 * @param {number} revision
 * @param {string[] | undefined} tags
 * @param {string[] | undefined} softTags
 */
function isKnown(hot, revision, tags, softTags) {
  return hot.at === revision && isSame(hot.tags, tags) && isSame(hot.softTags, softTags)
}

/**
 * Notes that it was.
 * @param {Hot} hot
 * @param {number} revision
 * @param {string[] | undefined} tags
 * @param {string[] | undefined} softTags
 */
function know(hot, revision, tags, softTags) {
  hot.at = revision
  // Copies: the caller owns the arrays and may change them.
  hot.tags = Array.isArray(tags) ? tags.slice() : undefined
  hot.softTags = Array.isArray(softTags) ? softTags.slice() : undefined
}

/** @param {string[] | undefined} a @param {string[] | undefined} b */
function isSame(a, b) {
  if (a === undefined || !Array.isArray(b)) return a === b
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

module.exports = { readyUse, keep, forget, clear, byHandle, isKnown, know }
