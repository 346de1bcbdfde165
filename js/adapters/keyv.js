// @ts-check

const { EventEmitter } = require('node:events')
const { invalid } = require('../app/errors.js')
const { Clearable } = require('./clearable.js')

/** A store for Keyv. */
class KeyvTiercel extends EventEmitter {
  #values
  /** Set by Keyv: what it clears by itself. @type {string | undefined} */
  namespace

  /** @param {string} [name] @param {{ ttl?: import('../../app.js').Duration }} [options] */
  constructor(name = 'keyv', options = {}) {
    super()
    this.#values = new Clearable(name, options)
    /** Read by Keyv, which also writes into it. @type {Record<string, unknown>} */
    this.opts = { dialect: 'tiercel' }
  }

  /** @param {string} key @returns {Promise<any>} */
  async get(key) {
    return (await this.#values.get(this.#space, key))?.toString()
  }

  /** @param {string[]} keys @returns {Promise<any[]>} */
  getMany(keys) {
    return Promise.all(keys.map((key) => this.get(key)))
  }

  /** @param {string} key @param {any} value @param {number} [ttl] in ms */
  async set(key, value, ttl) {
    if (typeof value !== 'string') {
      throw invalid('the value', 'what Keyv serializes: leave `serialize` as it is', value)
    }
    // The parts of a second that `kv` takes by number.
    const life = typeof ttl === 'number' ? Math.ceil(ttl) / 1_000 : undefined
    await this.#values.set(this.#space, key, value, life)
  }

  /** @param {{ key: string, value: any, ttl?: number }[]} all */
  async setMany(all) {
    await Promise.all(all.map(({ key, value, ttl }) => this.set(key, value, ttl)))
  }

  /** @param {string} key */
  delete(key) {
    return this.#values.delete(this.#space, key)
  }

  /** Whether one of them was there. @param {string[]} keys */
  async deleteMany(keys) {
    const all = await Promise.all(keys.map((key) => this.delete(key)))
    return all.includes(true)
  }

  /** @param {string} key */
  async has(key) {
    return (await this.#values.get(this.#space, key)) !== undefined
  }

  /** @param {string[]} keys */
  hasMany(keys) {
    return Promise.all(keys.map((key) => this.has(key)))
  }

  /** All of its namespace. */
  async clear() {
    await this.#values.clear(this.#space)
  }

  /** The connection is that of the process. */
  async disconnect() {}

  get #space() {
    return this.namespace ?? ''
  }
}

exports.KeyvTiercel = KeyvTiercel
