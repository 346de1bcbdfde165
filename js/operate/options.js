// @ts-check

const { UsageError } = require('../command/usage.js')
const { KIND_OF } = require('../abi.js')

/**
 * A whole number within bounds.
 * @param {string | undefined} text
 * @param {string} flag
 * @param {number} preset
 * @param {[number, number]} bounds
 */
function count(text, flag, preset, [least, most]) {
  if (text === undefined) return preset
  const number = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isInteger(number) || number < least || number > most) {
    throw new UsageError(`--${flag} takes a whole number from ${least} to ${most}`)
  }
  return number
}

/** Keys that are looked at in a second. @param {string | undefined} text */
const rate = (text) => count(text, 'rate', 5_000, [1, 1_000_000])

/**
 * A number of seconds.
 * @param {string | undefined} text
 * @param {string} flag
 * @param {number} preset
 * @param {[number, number]} bounds
 */
function seconds(text, flag, preset, [least, most]) {
  if (text === undefined) return preset
  const number = text.trim() === '' ? Number.NaN : Number(text)
  if (!(number >= least && number <= most)) {
    throw new UsageError(`--${flag} takes a number of seconds from ${least} to ${most}`)
  }
  return number
}

const UNITS = /** @type {Record<string, number>} */ ({ s: 1e3, m: 6e4, h: 36e5, d: 864e5 })

/** An age in ms. @param {string | undefined} text @param {string} flag */
function age(text, flag) {
  if (text === undefined) return undefined
  const [, number, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  if (number === undefined)
    throw new UsageError(`--${flag} takes an age such as 90s, 15m, 12h or 7d`)
  return Number(number) * UNITS[unit]
}

/** Numbers of kinds. @param {string[] | undefined} names */
function kinds(names = []) {
  return names.map((name) => {
    const kind = /** @type {Record<string, number>} */ (KIND_OF)[name]
    if (kind === undefined) {
      throw new UsageError(`--kind takes one of ${Object.keys(KIND_OF).join(', ')}`)
    }
    return kind
  })
}

module.exports = { count, rate, seconds, age, kinds }
