// @ts-check

/**
 * Rows that React writes for a `'use cache'` entry: an id in hex, a colon, and the value. Rows of
 * bytes and of long text begin with their length and a comma; all others end with their line
 * (`processBinaryChunk` of React's `ReactFlightClient`).
 */

const [COLON, COMMA, LINE] = [58, 44, 10]
/** Long text. */
const TEXT = 84
/** `ArrayBuffer`, typed arrays, `DataView`, and chunks of a stream of bytes. */
const BYTES = new Set([...'AOobUSsLlGgMmV'].map((tag) => tag.charCodeAt(0)))

/**
 * Whether React makes views over these very bytes: over rows of bytes, not of text, which it
 * decodes.
 * @param {Buffer} bytes
 */
function hasViews(bytes) {
  let at = 0
  while (at < bytes.length) {
    const colon = bytes.indexOf(COLON, at)
    if (colon < 0) return false
    const tag = bytes[colon + 1]
    if (BYTES.has(tag)) return true
    const end = tag === TEXT ? endOfText(bytes, colon + 2) : bytes.indexOf(LINE, colon) + 1
    if (end === 0) return false
    // An unreadable row may be bytes.
    if (!(end > colon)) return true
    at = end
  }
  return false
}

/**
 * @param {Buffer} bytes
 * @param {number} start of the length
 */
function endOfText(bytes, start) {
  const comma = bytes.indexOf(COMMA, start)
  return comma + 1 + Number.parseInt(bytes.toString('latin1', start, comma), 16)
}

module.exports = { hasViews }
