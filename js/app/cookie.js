// @ts-check

const checks = require('./checks.js')
const { invalid } = require('./errors.js')

const OPTIONS = /** @type {const} */ (['name', 'path', 'domain', 'sameSite', 'secure'])
const NAME = /^[\w!#$%&'*+.^`|~-]{1,64}$/
const PLACE = /^[^;,\s]{1,255}$/

/** The cookie that carries the id of a session. */
class Cookie {
  #attributes
  #maxAge

  /** @param {unknown} options @param {number} lifeMs */
  constructor(options, lifeMs) {
    const given = checks.options('sessions: `cookie`', options, OPTIONS)
    const secure = checks.flag('cookie: `secure`', given.secure ?? true)
    const sameSite = checks.word('cookie: `sameSite`', given.sameSite ?? 'lax', [
      'lax',
      'strict',
      'none',
    ])
    const path = matching('cookie: `path`', given.path ?? '/', PLACE, 'a path')
    const domain =
      given.domain === undefined
        ? undefined
        : matching('cookie: `domain`', given.domain, PLACE, 'the name of a host')
    const isBound = secure && path === '/' && domain === undefined
    const name = given.name ?? (isBound ? '__Host-session' : 'session')
    /** Its name. */
    this.name = matching('cookie: `name`', name, NAME, 'the name of a cookie')
    if (this.name.startsWith('__Host-') && !isBound) {
      throw invalid('cookie: `name`', 'without `__Host-`, or secure, for `/` and no domain', name)
    }
    if (sameSite === 'none' && !secure) {
      throw invalid('cookie: `sameSite`', "'lax' or 'strict' without `secure`", sameSite)
    }
    this.#maxAge = Math.floor(lifeMs / 1_000)
    this.#attributes = [
      `Path=${path}`,
      ...(domain === undefined ? [] : [`Domain=${domain}`]),
      'HttpOnly',
      ...(secure ? ['Secure'] : []),
      `SameSite=${sameSite[0].toUpperCase()}${sameSite.slice(1)}`,
    ]
    Object.freeze(this)
  }

  /** The `Set-Cookie` header that keeps an id. @param {string} id */
  serialize(id) {
    return this.#header(matching('the id', id, /^[\w-]{59}$/, 'one of `create`'), this.#maxAge)
  }

  /** The `Set-Cookie` header that removes it. */
  clear() {
    return this.#header('', 0)
  }

  /**
   * The id that a request comes with.
   * @param {any} from a `Request`, `Headers`, Node's `IncomingMessage`, or the text of the header
   * @returns {string | undefined}
   */
  read(from) {
    const headers = from?.headers ?? from
    const text = typeof headers?.get === 'function' ? headers.get('cookie') : headers?.cookie
    const header = typeof from === 'string' ? from : text
    if (typeof header !== 'string') return undefined
    for (const pair of header.split(';')) {
      const at = pair.indexOf('=')
      if (at > 0 && pair.slice(0, at).trim() === this.name) return pair.slice(at + 1).trim()
    }
    return undefined
  }

  /** @param {string} value @param {number} maxAge */
  #header(value, maxAge) {
    return [`${this.name}=${value}`, `Max-Age=${maxAge}`, ...this.#attributes].join('; ')
  }
}

/** @param {string} what @param {unknown} given @param {RegExp} pattern @param {string} allowed */
function matching(what, given, pattern, allowed) {
  if (typeof given === 'string' && pattern.test(given)) return given
  throw invalid(what, allowed, given)
}

module.exports = { Cookie }
