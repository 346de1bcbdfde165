// @ts-check

const { createHash, randomBytes } = require('node:crypto')
const { kv } = require('../../app.js')
const { MOST_OWN } = require('../abi.js')

/** How long it is known when a space was cleared: as long as anything may live. */
const LONGEST = '3650d'
/** Bytes of the name of a generation, and its characters. */
const NAME_BYTES = 12
const NAME_LENGTH = 16

/**
 * A key of any length and content as one of `kv`: what does not fit is hashed. The first character
 * tells the two apart, so that nobody can name the hash of another key.
 * @param {string} key
 */
function fitting(key) {
  const fits =
    !key.includes('\0') && !/\p{Surrogate}/u.test(key) && Buffer.byteLength(key) < MOST_OWN
  if (fits) return `=${key}`
  // Half characters count as well: UTF-8 would make them all alike.
  return `#${createHash('sha256').update(key, 'utf16le').digest('base64url')}`
}

/**
 * Values that can be cleared together, although keys cannot be listed: each carries the name of its
 * generation, and one of a generation that has ended is none. A name that the server has lost ends
 * its generation: what is old never comes back.
 */
class Clearable {
  #values
  #generations

  /** @param {string} name @param {{ ttl?: import('../../app.js').Duration }} options */
  constructor(name, options) {
    this.#values = kv(name, { ...options, values: 'bytes' })
    this.#generations = kv(name, { ttl: LONGEST })
  }

  /** @param {string} space @param {string} key @returns {Promise<Buffer | undefined>} */
  async get(space, key) {
    // Together: one round trip.
    const [generation, bytes] = await Promise.all([
      this.#generations.get(nameOf(space)),
      this.#values.get(fitting(key)),
    ])
    return opened(generation, bytes)
  }

  /** @param {string} space @param {string} key @param {string | Uint8Array} value @param {any} ttl */
  async set(space, key, value, ttl) {
    const generation = await this.#current(space)
    const bytes = Buffer.concat([Buffer.from(generation, 'latin1'), Buffer.from(value)])
    await this.#values.set(fitting(key), bytes, ttl)
  }

  /** Whether it was there. @param {string} space @param {string} key */
  async delete(space, key) {
    const [generation, bytes] = await Promise.all([
      this.#generations.get(nameOf(space)),
      this.#values.getAndDelete(fitting(key)),
    ])
    return opened(generation, bytes) !== undefined
  }

  /** Nothing of a space is there by the time it resolves. @param {string} space */
  async clear(space) {
    await this.#generations.set(nameOf(space), newName())
  }

  /** @param {string} space @returns {Promise<string>} */
  async #current(space) {
    const key = nameOf(space)
    for (;;) {
      const generation = await this.#generations.get(key)
      if (generation !== null) return generation
      const name = newName()
      if (await this.#generations.setIfAbsent(key, name)) return name
    }
  }
}

/** No key of a value. @param {string} space */
const nameOf = (space) => `@${fitting(space)}`

const newName = () => randomBytes(NAME_BYTES).toString('base64url')

/** @param {string | null} generation @param {Buffer | null} bytes */
function opened(generation, bytes) {
  if (bytes === null || generation === null) return undefined
  const isCurrent = bytes.toString('latin1', 0, NAME_LENGTH) === generation
  return isCurrent ? bytes.subarray(NAME_LENGTH) : undefined
}

module.exports = { Clearable, fitting }
