// @ts-check

const { randomBytes } = require('node:crypto')
const { ASK } = require('../abi.js')
const checks = require('./checks.js')
const { ask } = require('./store.js')

const OPTIONS = /** @type {const} */ (['name', 'ttl'])
const TOKEN = /^[\w-]{43}$/
/** The largest data of a token, in bytes of JSON. */
const MOST_BYTES = 64 << 10

/**
 * Tokens that are used once. The store holds their hashes.
 * @param {{ name?: string, ttl?: number | string }} [options]
 */
function tokens(options) {
  const { name = 'tokens', ttl = '1h' } = checks.options('tokens', options, OPTIONS)
  const group = checks.group('tokens: `name`', name)
  const ttlMs = checks.duration('tokens: `ttl`', ttl)

  return Object.freeze({
    /** @param {unknown} [data] */
    async issue(data = null) {
      const json = checks.json('the data', data, MOST_BYTES)
      const token = randomBytes(32).toString('base64url')
      await ask(ASK.TOKEN_SET, group, token, json, ttlMs, 1)
      return token
    },
    /** @param {unknown} token */
    async consume(token) {
      if (!isToken(token)) return null
      const [word, bytes] = await ask(ASK.TOKEN_TAKE, group, token)
      return word === 'found' ? { data: checks.parsed(bytes.toString()) } : null
    },
    /** @param {unknown} token */
    async revoke(token) {
      if (!isToken(token)) return false
      const [word] = await ask(ASK.TOKEN_DELETE, group, token)
      return word === 'done'
    },
  })
}

/** What cannot have been issued need not be looked for. @param {unknown} token @returns {token is string} */
function isToken(token) {
  return typeof token === 'string' && TOKEN.test(token)
}

module.exports = { tokens }
