// @ts-check

const { FLAG } = require('./abi.js')
const next = require('./next.js')
const visits = require('./visits.js')

/** The caller of a get, as far as it matters for who generates. */

/** A build generates everything, and dev shows each change. */
const EVERYWHERE = next.isBuilding() || next.isDev() ? FLAG.ASIDE : 0

/**
 * Flags of a get for the answer to a request.
 * @param {any} headers of the request
 */
function ofPage(headers) {
  return EVERYWHERE | (next.isPrefetch(headers) || visits.isPrefetch() ? FLAG.PREFETCH : 0)
}

/** Flags of a get for a part of an answer: the whole answer may be kept, too. */
function ofPart() {
  if (!next.isKept()) return EVERYWHERE
  // Next.js waits for stale parts here, so no page is kept with one.
  return EVERYWHERE | FLAG.KEPT | (next.isWaitedFor() ? 0 : FLAG.MARKED)
}

module.exports = { ofPage, ofPart }
