// @ts-check

const { once } = require('node:events')
const http = require('node:http')
const https = require('node:https')
const { urlToHttpOptions } = require('node:url')

/**
 * The outcome of a request.
 *
 * @typedef {object} Answer
 * @property {number} [status] nothing without a complete answer
 * @property {string} [reason] why the answer is missing
 * @property {boolean} isAbsent whether there is no server to answer
 * @property {string | undefined} cache the header `x-nextjs-cache`
 * @property {number} bytes of the body
 * @property {number} ms until its end
 */

/** Errors in the words of a person who starts a server. */
const REASONS = /** @type {Record<string, string>} */ ({
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed',
  EPIPE: 'connection closed',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'no such host',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the host',
  ETIMEDOUT: 'no connection',
})

/** Statuses by which a proxy says that no server is behind it. */
const ABSENT = new Set([502, 503, 504])

/** Asks one server for pages, on connections that it keeps. */
class Client {
  #agent
  #request
  #options
  #timeoutMs
  /** @type {Set<import('node:http').ClientRequest>} */
  #underWay = new Set()
  #isClosed = false
  /** Connections that carried an answer. `reusedSocket` misses those that a request queued for. */
  #used = new WeakSet()

  /** @param {import('./options.js').Plan} plan */
  constructor({ server, login, headers, timeoutMs, concurrency }) {
    const { Agent, request } = server.protocol === 'https:' ? https : http
    this.#agent = new Agent({ keepAlive: true, maxSockets: concurrency })
    this.#request = request
    this.#timeoutMs = timeoutMs
    this.#options = {
      ...urlToHttpOptions(server),
      auth: login,
      headers: { 'user-agent': 'tiercel-warm', accept: '*/*', ...headers },
      agent: this.#agent,
    }
  }

  /**
   * Asks for a path and reads the answer to its end. Never rejects. A redirect is an answer.
   * @param {string} path with everything encoded
   * @returns {Promise<Answer>}
   */
  async ask(path) {
    const begun = performance.now()
    let answer = await this.#send(path)
    // The server closed a kept connection while the request was on its way.
    while (answer.isCrossed && !this.#isClosed) answer = await this.#send(path)
    const { isCrossed, ...rest } = answer
    return { ...rest, ms: performance.now() - begun }
  }

  /** Ends the requests under way; their callers get an answer without a status. */
  close() {
    this.#isClosed = true
    for (const request of this.#underWay) request.destroy()
    this.#agent.destroy()
  }

  /** @param {string} path */
  async #send(path) {
    const request = this.#request({ ...this.#options, path })
    this.#underWay.add(request)
    if (this.#isClosed) request.destroy()
    const { hasBegun, ...answer } = await exchange(request, this.#timeoutMs)
    this.#underWay.delete(request)
    const { socket } = request
    const isCrossed = !hasBegun && socket !== null && this.#used.has(socket)
    if (socket !== null) this.#used.add(socket)
    return { ...answer, isCrossed }
  }
}

/**
 * Sends a request and drains its answer.
 * @param {import('node:http').ClientRequest} request
 * @param {number} timeoutMs
 * @returns {Promise<Omit<Answer, 'ms'> & { hasBegun: boolean }>} `hasBegun`: whether the request
 *   timed out, or a part of the answer arrived
 */
async function exchange(request, timeoutMs) {
  let missing = ''
  const timer = setTimeout(() => {
    missing = request.socket?.connecting === false ? 'answer' : 'connection'
    request.destroy()
  }, timeoutMs)
  let bytes = 0
  let response
  try {
    request.on('error', () => {}).end()
    ;[response] = await once(request, 'response')
    for await (const chunk of response) bytes += chunk.length
    const { statusCode: status, headers } = response
    const cache = headers['x-nextjs-cache']
    return { status, cache, bytes, isAbsent: ABSENT.has(status), hasBegun: true }
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    const hasBegun = response !== undefined || missing !== ''
    const known = REASONS[code ?? '']
    const isAbsent = missing ? missing === 'connection' : !response && known !== undefined
    const reason = missing ? `no ${missing} within ${timeoutMs / 1_000} s` : (known ?? message)
    return { reason, cache: undefined, bytes, isAbsent, hasBegun }
  } finally {
    clearTimeout(timer)
  }
}

module.exports = { Client }
