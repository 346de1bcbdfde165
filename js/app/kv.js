// @ts-check

const { ASK, MOST_VALUE } = require('../abi.js')
const checks = require('./checks.js')
const { failure, invalid } = require('./errors.js')
const { ask } = require('./store.js')

const OPTIONS = /** @type {const} */ (['ttl', 'values'])
const MOST_NUMBER = Number.MAX_SAFE_INTEGER

/** What values are, and how they lie in the store.
 * @type {Record<string, { encode(value: unknown): string | Uint8Array, decode(bytes: Buffer): unknown }>} */
const CODECS = {
  text: {
    encode(value) {
      const fits = typeof value === 'string' && checks.isSound(value)
      if (fits && Buffer.byteLength(value) <= MOST_VALUE) return value
      throw invalid('the value', `a text of ${MOST_VALUE} bytes at most`, value)
    },
    decode: (bytes) => bytes.toString(),
  },
  bytes: {
    encode(value) {
      if (value instanceof Uint8Array && value.byteLength <= MOST_VALUE) return value
      throw invalid('the value', `a Uint8Array of ${MOST_VALUE} bytes at most`, value)
    },
    decode: (bytes) => bytes,
  },
  json: {
    encode: (value) => checks.json('the value', value, MOST_VALUE),
    // What somebody else has stored there may be none.
    decode: (bytes) => checks.parsed(bytes.toString()) ?? null,
  },
}

/**
 * Plain values by key.
 * @param {string} name
 * @param {{ ttl?: number | string, values?: 'text' | 'json' | 'bytes' }} [options]
 */
function kv(name, options) {
  const group = checks.group('the name of kv', name)
  const { ttl = '30d', values = 'text' } = checks.options('kv', options, OPTIONS)
  const ttlMs = checks.duration('kv: `ttl`', ttl)
  const codec = CODECS[checks.word('kv: `values`', values, ['text', 'json', 'bytes'])]
  const own = (/** @type {unknown} */ key) => checks.own('the key', key)
  /** A duration by itself, or as an option. @param {unknown} given */
  const lifeMs = (given) => {
    const isObject = typeof given === 'object' && given !== null
    const life = isObject ? checks.options('the options', given, ['ttl']).ttl : given
    return life === undefined || life === null ? ttlMs : checks.duration('`ttl`', life)
  }
  /** @param {any[]} answer */
  const found = ([word, bytes]) => (word === 'found' ? codec.decode(bytes) : null)
  /** @param {unknown} key @param {unknown} value @param {unknown} life @param {0 | 1} onlyAbsent */
  const put = (key, value, life, onlyAbsent) =>
    ask(ASK.KV_SET, group, own(key), codec.encode(value), lifeMs(life), onlyAbsent)

  return Object.freeze({
    /** @param {string} key */
    async get(key) {
      return found(await ask(ASK.KV_GET, group, own(key)))
    },
    /** @param {string} key @param {unknown} value @param {unknown} [life] */
    async set(key, value, life) {
      await put(key, value, life, 0)
    },
    /** @param {string} key @param {unknown} value @param {unknown} [life] */
    async setIfAbsent(key, value, life) {
      const [word] = await put(key, value, life, 1)
      return word === 'done'
    },
    /** @param {string} key */
    async getAndDelete(key) {
      return found(await ask(ASK.KV_TAKE, group, own(key)))
    },
    /** @param {string} key @param {number} [by] @param {unknown} [life] */
    async increment(key, by = 1, life) {
      const sum = checks.whole('`by`', by, -MOST_NUMBER, MOST_NUMBER)
      const [word, is] = await ask(ASK.KV_INCREMENT, group, own(key), sum, lifeMs(life))
      if (word === 'number') return /** @type {number} */ (is)
      throw failure('TIERCEL_NOT_A_NUMBER', 'what is there is no whole number, or the sum is none')
    },
    /** @param {string} key */
    async delete(key) {
      const [word] = await ask(ASK.KV_DELETE, group, own(key))
      return word === 'done'
    },
    /** @param {string} key @param {unknown} life */
    async expire(key, life) {
      const [word] = await ask(ASK.KV_EXPIRE, group, own(key), lifeMs(life))
      return word === 'done'
    },
  })
}

module.exports = { kv }
