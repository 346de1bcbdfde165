// @ts-check

const {
  createCipheriv,
  createDecipheriv,
  createHash,
  hkdfSync,
  randomBytes,
} = require('node:crypto')
const checks = require('./checks.js')
const { invalid } = require('./errors.js')

/**
 * What the data of sessions is encrypted with, if it is: AES-256-GCM by the first secret; the others
 * only open what they closed.
 *
 * Format: 0 and the text; or 1, 4 bytes that name the key, 12 of the nonce, 16 of the tag, and the
 * cipher text. Bound to the group and the user.
 */
const PLAIN = 0
const SEALED = 1
const HEAD = 1 + 4 + 12 + 16
const LEAST = 32

/** @typedef {{ name: Buffer, key: Buffer }} Key */

class Seal {
  #group
  /** @type {Key[]} */
  #keys

  /** @param {string} group @param {unknown} secrets */
  constructor(group, secrets) {
    this.#group = group
    this.#keys = (secrets === undefined ? [] : list(secrets)).map(keyOf)
  }

  /** @param {string} text @param {string} user @returns {Buffer} */
  close(text, user) {
    const [first] = this.#keys
    if (!first) return Buffer.concat([Buffer.of(PLAIN), Buffer.from(text)])
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', first.key, nonce).setAAD(this.#bound(user))
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([Buffer.of(SEALED), first.name, nonce, cipher.getAuthTag(), body])
  }

  /** The text; `undefined` if no key opens it. @param {Buffer} bytes @param {string} user */
  open(bytes, user) {
    // What is not encrypted was stored before a secret was set, or by somebody who has none.
    if (bytes[0] === PLAIN && this.#keys.length === 0) return bytes.toString('utf8', 1)
    if (bytes[0] !== SEALED || bytes.length < HEAD) return undefined
    const key = this.#keys.find(({ name }) => name.equals(bytes.subarray(1, 5)))
    if (!key) return undefined
    try {
      const decipher = createDecipheriv('aes-256-gcm', key.key, bytes.subarray(5, 17))
      decipher.setAAD(this.#bound(user)).setAuthTag(bytes.subarray(17, HEAD))
      const text = Buffer.concat([decipher.update(bytes.subarray(HEAD)), decipher.final()])
      return text.toString()
    } catch {
      return undefined
    }
  }

  /** @param {string} user */
  #bound(user) {
    return Buffer.from(`${this.#group}\0${user}`)
  }
}

/** @param {unknown} secrets @returns {string[]} */
function list(secrets) {
  const all = Array.isArray(secrets) ? secrets : [secrets]
  const fits = all.length > 0 && all.length <= 8
  if (!fits) throw invalid('sessions: `secrets`', '1 to 8 texts', secrets)
  return all.map((one) => {
    const secret = checks.own('sessions: a secret', one)
    if (secret.length >= LEAST) return secret
    throw invalid('sessions: a secret', `a text of ${LEAST} characters or more`, one)
  })
}

/** @param {string} secret @returns {Key} */
function keyOf(secret) {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'tiercel sessions', 32))
  return { key, name: createHash('sha256').update(key).digest().subarray(0, 4) }
}

module.exports = { Seal }
