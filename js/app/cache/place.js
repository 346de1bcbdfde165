// @ts-check

/** Places of keys: one for each namespace. */

/** Places that are remembered; more are made for each use. */
const MOST = 1_024
/** No key has one. */
const BETWEEN = '\0'

/**
 * @typedef {object} Place
 * @property {string} prefix of its keys
 * @property {Map<string, import('../../hot.js').Hot>} ready objects of it, by key
 */

/** @type {Map<string, Place>} */
const places = new Map()

/** @param {string} prefix @returns {Place} */
function placeOf(prefix) {
  const known = places.get(prefix)
  if (known) return known
  const place = { prefix, ready: new Map() }
  if (places.size < MOST) places.set(prefix, place)
  return place
}

/** @param {Place} place @param {string} name */
const within = (place, name) => placeOf(place.prefix + name + BETWEEN)

module.exports = { root: placeOf(''), within }
