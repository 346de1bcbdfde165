// @ts-check

const { native } = require('./native.js')

/** URLs behind the digests that are the keys of a `fetch`, for people who read decisions. */

/** Keys that are remembered. */
const MOST_URLS = 4_096
/** Of a longer URL only this much is. */
const MOST_LENGTH = 512

/** Keys whose URL the addon knows.
 * @type {Set<string>} */
const noted = new Set()

/**
 * Notes the URL of a `fetch`, or what Next.js says instead of one for `unstable_cache`.
 * @param {string} key
 * @param {unknown} url
 */
function note(key, url) {
  if (noted.has(key) || typeof url !== 'string' || url === '') return
  if (noted.size >= MOST_URLS) noted.delete(/** @type {string} */ (noted.values().next().value))
  noted.add(key)
  native.noteUrl(key, url.slice(0, MOST_LENGTH))
}

module.exports = { note }
