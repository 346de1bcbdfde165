// @ts-check

const { invalid } = require('../errors.js')

/** What values are made of. */

/** Deeper than anything that is meant to be stored. */
const DEEPEST = 500
const { prototype } = Object

/**
 * Whether JSON holds a value as `structuredClone` would copy it: plain objects and arrays, without
 * gaps, cycles, `undefined`, `-0`, `toJSON` and the like.
 * @param {unknown} value
 * @param {number} [depth]
 * @param {Set<object>} [above]
 * @returns {boolean}
 */
function isPlain(value, depth = 0, above = new Set()) {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
    case 'object':
      return value === null || isPlainObject(value, depth, above)
    default:
      return false
  }
}

/** @param {object} value @param {number} depth @param {Set<object>} seen all objects so far: what occurs twice is one object in a clone */
function isPlainObject(value, depth, seen) {
  if (depth > DEEPEST || seen.has(value)) return false
  seen.add(value)
  if (Array.isArray(value)) {
    // Other properties of an array are lost in JSON.
    if (Object.keys(value).length !== value.length) return false
    return value.every((one) => isPlain(one, depth + 1, seen))
  }
  if (Object.getPrototypeOf(value) !== prototype) return false
  const names = Object.keys(value)
  // JSON.parse makes a property of this name, where a clone has none.
  if (names.includes('__proto__')) return false
  return names.every((name) => {
    const one = /** @type {any} */ (value)[name]
    return !(name === 'toJSON' && typeof one === 'function') && isPlain(one, depth + 1, seen)
  })
}

/** What V8 writes although it is not what it was, by the name it gives itself. */
const CLONEABLE =
  /^\[object (?:Object|Array|Date|RegExp|Error|Map|Set|Boolean|Number|String|BigInt|Arguments|ArrayBuffer|SharedArrayBuffer|DataView|(?:Big)?(?:Ui|I)nt\d+(?:Clamped)?Array|Float\d+Array)\]$/

/**
 * Refuses what cannot be stored, by its place: functions, symbols, streams, responses, promises.
 * @param {unknown} value
 */
function checkSound(value) {
  const seen = new Set()
  /** @type {[unknown, string, number][]} */
  const left = [[value, 'it', 0]]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [one, place, depth] = next
    const why = refusal(one)
    if (why !== undefined || depth > DEEPEST) throw unfit(place, why ?? 'nested too deeply')
    if (typeof one !== 'object' || one === null || seen.has(one)) continue
    seen.add(one)
    for (const [name, part] of partsOf(one)) left.push([part, `${place}${name}`, depth + 1])
  }
}

/** @param {unknown} one @returns {string | undefined} what it is, if that cannot be stored */
function refusal(one) {
  if (typeof one === 'function' || typeof one === 'symbol') return `a ${typeof one}`
  if (typeof one !== 'object' || one === null) return undefined
  const name = prototype.toString.call(one)
  if (!CLONEABLE.test(name)) return `a ${name.slice(8, -1)}`
  const isStream = typeof (/** @type {any} */ (one).pipe) === 'function'
  return isStream ? 'a stream' : undefined
}

/** @param {object} one @returns {Iterable<[string, unknown]>} */
function* partsOf(one) {
  if (ArrayBuffer.isView(one)) return
  if (one instanceof Map) {
    for (const [key, value] of one) {
      yield ['.keys', key]
      yield [`.get(${typeof key === 'string' ? JSON.stringify(key.slice(0, 40)) : '…'})`, value]
    }
  } else if (one instanceof Set) {
    for (const value of one) yield ['.values', value]
  } else {
    for (const name of Object.keys(one)) {
      yield [`.${name.slice(0, 40)}`, /** @type {any} */ (one)[name]]
    }
  }
}

/** @param {string} place @param {string} is */
function unfit(place, is) {
  const error = invalid('the value', 'what `structuredClone` takes', undefined)
  error.message = `tiercel/app: the value must be what \`structuredClone\` takes, but ${place} is ${is}`
  return error
}

module.exports = { isPlain, checkSound }
