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
 * @param {number[]} bounds as in `Stats`, in microseconds
 */
function note(kind, tier, ms, traceId, bounds) {
  const us = Math.round(ms * 1e3)
  const found = bounds.findIndex((bound) => us <= bound)
  const bucket = found < 0 ? bounds.length : found
  const place = placeOf({ kind: kind.toLowerCase(), tier }, bucket)
  last.set(place, { traceId, value: ms / 1e3, time: Date.now() })
}

/** @param {string} name of the metric @param {Record<string, string>} labels @param {number} bucket */
function of(name, labels, bucket) {
  return name === 'tiercel.get.duration' ? last.get(placeOf(labels, bucket)) : undefined
}

module.exports = { note, of }
