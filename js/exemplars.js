// @ts-check

/**
 * The last trace that was slow enough to fall into each bucket of a histogram of gets.
 *
 * @typedef {{ traceId: string, value: number, time: number }} Exemplar in seconds, and in ms since the
 * epoch
 * @type {Map<string, Exemplar>}
 */
const last = new Map()

/** @param {Record<string, string>} labels @param {number} bucket */
const placeOf = ({ kind, tier }, bucket) => `${kind}/${tier}/${bucket}`

/**
 * Notes a get that was traced.
 * @param {string} kind as in `Decision`
 * @param {string} tier
 * @param {number} ms
 * @param {string} traceId
 */
function note(kind, tier, ms, traceId) {
  const bucket = Math.min(Math.max(Math.ceil(Math.log2(ms * 1e3)), 0), 23)
  const place = placeOf({ kind: kind.toLowerCase(), tier }, bucket)
  last.set(place, { traceId, value: ms / 1e3, time: Date.now() })
}

/** @param {string} name of the metric @param {Record<string, string>} labels @param {number} bucket */
function of(name, labels, bucket) {
  return name === 'tiercel.get.duration' ? last.get(placeOf(labels, bucket)) : undefined
}

module.exports = { note, of }
