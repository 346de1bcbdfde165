// @ts-check

const { ASIDE, KEPT, MARKED, PREFETCH } = require('./native.js')
const next = require('./next.js')
const visits = require('./visits.js')

/** From where a get is made, as far as it matters to who generates. */

/** A build generates all there is, and dev shows each change. */
const EVERYWHERE = next.isBuilding() || next.isDev() ? ASIDE : 0

/**
 * Flags of a get for the answer to a request.
 * @param {any} headers of the request
 */
function ofPage(headers) {
  return EVERYWHERE | (next.isPrefetch(headers) || visits.isPrefetch() ? PREFETCH : 0)
}

/** Flags of a get for a part of an answer: what it becomes part of may be kept itself. */
function ofPart() {
  if (!next.isKept()) return EVERYWHERE
  // Where all that is stale is waited for, nothing is kept with it.
  return EVERYWHERE | KEPT | (next.isWaitedFor() ? 0 : MARKED)
}

module.exports = { ofPage, ofPart }
