// @ts-check

const v8 = require('node:v8')
const { copy, isCopyable } = require('./copy.js')
const { checkSound, isPlain } = require('./shape.js')
const { freeze } = require('./freeze.js')
const { invalid } = require('../errors.js')

/**
 * Values into what lies in the cache, and back. Every stored value says by a letter how it is
 * encoded.
 *
 * What JSON holds as it is lies there as JSON, which is read twice as fast; everything else as what
 * the structured clone of V8 writes. That is not read by an older V8: then it is a miss.
 */

const MARK = /** @type {const} */ ({
  /** JSON. */
  JSON: 'j',
  /** A text by itself. */
  TEXT: 's',
  /** Bytes, to be read as a `Buffer`. */
  BUFFER: 'b',
  /** Bytes, to be read as a `Uint8Array`. */
  BYTES: 'u',
  /** Written by V8. */
  CLONE: 'v',
  /** The same, with views of bytes in it. */
  VIEWS: 'w',
  /** `undefined`. */
  NOTHING: 'n',
  /** A text of the caller's own codec. */
  OWN_TEXT: 'O',
  /** Bytes of the caller's own codec. */
  OWN_BYTES: 'o',
})

/** What was stored cannot be read here. */
const UNREADABLE = Symbol('unreadable')
/** Longer ones are read again for each caller, and take no room in the heap of JavaScript. */
const MOST_COPIED = 16_384
/** Not decoded yet. */
const UNSET = Symbol('unset')

/**
 * A value as it is stored.
 * @typedef {object} Stored
 * @property {string} mark
 * @property {string | Buffer | undefined} data
 * @property {unknown} value of a primitive, which all may have
 * @property {unknown} master of which copies are made; `UNREADABLE` if none may be
 * @property {unknown} frozen what all who ask for a shared one get
 * @property {Codec | undefined} by whose codec made that
 */

/** @typedef {'json' | 'bytes' | { encode(value: any): unknown, decode(data: any): any }} Codec */

/** @param {string} mark @param {string | Buffer | undefined} data @returns {Stored} */
function stored(mark, data) {
  return {
    mark,
    data,
    value: primitive(mark, data),
    master: UNSET,
    frozen: UNSET,
    by: undefined,
  }
}

/** @param {string} mark @param {string | Buffer | undefined} data */
function primitive(mark, data) {
  if (mark === MARK.TEXT) return data
  if (mark === MARK.NOTHING) return undefined
  if (mark !== MARK.JSON || typeof data !== 'string') return UNSET
  // An object or an array is made for each caller.
  const first = data.charCodeAt(0)
  return first === 0x7b || first === 0x5b ? UNSET : parsed(data)
}

/** Serializes as V8 does, and notes whether there are bytes in it. */
class Writer extends v8.DefaultSerializer {
  hasViews = false
  /** @param {any} object */
  _writeHostObject(object) {
    this.hasViews = true
    // @ts-expect-error It is documented, but not in the types.
    return super._writeHostObject(object)
  }
}

/**
 * @param {unknown} value
 * @param {Codec | undefined} codec
 * @returns {Stored}
 */
function encode(value, codec) {
  if (value === undefined) return stored(MARK.NOTHING, undefined)
  if (codec === 'json') return stored(MARK.JSON, jsonOf(value))
  if (codec === 'bytes') {
    if (value instanceof Uint8Array) return stored(MARK.BUFFER, copied(value))
    throw invalid('the value', 'a Uint8Array, by `codec`', value)
  }
  if (codec !== undefined) return encodedBy(codec, value)
  if (typeof value === 'string') return stored(MARK.TEXT, value)
  if (Buffer.isBuffer(value)) return stored(MARK.BUFFER, copied(value))
  if (value instanceof Uint8Array && value.constructor === Uint8Array) {
    return stored(MARK.BYTES, copied(value))
  }
  if (isPlain(value)) return stored(MARK.JSON, JSON.stringify(value))
  return cloned(value)
}

