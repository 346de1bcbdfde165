// @ts-check

const { FLAG } = require('./abi.js')
const next = require('./next.js')
const visits = require('./visits.js')

/** From where a get is made, as far as it matters to who generates. */

/** A build generates all there is, and dev shows each change. */
const EVERYWHERE = next.isBuilding() || next.isDev() ? FLAG.ASIDE : 0

/**
 * Flags of a get for the answer to a request.
 * @param {any} headers of the request
 */
function ofPage(headers) {
  return EVERYWHERE | (next.isPrefetch(headers) || visits.isPrefetch() ? FLAG.PREFETCH : 0)
}

/** Flags of a get for a part of an answer: what it becomes part of may be kept itself. */
function ofPart() {
  if (!next.isKept()) return EVERYWHERE
  // Where all that is stale is waited for, nothing is kept with it.
  return EVERYWHERE | FLAG.KEPT | (next.isWaitedFor() ? 0 : FLAG.MARKED)
}

module.exports = { ofPage, ofPart }
