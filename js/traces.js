// @ts-check

const { POSITION, TRACE, TRACE_OF_AGE } = require('./abi.js')

/**
 * Traces: tags that mark a value made of a stale `'use cache'` entry (`src/next/trace.rs`).
 *
 * Next.js shares the answer to one get with callers that made no get of their own, and that may
 * keep what they make of it. They take over the tags of the entry.
 */

/**
 * The tags of a stale entry, with a trace.
 * @param {string[]} tags
 * @param {number} position the entry counts as this one, or a `POSITION`
 * @param {number} epoch of that position
 */
function traced(tags, position, epoch) {
  if (position === POSITION.NO_TRACE) return tags
  const rest = position === POSITION.STALE_BY_AGE ? TRACE_OF_AGE : `${epoch}:${position}`
  return [...tags, TRACE + rest]
}

const isTrace = (/** @type {unknown} */ tag) => typeof tag === 'string' && tag.startsWith(TRACE)

/**
 * The tags of a value to be stored, as later gets show them.
 * @param {any} tags
 */
function untraced(tags) {
  return Array.isArray(tags) && tags.some(isTrace) ? tags.filter((tag) => !isTrace(tag)) : tags
}

/**
 * The same for a page, whose tags are in a header.
 * @param {any} headers
 * @param {string} name of that header
 */
function withoutTraces(headers, name) {
  const text = headers?.[name]
  if (typeof text !== 'string' || !text.includes(TRACE)) return headers
  return { ...headers, [name]: untraced(text.split(',')).join(',') }
}

module.exports = { traced, untraced, withoutTraces }