/** @param {unknown} value */
function cloned(value) {
  checkSound(value)
  try {
    const writer = new Writer()
    writer.writeHeader()
    writer.writeValue(value)
    return stored(writer.hasViews ? MARK.VIEWS : MARK.CLONE, writer.releaseBuffer())
  } catch {
    throw invalid('the value', 'what `structuredClone` takes', value)
  }
}

/** @param {Uint8Array} bytes */
const copied = (bytes) => Buffer.from(bytes)

/** @param {unknown} value */
function jsonOf(value) {
  let text
  try {
    text = JSON.stringify(value)
  } catch {
    // A cycle or a BigInt.
  }
  if (text !== undefined) return text
  throw invalid('the value', 'what JSON can hold, by `codec`', value)
}

/** @param {Exclude<Codec, string>} codec @param {unknown} value */
function encodedBy(codec, value) {
  const data = codec.encode(value)
  if (typeof data === 'string') return stored(MARK.OWN_TEXT, data)
  if (data instanceof Uint8Array) return stored(MARK.OWN_BYTES, copied(data))
  throw invalid('what `codec.encode` returns', 'a text or a Uint8Array', data)
}

/**
 * The value for one caller: of its own, or a frozen one.
 * @param {Stored} one
 * @param {Codec | undefined} codec
 * @param {boolean | undefined} isShared
 * @returns {any} `UNREADABLE` if it cannot be read
 */
function decode(one, codec, isShared) {
  if (one.value !== UNSET && typeof codec !== 'object') return one.value
  if (!isShared) return made(one, codec)
  if (one.frozen !== UNSET && one.by === codec) return one.frozen
  const value = frozen(made(one, codec))
  if (value === UNREADABLE) return value
  one.frozen = value
  one.by = codec
  return value
}

/** @param {unknown} value @returns {any} `UNREADABLE` if a codec made what cannot be frozen */
function frozen(value) {
  try {
    return freeze(value)
  } catch {
    return UNREADABLE
  }
}

/** @param {Stored} one @param {Codec | undefined} codec @returns {any} */
function made(one, codec) {
  const { mark, data } = one
  if (one.master !== UNSET && one.master !== UNREADABLE && typeof codec !== 'object') {
    return copy(one.master)
  }
  const isOwn = mark === MARK.OWN_TEXT || mark === MARK.OWN_BYTES
  if (isOwn !== (typeof codec === 'object')) return UNREADABLE
  try {
    if (typeof codec === 'object') {
      return codec.decode(typeof data === 'string' ? data : copied(/** @type {Buffer} */ (data)))
    }
    const value = read(mark, data)
    if (one.master === UNSET) one.master = masterOf(mark, data, value)
    return value
  } catch {
    return UNREADABLE
  }
}

/**
 * What copies are made of: a value that nobody else has.
 * @param {string} mark
 * @param {any} data
 * @param {any} value just read
 */
function masterOf(mark, data, value) {
  const isShort = data?.length <= MOST_COPIED && (mark === MARK.JSON || mark === MARK.CLONE)
  return isShort && isCopyable(value) ? copy(value) : UNREADABLE
}

/** @param {string} mark @param {any} data */
function read(mark, data) {
  switch (mark) {
    case MARK.JSON:
      return JSON.parse(data)
    case MARK.TEXT:
      return data
    case MARK.NOTHING:
      return undefined
    case MARK.BUFFER:
      return copied(data)
    case MARK.BYTES:
      return new Uint8Array(data)
    case MARK.CLONE:
      return v8.deserialize(data)
    case MARK.VIEWS:
      // The views in it are views of these very bytes.
      return v8.deserialize(Buffer.from(new Uint8Array(data).buffer))
    default:
      return UNREADABLE
  }
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return UNSET
  }
}

/**
 * What was stored, for who looks at it from outside and has no codec.
 * @param {string} mark @param {any} data
 */
function readable(mark, data) {
  try {
    return read(mark, data)
  } catch {
    return UNREADABLE
  }
}

module.exports = { UNREADABLE, encode, decode, readable, stored }
