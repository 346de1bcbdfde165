// @ts-check

/**
 * Traces: tags that mark a value made of a stale `'use cache'` entry (`src/next/trace.rs`).
 *
 * Next.js hands the answer to one get to callers that never asked, and that may keep what they make of
 * it. They take over the tags of the entry.
 */

/** Begins a trace, as in `src/next/trace.rs`. */
const TRACE = 'tiercel:stale:'
/** Instead of the position that an entry counts as, as in `src/binding/get.rs`. */
const BY_AGE = -1
const NONE = -2

/**
 * The tags of a stale entry, with a trace.
 * @param {string[]} tags
 * @param {number} position that the entry counts as, or one of the above
 * @param {number} epoch of that position
 */
function traced(tags, position, epoch) {
  if (position === NONE) return tags
  return [...tags, TRACE + (position === BY_AGE ? 'age' : `${epoch}:${position}`)]
}

const isTrace = (/** @type {unknown} */ tag) => typeof tag === 'string' && tag.startsWith(TRACE)

/**
 * The tags of a value to be stored, as they are shown later.
 * @param {any} tags
 */
function untraced(tags) {
  return Array.isArray(tags) && tags.some(isTrace) ? tags.filter((tag) => !isTrace(tag)) : tags
}

/**
 * The same for a page, which has its tags in a header.
 * @param {any} headers
 * @param {string} name of that header
 */
function withoutTraces(headers, name) {
  const text = headers?.[name]
  if (typeof text !== 'string' || !text.includes(TRACE)) return headers
  return { ...headers, [name]: untraced(text.split(',')).join(',') }
}

module.exports = { traced, untraced, withoutTraces }
