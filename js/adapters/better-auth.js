// @ts-check

const { kv } = require('../../app.js')
const { fitting } = require('./clearable.js')

/**
 * The secondary storage of better-auth: its sessions, verifications and counts of requests.
 * @param {string} [name]
 * @param {{ ttl?: import('../../app.js').Duration }} [options]
 */
function secondaryStorage(name = 'better-auth', options = {}) {
  const store = kv(name, options)
  return {
    /** @param {string} key */
    get: (key) => store.get(fitting(key)),
    /** @param {string} key @param {string} value @param {number} [ttl] in seconds */
    set: (key, value, ttl) => store.set(fitting(key), value, ttl),
    /** @param {string} key */
    async delete(key) {
      await store.delete(fitting(key))
    },
    /** @param {string} key */
    getAndDelete: (key) => store.getAndDelete(fitting(key)),
    // By one, and without a time of its own as long as it is there: not the arguments of `kv`.
    /** @param {string} key @param {number} ttl in seconds */
    increment: (key, ttl) => store.increment(fitting(key), 1, ttl),
  }
}

exports.secondaryStorage = secondaryStorage
