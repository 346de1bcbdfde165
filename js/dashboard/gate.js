// @ts-check

const { createHash, createHmac, timingSafeEqual } = require('node:crypto')
const { isIP } = require('node:net')

/**
 * Who is answered. Nobody in production, unless a token or a function says who.
 *
 * @typedef {{ folder: string, asked: string }} Place the last part of its own path, and what of it is asked
 * @typedef {'in' | 'program' | 'token' | 'hidden' | Response} Admission
 *   `program`: in, and no browser that another site makes use of; `token`: whoever has it; `hidden`: nobody
 */

const COOKIE = 'tiercel_dashboard'
/** How long a browser stays in. */
const STAYS_SECS = 12 * 3_600
/** Wrong tokens in a minute, by whomever, that are answered as such. */
const MOST_TRIES = 20
const MINUTE_MS = 60_000

class Gate {
  #token
  #authorize
  #tries = { since: 0, count: 0 }

  /** @param {{ token?: string, authorize?: (request: Request) => unknown }} options */
  constructor({ token, authorize }) {
    this.#token = token
    this.#authorize = authorize
  }

  /** @param {Request} request @returns {Promise<Admission>} */
  async admit(request) {
    if (this.#authorize) {
      const answer = await this.#authorize(request)
      if (answer instanceof Response) return answer
      if (answer !== true) return 'hidden'
      // No browser adds this one by itself.
      return bearerOf(request) === undefined ? 'in' : 'program'
    }
    const wanted = this.wanted()
    if (wanted) {
      const bearer = bearerOf(request)
      if (bearer !== undefined && isSame(bearer, wanted)) return 'program'
      return hasCookie(request, wanted) ? 'in' : 'token'
    }
    return process.env.NODE_ENV === 'development' && isNearby(request) ? 'in' : 'hidden'
  }

  /** The token that has to be given, if one has. */
  wanted() {
    return this.#authorize ? undefined : this.#token || process.env.TIERCEL_DASHBOARD_TOKEN
  }

  /**
   * What a token is. The right one is right whatever others try: they could keep everybody out.
   * @param {string} given
   * @returns {'right' | 'wrong' | 'crowded'} `crowded`: wrong, as too many were lately
   */
  try(given) {
    const wanted = this.wanted()
    if (wanted !== undefined && isSame(given, wanted)) return 'right'
    const now = Date.now()
    if (now - this.#tries.since >= MINUTE_MS) this.#tries = { since: now, count: 0 }
    if (this.#tries.count >= MOST_TRIES) return 'crowded'
    this.#tries.count++
    return 'wrong'
  }

  /** The cookie by which a browser stays in. @param {Request} request */
  cookie(request) {
    const until = Math.floor(Date.now() / 1e3) + STAYS_SECS
    return cookieOf(request, `${until}.${seal(this.wanted() ?? '', until)}`, STAYS_SECS)
  }
}

/** The cookie that ends it. @param {Request} request */
const farewell = (request) => cookieOf(request, '', 0)

/**
 * Without a path: the browser takes the folder of the address that it sent the form to. Only the
 * browser knows it, since `basePath` and proxies take parts away from what is seen here.
 * @param {Request} request @param {string} value @param {number} maxAge
 */
function cookieOf(request, value, maxAge) {
  const protocol = request.headers.get('x-forwarded-proto')?.split(',')[0].trim()
  const isSecure = (protocol ?? new URL(request.url).protocol.slice(0, -1)) === 'https'
  const secure = isSecure ? '; Secure' : ''
  return `${COOKIE}=${value}; Max-Age=${maxAge}; HttpOnly; SameSite=Strict${secure}`
}

/** What a program gives as the token. A proxy may ask for a login of its own. @param {Request} request */
function bearerOf(request) {
  const given = request.headers.get('authorization') ?? ''
  return /^bearer /i.test(given) ? given.slice('Bearer '.length) : undefined
}

/** Whether a request carries a cookie that was given for the token. @param {Request} request @param {string} wanted */
function hasCookie(request, wanted) {
  const cookies = (request.headers.get('cookie') ?? '').split(';').map((one) => one.trim())
  return cookies.some((one) => {
    const [, until, sealed] = /^tiercel_dashboard=(\d{1,12})\.([\w-]{43})$/.exec(one) ?? []
    if (until === undefined) return false
    return Number(until) * 1e3 > Date.now() && isSame(sealed, seal(wanted, Number(until)))
  })
}

/** The token itself is in no cookie. @param {string} token @param {number} until */
function seal(token, until) {
  return createHmac('sha256', token).update(`tiercel dashboard until ${until}`).digest('base64url')
}

/** Takes as long wherever they differ. @param {string} one @param {string} other */
function isSame(one, other) {
  const hash = (/** @type {string} */ text) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(one), hash(other))
}

/**
 * Whether a browser asks for this machine or for an address: a name may be that of a tunnel, or of
 * another site that has it point here. Tunnels tell the name that was asked for beside this one.
 * @param {Request} request
 */
function isNearby(request) {
  const forwarded = request.headers.get('x-forwarded-host')
  const hosts = [hostOf(request), ...(forwarded === null ? [] : forwarded.split(','))]
  return hosts.every((host) => isNear(host.trim()))
}

/** @param {string} host */
function isNear(host) {
  // Nothing that may be read in another way elsewhere.
  if (!/^[\w.:[\]-]+$/.test(host) || !URL.canParse(`http://${host}`)) return false
  const name = new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '')
  return isIP(name) > 0 || name === 'localhost' || name.endsWith('.localhost')
}

/** @param {Request} request */
const hostOf = (request) => request.headers.get('host') ?? new URL(request.url).host

/**
 * Whether a page of this very site sends it, or a program that says of no site.
 * @param {Request} request
 * @param {boolean} isProgram
 */
function isSameOrigin(request, isProgram) {
  const site = request.headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin'
  const origin = request.headers.get('origin')
  if (origin === null) return isProgram
  const forwarded = request.headers.get('x-forwarded-host')?.split(',')[0].trim()
  try {
    return [hostOf(request), forwarded].includes(new URL(origin).host)
  } catch {
    return false
  }
}

module.exports = { Gate, bearerOf, farewell, isSameOrigin }
