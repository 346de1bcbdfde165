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
 * @type {{ onError: ((error: unknown, info: { key: string }) => void) | undefined }} */
const listening = { onError: undefined }

/**
 * How a generation ended.
 * @typedef {{ kind: 'stored', one: import('./codec.js').Stored }
 *   | { kind: 'kept', value: unknown }
 *   | { kind: 'failed', error: unknown }} Outcome
 */

/** One generation. */
class Flight {
  /** Callers that wait for it and may give up. */
  #callers = 0
  #mayEnd = true
  #controller = new AbortController()
  /** @type {import('./plan.js').Plan} */
  plan

  /**
   * @param {string} key
   * @param {[revision: number, ms: number]} began
   * @param {import('./plan.js').Plan} plan
   * @param {{ value: unknown, ageMs: number } | undefined} stale
   * @param {boolean} isRenewal whether gets are answered meanwhile
   */
  constructor(key, began, plan, stale, isRenewal) {
    this.key = key
    this.began = began
    this.plan = plan
    this.stale = stale
    this.isRenewal = isRenewal
    this.signal = this.#controller.signal
    /** @type {Promise<Outcome>} */
    this.done = Promise.resolve({ kind: 'failed', error: undefined })
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

  /** A caller waits for it. It goes on in any case if one cannot give up. @param {boolean} mayGiveUp */
  join(mayGiveUp) {
    this.#callers++
    this.#mayEnd &&= mayGiveUp
  }

  /** A caller has given up. @param {unknown} reason */
  leave(reason) {
    this.#callers--
    if (this.#callers === 0 && this.#mayEnd) this.#controller.abort(reason)
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
      const value = await this.#within(run, context)
      const plan = lifetimeOf(this.plan, value)
      if (isSkipped || plan === undefined) {
        native.abandon(KIND.OWN, this.key, 0)
        return { kind: 'kept', value }
      }
      const one = encode(value, plan.codec)
      put(this.key, this.began, one, plan)
      return { kind: 'stored', one }
    } catch (error) {
      // Behind an answer the next attempt comes once this one is no longer believed in: a second.
      if (!this.isRenewal) native.idle(KIND.OWN, this.key, 0)
      return { kind: 'failed', error }
    } finally {
      this.end()
    }
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
        this.#controller.abort(error)
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
    listening.onError?.(outcome.error, { key: flight.key })
  } catch {
    // A listener that throws must not break the cache.
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
