// @ts-check

const { MOST_OWN, MOST_TTL_MS } = require('../abi.js')
const { invalid } = require('./errors.js')

/** What callers give, read once. */

const GROUP = /^[A-Za-z0-9._/-]{1,64}$/
/** Names that are something else on objects. */
const TAKEN = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * The name of a group of things.
 * @param {string} what
 * @param {unknown} given
 * @returns {string}
 */
function group(what, given) {
  if (typeof given === 'string' && GROUP.test(given) && !TAKEN.has(given)) return given
  throw invalid(what, '1 to 64 of the characters A-Z a-z 0-9 . _ / -', given)
}

/**
 * The name of one thing.
 * @param {string} what
 * @param {unknown} given
 * @returns {string}
 */
function own(what, given) {
  const fits =
    typeof given === 'string' &&
    given !== '' &&
    isSound(given) &&
    !given.includes('\0') &&
    (given.length * 3 <= MOST_OWN || Buffer.byteLength(given) <= MOST_OWN)
  if (fits) return given
  throw invalid(what, `a text of 1 to ${MOST_OWN} bytes of UTF-8 without NUL`, given)
}

/** Whether a text has no half characters, which UTF-8 cannot hold. @param {string} text */
function isSound(text) {
  return !/\p{Surrogate}/u.test(text)
}

/**
 * Options: an object with none but the known ones, each read once.
 * @template {string} K
 * @param {string} what
 * @param {unknown} given
 * @param {readonly K[]} known
 * @returns {Partial<Record<K, any>>}
 */
function options(what, given, known) {
  if (given === undefined) return {}
  if (given === null || typeof given !== 'object' || Array.isArray(given)) {
    throw invalid(what, 'an object of options', given)
  }
  /** @type {Record<string, unknown>} */
  const read = Object.create(null)
  for (const name of Object.keys(given)) {
    if (!known.includes(/** @type {K} */ (name))) {
      throw invalid(`${what}: \`${name.slice(0, 64)}\``, `one of ${known.join(', ')}`, undefined)
    }
    const one = /** @type {Record<string, unknown>} */ (given)[name]
    // Something that is not given leaves what holds otherwise.
    if (one !== undefined) read[name] = one
  }
  return /** @type {any} */ (read)
}

const UNITS = /** @type {Record<string, number>} */ ({
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
})

/**
 * A duration in ms: a number of seconds, or `'500ms'`, `'5s'`, `'5m'`, `'1h'`, `'7d'`.
 * @param {string} what
 * @param {unknown} given
 * @param {{ least?: number, most?: number }} [bounds] in ms
 * @returns {number} whole
 */
function duration(what, given, { least = 1, most = MOST_TTL_MS } = {}) {
  const ms = milliseconds(given)
  if (ms >= least && ms <= most) return ms
  const bounds = `${least} ms to ${Math.floor(most / 1_000)} s`
  throw invalid(what, `a number of seconds or a text such as '500ms', '5m', '7d', ${bounds}`, given)
}

/** @param {unknown} given @returns {number} not a number if it is no duration */
function milliseconds(given) {
  if (typeof given === 'number') return Math.round(given * 1_000)
  const parts = typeof given === 'string' && /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(given)
  return parts ? Math.round(Number(parts[1]) * UNITS[parts[2]]) : Number.NaN
}

/**
 * A whole number.
 * @param {string} what
 * @param {unknown} given
 * @param {number} least
 * @param {number} most
 * @returns {number}
 */
function whole(what, given, least, most) {
  const fits = Number.isSafeInteger(given)
  const number = /** @type {number} */ (given)
  if (fits && number >= least && number <= most) return number
  throw invalid(what, `a whole number from ${least} to ${most}`, given)
}

/**
 * One of some words.
 * @template {string} W
 * @param {string} what
 * @param {unknown} given
 * @param {readonly W[]} words
 * @returns {W}
 */
function word(what, given, words) {
  if (words.includes(/** @type {W} */ (given))) return /** @type {W} */ (given)
  throw invalid(what, words.map((one) => `'${one}'`).join(' or '), given)
}

/** @param {string} what @param {unknown} given @returns {boolean} */
function flag(what, given) {
  if (typeof given === 'boolean') return given
  throw invalid(what, 'true or false', given)
}

/** @param {string} what @param {unknown} given @returns {Function} */
function callable(what, given) {
  if (typeof given === 'function') return given
  throw invalid(what, 'a function', given)
}

/**
 * What `JSON.stringify` makes of a value, bounded.
 * @param {string} what
 * @param {unknown} given
 * @param {number} most bytes
 */
function json(what, given, most) {
  let text
  try {
    text = JSON.stringify(given)
  } catch {
    // A cycle or a BigInt.
  }
  const is = text !== undefined && Buffer.byteLength(text) <= most
  if (is) return /** @type {string} */ (text)
  throw invalid(what, `what JSON can hold, in ${most} bytes at most`, given)
}

/** What a JSON text holds; `undefined` if it is none. @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

module.exports = {
  group,
  own,
  isSound,
  options,
  duration,
  whole,
  word,
  flag,
  callable,
  json,
  parsed,
}
