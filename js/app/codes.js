// @ts-check

const { randomInt } = require('node:crypto')
const { ASK, CODE_SPAN_MS } = require('../abi.js')
const checks = require('./checks.js')
const { ask } = require('./store.js')

const OPTIONS = /** @type {const} */ (['name', 'ttl', 'digits', 'attempts', 'resend', 'secret'])
const RESEND = /** @type {const} */ (['after', 'perHour'])

/**
 * Short codes that a person types, used once. The store holds their hashes.
 * @param {{ name?: string, ttl?: number | string, digits?: number, attempts?: number,
 *   resend?: { after?: number | string, perHour?: number }, secret?: string }} [options]
 */
function codes(options) {
  const given = checks.options('codes', options, OPTIONS)
  const group = checks.group('codes: `name`', given.name ?? 'codes')
  const ttlMs = checks.duration('codes: `ttl`', given.ttl ?? '10m', { most: 86_400_000 })
  const digits = checks.whole('codes: `digits`', given.digits ?? 6, 4, 12)
  const attempts = checks.whole('codes: `attempts`', given.attempts ?? 5, 1, 100)
  const { after = '30s', perHour = 5 } = checks.options('codes: `resend`', given.resend, RESEND)
  const pauseMs =
    after === 0 ? 0 : checks.duration('codes: `resend.after`', after, { most: CODE_SPAN_MS })
  const most = checks.whole('codes: `resend.perHour`', perHour, 1, 1_000)
  const secret = given.secret === undefined ? '' : checks.own('codes: `secret`', given.secret)
  const about = (/** @type {unknown} */ subject) => checks.own('the subject', subject)
  const typed = new RegExp(`^\\d{${digits}}$`)

  return Object.freeze({
    /** @param {string} subject */
    async issue(subject) {
      const code = randomInt(10 ** digits)
        .toString()
        .padStart(digits, '0')
      const rules = [ttlMs, attempts, pauseMs, most]
      const asked = ask(ASK.CODE_ISSUE, group, about(subject), code, secret, ...rules)
      const [word, retryAfterMs] = await asked
      if (word !== 'issued') return { issued: false, retryAfterMs }
      return { issued: true, code, expiresInMs: ttlMs }
    },
    /** @param {string} subject @param {unknown} code */
    async verify(subject, code) {
      // As people type and paste it.
      const plain = typeof code === 'string' ? code.replace(/[\s-]/g, '') : ''
      const own = about(subject)
      if (!typed.test(plain)) return { ok: false, reason: 'malformed' }
      const [word, left] = await ask(ASK.CODE_VERIFY, group, own, plain, secret)
      if (word === 'right') return { ok: true }
      if (word === 'wrong') return { ok: false, reason: 'wrong', attemptsLeft: left }
      return { ok: false, reason: 'none' }
    },
    /** @param {string} subject */
    async revoke(subject) {
      await ask(ASK.CODE_REVOKE, group, about(subject))
    },
  })
}

module.exports = { codes }
