// @ts-check

const { randomBytes } = require('node:crypto')
const { ASK, LEAST_SEAT_MS, MOST_HOLDERS, MOST_SEAT_MS, ON_ERROR } = require('../abi.js')
const checks = require('./checks.js')
const { failure } = require('./errors.js')
const { Hold, Patience, undo } = require('./hold.js')
const { ask } = require('./store.js')
const { Turns } = require('./turns.js')

const OPTIONS = /** @type {const} */ (['name', 'limit', 'ttl', 'onError'])
const WAIT = /** @type {const} */ (['waitMs', 'signal'])
const TTL = { least: LEAST_SEAT_MS, most: MOST_SEAT_MS }
const MOST_WAIT_MS = 3_600_000
/** Pauses between two looks, while somebody waits. */
const [LOOK_MS, LONGEST_LOOK_MS] = [10, 200]
const ON_ERRORS = /** @type {const} */ (['local', 'open', 'closed'])

/**
 * @typedef {object} Rule
 * @property {string} name
 * @property {number} limit
 * @property {number} ttlMs
 * @property {number} onError
 */

/** Who waits in this process, by name and id: one of them at a time asks the store. */
const turns = new Turns()

/**
 * So many at the same time, by id.
 * @param {any} options
 */
function concurrency(options) {
  const what = 'rateLimit.concurrency'
  const given = checks.options(what, options, OPTIONS)
  const name = checks.group(`${what}: \`name\``, given.name)
  const limit = checks.whole(`${what}: \`limit\``, given.limit, 1, MOST_HOLDERS)
  const ttlMs = checks.duration(`${what}: \`ttl\``, given.ttl ?? '30s', TTL)
  const onError = checks.word(`${what}: \`onError\``, given.onError ?? 'local', ON_ERRORS)
  const word = /** @type {'LOCAL' | 'OPEN' | 'CLOSED'} */ (onError.toUpperCase())
  const rule = Object.freeze({ name, limit, ttlMs, onError: ON_ERROR[word] })

  const limiter = {
    name,
    /** @param {string} id @param {any} [options] */
    async acquire(id, options) {
      return acquire(rule, id, options)
    },
    /**
     * @param {string} id
     * @param {any} options may be left out
     * @param {Function} [run]
     * @returns {Promise<any>}
     */
    async run(id, options, run) {
      if (run === undefined) return limiter.run(id, {}, options)
      const body = checks.callable('the function', run)
      const permit = await acquire(rule, id, options)
      try {
        if (permit.success) return await body(permit)
      } finally {
        await permit.release()
      }
      const { retryAfterMs, reason } = permit
      const over = 'as many as may run at the same time do'
      throw failure('TIERCEL_CONCURRENCY_LIMIT', over, { retryAfterMs, reason })
    },
    /** @param {string} id */
    async peek(id) {
      const own = checks.own('the id', id)
      const look = ask(ASK.SEAT_LOOK, name, own, limit, rule.onError)
      const [word, source, held, firstMs] = await look
      return new Permit(rule, { isTaken: word === 'taken', source, held, firstMs })
    },
    /** @param {(request: any, ...rest: any[]) => any} handler @param {any} options */
    route(handler, options) {
      return route(limiter, handler, options)
    },
  }
  return Object.freeze(limiter)
}

/** What was said, as callers see it. */
class Permit {
  #rule
  /** @type {InstanceType<typeof Hold> | undefined} */
  #hold
  #isReleased = false
  /** Of what is not held. @type {AbortSignal | undefined} */
  #never

  /**
   * @param {Rule} rule
   * @param {{ isTaken: boolean, source: string, held: number, firstMs: number }} told
   * @param {InstanceType<typeof Hold>} [hold]
   */
  constructor(rule, { isTaken, source, held, firstMs }, hold) {
    this.#rule = rule
    this.#hold = hold
    this.success = isTaken
    this.limit = rule.limit
    /** How many more may run. */
    this.remaining = source === 'nobody' && !isTaken ? 0 : Math.max(0, rule.limit - held)
    /** When the first of those that run ends, at the latest, unless it is renewed. */
    this.resetMs = firstMs
    this.retryAfterMs = isTaken ? 0 : Math.min(Math.max(firstMs, 1), 1_000)
    this.reason = isTaken ? null : source === 'nobody' ? 'store-away' : 'limit'
    /** Who decided. */
    this.source = source
  }

