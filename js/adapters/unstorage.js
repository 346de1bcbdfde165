// @ts-check

const checks = require('../app/checks.js')
const { failure, invalid } = require('../app/errors.js')
const { Clearable } = require('./clearable.js')

// `driver` is what Nitro was told, and passes on.
const OPTIONS = /** @type {const} */ (['base', 'ttl', 'driver'])

/**
 * A driver of unstorage.
 * @param {{ base?: string, ttl?: import('../../app.js').Duration, driver?: string }} [options]
 */
function driver(options) {
  const { base = 'unstorage', ttl } = checks.options('unstorage', options, OPTIONS)
  const values = new Clearable(base, ttl === undefined ? {} : { ttl })
  /** @param {string} key @param {string | Uint8Array} value @param {any} [more] */
  const set = (key, value, more) => values.set('', key, value, more?.ttl)

  return {
    name: 'tiercel',
    options: { base, ttl },
    /** @param {string} key */
    hasItem: async (key) => (await values.get('', key)) !== undefined,
    /** @param {string} key */
    getItem: async (key) => (await values.get('', key))?.toString() ?? null,
    /** @param {string} key */
    getItemRaw: async (key) => (await values.get('', key)) ?? null,
    /** @param {string} key @param {string} value @param {any} [more] `ttl` in seconds */
    setItem: set,
    /** @param {string} key @param {any} value @param {any} [more] `ttl` in seconds */
    async setItemRaw(key, value, more) {
      const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value
      const fits = typeof bytes === 'string' || bytes instanceof Uint8Array
      if (!fits) throw invalid('the value', 'a text, a Uint8Array or an ArrayBuffer', value)
      await set(key, bytes, more)
    },
    /** @param {string} key */
    async removeItem(key) {
      await values.delete('', key)
    },
    async getKeys() {
      throw failure(
        'TIERCEL_NO_KEYS',
        'keys cannot be listed: that would search everything that is on the server',
      )
    },
    /** @param {string} [within] */
    async clear(within) {
      if (within) {
        throw failure('TIERCEL_NO_KEYS', 'only all of a mount can be cleared: mount that part')
      }
      await values.clear('')
    },
  }
}

module.exports = driver
