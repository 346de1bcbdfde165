// @ts-check

const { invalid } = require('./errors.js')

/** What is held for a time, and how long somebody waits for it. */

/** How long somebody waits. */
class Patience {
  #until
  #signal
  #late
  /**
   * @param {string} what
   * @param {number} waitMs
   * @param {any} signal
   * @param {() => Error} late what it rejects with when the time is over
   */
  constructor(what, waitMs, signal, late) {
    // One of another realm is no instance of ours.
    if (signal !== undefined && typeof signal?.throwIfAborted !== 'function') {
      throw invalid(`${what}: \`signal\``, 'an AbortSignal', signal)
    }
    this.#late = late
    this.#until = performance.now() + waitMs
    this.#signal = /** @type {AbortSignal | undefined} */ (signal)
    this.#signal?.throwIfAborted()
  }

  /**
   * Resolves after `ms`, or as soon as `wake` is called; rejects when the time is over.
   * @param {number} ms
   * @param {(wake: () => void) => void} [begin]
   * @returns {Promise<void>}
   */
  pause(ms, begin) {
    const left = this.#until - performance.now()
    return new Promise((resolve, reject) => {
      const end = (/** @type {() => void} */ how) => {
        clearTimeout(timer)
        this.#signal?.removeEventListener('abort', aborted)
        how()
      }
      const aborted = () => end(() => reject(this.#signal?.reason))
      const over = () => end(ms < left ? resolve : () => reject(this.#late()))
      const timer = setTimeout(over, Math.max(0, Math.min(ms, left)))
      this.#signal?.addEventListener('abort', aborted)
      begin?.(() => end(resolve))
    })
  }
}

/** Pauses of what is tried again, in ms. */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 2_000
/** What may wait to be tried again, so that an outage fills no memory. */
const MOST_UNDONE = 1_024
let undone = 0

/**
 * Undoes what the store may have done: tries again while the store is away, and as long as that would
 * last. Of a process that ends, the rest ends by itself.
 * @param {number} ttlMs
 * @param {() => Promise<unknown>} act may be called more than once
 * @returns {Promise<void>} settles with the first try
 */
async function undo(ttlMs, act) {
  const end = performance.now() + ttlMs
  const attempt = async () => {
    try {
      await act()
      return true
    } catch {
      return false
    }
  }
  if ((await attempt()) || undone >= MOST_UNDONE) return
  undone++
  let pauseMs = FIRST_PAUSE_MS
  const again = async () => {
    if (performance.now() >= end || (await attempt())) return void undone--
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
    setTimeout(again, pauseMs).unref()
  }
  setTimeout(again, pauseMs).unref()
}

/** Something that is held: renewed until it is given back, or found to be lost. */
class Hold {
  #ttlMs
  #does
  /** Made when somebody looks, or when it is lost: most holders never do. @type {AbortController | undefined} */
  #abort
  /** @type {NodeJS.Timeout | undefined} */
  #renewal
  /** @type {NodeJS.Timeout | undefined} */
  #end
  /** Until when it is held, at least. */
  #until = 0

  /**
   * @param {object} does
   * @param {number} does.ttlMs
   * @param {number} does.asked when it was asked for, on `performance.now()`
   * @param {() => Promise<boolean>} does.renew whether it is held for longer
   * @param {() => Promise<unknown>} does.release
   * @param {() => Error} does.lost why `signal` aborts
   */
  constructor(does) {
    this.#does = does
    this.#ttlMs = does.ttlMs
    this.#keepFrom(does.asked)
  }

  /**
   * Aborts when it is lost. Of a process that stood still, the timer may be late: who looks is told in
   * any case.
   */
  get signal() {
    if (this.#renewal !== undefined && performance.now() >= this.#until) this.#lose()
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }

  /** It is held for its time from when that was asked for, at least. @param {number} asked */
  #keepFrom(asked) {
    this.#until = asked + this.#ttlMs
    const left = this.#until - performance.now()
    clearTimeout(this.#end)
    this.#end = setTimeout(() => this.#lose(), Math.max(0, left)).unref()
    const pause = Math.max(0, Math.min(this.#ttlMs / 3, left / 2))
    this.#renewal = setTimeout(() => this.#renew(), pause).unref()
  }

  async #renew() {
    const asked = performance.now()
    try {
      const isKept = await this.#does.renew()
      if (this.#renewal === undefined) return
      if (!isKept) return this.#lose()
      this.#keepFrom(asked)
    } catch {
      // Nobody knows; until its time is over it is held.
      if (this.#renewal === undefined) return
      this.#renewal = setTimeout(() => this.#renew(), Math.min(this.#ttlMs / 10, 500)).unref()
    }
  }

  #stop() {
    clearTimeout(this.#renewal)
    clearTimeout(this.#end)
    this.#renewal = undefined
  }

  #lose() {
    this.#stop()
    this.#abort ??= new AbortController()
    this.#abort.abort(this.#does.lost())
  }

  async release() {
    this.#stop()
    await undo(this.#ttlMs, this.#does.release)
  }
}

module.exports = { Hold, Patience, undo }