  /** Aborts when it counts no more, while it is held. @returns {AbortSignal} */
  get signal() {
    if (this.#hold !== undefined) return this.#hold.signal
    // One for all would keep whatever listens to it.
    this.#never ??= new AbortController().signal
    return this.#never
  }

  /** @returns {Record<string, string>} */
  get headers() {
    const { name, limit } = this.#rule
    return {
      'RateLimit-Policy': `"${name}";q=${limit};qu="concurrent-requests"`,
      RateLimit: `"${name}";r=${this.remaining}`,
      'X-RateLimit-Limit': String(limit),
      'X-RateLimit-Remaining': String(this.remaining),
      ...(this.success ? {} : { 'Retry-After': String(Math.ceil(this.retryAfterMs / 1_000)) }),
    }
  }

  /** Gives it back; once is enough. */
  async release() {
    if (this.#isReleased) return
    this.#isReleased = true
    await this.#hold?.release()
  }

  async [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    await this.release()
  }

  [Symbol.dispose ?? Symbol.for('Symbol.dispose')]() {
    void this.release()
  }
}

/** @param {Rule} rule @param {unknown} id @param {any} options */
async function acquire(rule, id, options) {
  const own = checks.own('the id', id)
  const given = checks.options('acquire', options, WAIT)
  const waitMs = checks.whole('acquire: `waitMs`', given.waitMs ?? 0, 0, MOST_WAIT_MS)
  /** @type {Error | undefined} */
  let over
  const late = () => {
    over = failure('TIERCEL_CONCURRENCY_LIMIT', 'no longer waited for')
    return over
  }
  const patience = new Patience('acquire', waitMs, given.signal, late)
  if (waitMs === 0) return attempt(rule, own)
  const place = `${rule.name}:${own}`
  /** @type {Permit | undefined} */
  let last
  try {
    await turns.take(place, patience)
  } catch (error) {
    // Somebody of this process has waited for longer, and the time is over.
    if (over !== undefined && error === over) return attempt(rule, own)
    throw error
  }
  try {
    for (let look = LOOK_MS; ; look = Math.min(2 * look, LONGEST_LOOK_MS)) {
      last = await attempt(rule, own)
      if (last.success || last.source === 'nobody') return last
      await patience.pause(look)
    }
  } catch (error) {
    if (over !== undefined && error === over && last !== undefined) return last
    throw error
  } finally {
    turns.pass(place)
  }
}

/** @param {Rule} rule @param {string} id */
async function attempt(rule, id) {
  const { name, ttlMs, limit, onError } = rule
  const owner = randomBytes(16).toString('hex')
  const asked = performance.now()
  const release = (/** @type {0 | 1} */ isHere) => ask(ASK.SEAT_RELEASE, name, id, owner, isHere)
  let answer
  try {
    answer = await ask(ASK.SEAT_ACQUIRE, name, id, owner, ttlMs, limit, onError)
  } catch (error) {
    // It may have been taken.
    void undo(ttlMs, () => release(0))
    throw error
  }
  const [word, source, held, firstMs] = answer
  const told = { isTaken: word === 'taken', source, held, firstMs }
  if (source !== 'store') void undo(ttlMs, () => release(0))
  if (!told.isTaken || source === 'nobody') return new Permit(rule, told)
  const isHere = source === 'local' ? 1 : 0
  const hold = new Hold({
    ttlMs,
    asked,
    renew: async () => (await ask(ASK.SEAT_RENEW, name, id, owner, ttlMs, isHere))[0] === 'done',
    release: () => release(isHere),
    lost: () => failure('TIERCEL_PERMIT_LOST', 'it counts no more: its time is over'),
  })
  return new Permit(rule, told, hold)
}

/**
 * A route handler of which so many run at the same time.
 * @param {{ acquire(id: string, options: any): Promise<Permit> }} limiter
 * @param {(request: any, ...rest: any[]) => any} handler
 * @param {any} options
 */
function route(limiter, handler, options) {
  const body = checks.callable('the handler', handler)
  const given = checks.options('route', options, ['id', 'waitMs'])
  const idOf = checks.callable('route: `id`', given.id)
  const { waitMs = 0 } = given
  return async (/** @type {any} */ request, /** @type {any[]} */ ...rest) => {
    const permit = await limiter.acquire(await idOf(request), { waitMs, signal: request.signal })
    if (!permit.success) {
      const { headers, retryAfterMs } = permit
      return Response.json({ error: 'too many requests', retryAfterMs }, { status: 429, headers })
    }
    try {
      return await body(request, ...rest)
    } finally {
      await permit.release()
    }
  }
}

module.exports = { concurrency }
