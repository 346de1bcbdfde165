// @ts-check

const { KIND } = require('../../abi.js')
const { native } = require('../../native.js')
const { failure } = require('../errors.js')
const { decode, encode } = require('./codec.js')
const { put } = require('./entry.js')
const { amended } = require('./plan.js')

/**
 * Generations of this thread, by key: callers of one key share one. Other threads and processes are
 * kept away by the engine.
 */

/** @type {Map<string, Flight>} */
const flights = new Map()

/** Between signs of life, in ms: half of the time for which the engine believes a leader. */
const SEE_MS = 400
/** @type {NodeJS.Timeout | undefined} */
let timer

/** Hears of generations that failed behind an answer.
 * @type {{ onError: ((error: unknown, info: { key: string }) => unknown) | undefined }} */
const listening = { onError: undefined }

/**
 * How a generation ended; `plan` is that of its value, as its function left it.
 * @typedef {{ kind: 'stored', one: import('./codec.js').Stored, plan: import('./plan.js').Plan }
 *   | { kind: 'kept', value: unknown, plan: import('./plan.js').Plan }
 *   | { kind: 'failed', error: unknown }} Outcome
 */

/**
 * @typedef {object} Setting
 * @property {string} key
 * @property {string} own the key as its caller names it
 * @property {[revision: number, ms: number]} began
 * @property {import('./plan.js').Plan} plan
 * @property {{ value: unknown, ageMs: number } | undefined} stale
 * @property {boolean} isRenewal whether gets are answered meanwhile
 */

/** One generation. */
class Flight {
  /** How many have begun in this thread. */
  static begun = 0

  order = ++Flight.begun
  /** Callers that wait for it and may give up. */
  #callers = 0
  #mayEnd = true
  #isOvertaken = false
  /** Whether the engine knows that nothing comes of it. */
  #isReleased = false
  #controller = new AbortController()
  signal = this.#controller.signal
  /** @type {Promise<Outcome>} */
  done = Promise.resolve({ kind: 'failed', error: undefined })

  /** @param {Setting} setting */
  constructor({ key, own, began, plan, stale, isRenewal }) {
    this.key = key
    this.own = own
    this.began = began
    this.plan = plan
    this.stale = stale
    this.isRenewal = isRenewal
  }

  /** @param {Function} run */
  begin(run) {
    flights.set(this.key, this)
    timer ??= setInterval(see, SEE_MS).unref()
    this.done = this.#fly(run)
    return this
  }

  /** Nobody joins it any more. */
  end() {
    if (flights.get(this.key) === this) flights.delete(this.key)
  }

  /** Somebody has set a newer value: it is given to those who wait, and not stored. */
  overtake() {
    this.#isOvertaken = true
    // It ends with what is set.
    this.#isReleased = true
    this.end()
  }

  /** A caller waits for it. It goes on in any case if one cannot give up. @param {boolean} mayGiveUp */
  join(mayGiveUp) {
    this.#callers++
    this.#mayEnd &&= mayGiveUp
  }

  /** A caller has given up. @param {unknown} reason */
  leave(reason) {
    this.#callers--
    if (this.#callers === 0 && this.#mayEnd) this.#giveUp(reason)
  }

  /** @param {unknown} reason */
  #giveUp(reason) {
    // First: whoever hears of it may call again.
    this.end()
    this.#release()
    this.#controller.abort(reason)
  }

  /** Another may generate, unless another does. */
  #release() {
    const under = flights.get(this.key)
    const isOurs = !this.#isReleased && (under === undefined || under === this)
    this.#isReleased = true
    // Behind an answer the next attempt comes once this one is no longer believed in: a second.
    if (isOurs && !this.isRenewal) native.idle(KIND.OWN, this.key, 0)
  }

  /** @param {Function} run @returns {Promise<Outcome>} */
  async #fly(run) {
    let isSkipped = false
    const context = Object.freeze({
      stale: this.stale,
      signal: this.signal,
      setOptions: (/** @type {unknown} */ more) => {
        this.plan = amended(this.plan, more)
      },
      /** @param {unknown} value */
      skip: (value) => {
        isSkipped = true
        return value
      },
    })
    try {
      return this.#landed(await this.#within(run, context), isSkipped)
    } catch (error) {
      this.#release()
      return { kind: 'failed', error }
    } finally {
      this.end()
    }
  }

  /** @param {unknown} value @param {boolean} isSkipped @returns {Outcome} */
  #landed(value, isSkipped) {
    const plan = lifetimeOf(this.plan, value)
    if (isSkipped || plan === undefined) {
      if (flights.get(this.key) === this) native.abandon(KIND.OWN, this.key, 0)
      return { kind: 'kept', value, plan: this.plan }
    }
    const one = encode(value, plan.codec)
    if (!this.#isOvertaken) put(this.key, this.began, one, plan)
    return { kind: 'stored', one, plan }
  }

  /** @param {Function} run @param {object} context */
  async #within(run, context) {
    const { hardMs, what } = this.plan
    if (hardMs === Number.POSITIVE_INFINITY) return run(context)
    /** @type {NodeJS.Timeout | undefined} */
    let due
    const late = new Promise((_, reject) => {
      due = setTimeout(() => {
        const error = failure(
          'TIERCEL_CACHE_TIMEOUT',
          `${what}: it took longer than \`hardTimeoutMs\``,
        )
        this.#giveUp(error)
        reject(error)
      }, hardMs)
      // A process need not wait for what nobody waits for.
      if (this.isRenewal) due.unref()
    })
    try {
      return await Promise.race([run(context), late])
    } finally {
      clearTimeout(due)
    }
  }
}

/**
 * The plan for a value; `undefined` if it is not stored.
 * @param {import('./plan.js').Plan} plan
 * @param {unknown} value
 */
function lifetimeOf(plan, value) {
  const isNegative = value === null || value === undefined
  if (!isNegative) return plan
  const { negativeMs } = plan
  if (negativeMs === undefined) return value === null ? plan : undefined
  return { ...plan, life: { revalidateMs: negativeMs, expireMs: negativeMs, errorMs: 0 } }
}

function see() {
  for (const { key } of flights.values()) native.see(KIND.OWN, key, 0)
  if (flights.size > 0) return
  clearInterval(timer)
  timer = undefined
}

/**
 * Reports a generation that nobody waits for.
 * @param {Flight} flight
 */
async function behind(flight) {
  flight.join(false)
  const outcome = await flight.done
  if (outcome.kind !== 'failed') return
  try {
    await listening.onError?.(outcome.error, { key: flight.own })
  } catch {
    // A listener that throws, or rejects, must not break the cache.
  }
}

/**
 * What a generation gives a caller.
 * @param {Exclude<Outcome, { kind: 'failed' }>} outcome
 * @param {import('./plan.js').Plan} plan of the caller
 */
function given(outcome, plan) {
  return outcome.kind === 'kept' ? outcome.value : decode(outcome.one, plan.codec, plan.isShared)
}

module.exports = { Flight, flights, behind, given, listening }
