// @ts-check

/** @typedef {import('../../warm.d.ts').WarmResult} WarmResult */
/** @typedef {import('../../warm.d.ts').WarmFailure} WarmFailure */

/** The most failures that are kept with their reasons; all of them are counted. */
const MOST_FAILURES = 100

/** The counter for each value of the header `x-nextjs-cache`. */
const CACHE = /** @type {Record<string, 'hit' | 'stale' | 'miss'>} */ ({
  HIT: 'hit',
  STALE: 'stale',
  MISS: 'miss',
})

/** The figures of one run. */
class Tally {
  #begun = performance.now()
  #total
  #failed = 0
  /** @type {WarmFailure[]} */
  #failures = []
  /** @type {WarmResult['statuses']} */
  #statuses = { '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0 }
  #cache = { hit: 0, stale: 0, miss: 0, other: 0 }
  #bytes = 0
  /** Of all requests that were answered or given up. @type {number[]} */
  #ms = []

  /** @param {number} total */
  constructor(total) {
    this.#total = total
  }

  /** The progress so far. */
  get progress() {
    return { done: this.#ms.length, failed: this.#failed, total: this.#total }
  }

  /**
   * @param {string} path
   * @param {import('./client.js').Answer} answer
   * @param {boolean} isFailed
   */
  add(path, { status, reason, cache, bytes, ms }, isFailed) {
    this.#ms.push(ms)
    this.#bytes += bytes
    if (status !== undefined) {
      const name = `${Math.floor(status / 100)}xx`
      if (hasName(this.#statuses, name)) this.#statuses[name]++
      this.#cache[CACHE[cache ?? ''] ?? 'other']++
    }
    if (!isFailed) return
    this.#failed++
    const failure = status === undefined ? { path, reason } : { path, status }
    if (this.#failures.length < MOST_FAILURES) this.#failures.push(failure)
  }

  /** @param {boolean} isAborted @returns {WarmResult} */
  result(isAborted) {
    const sorted = this.#ms.toSorted((a, b) => a - b)
    const done = sorted.length
    /** The smallest time that at least this part of all do not exceed. @param {number} part */
    const at = (part) => rounded(sorted[Math.max(0, Math.ceil(done * part) - 1)] ?? 0)
    return {
      total: this.#total,
      done,
      ok: done - this.#failed,
      failed: this.#failed,
      failures: this.#failures,
      statuses: this.#statuses,
      cache: this.#cache,
      bytes: this.#bytes,
      latencyMs: { p50: at(0.5), p95: at(0.95), max: at(1) },
      elapsedMs: rounded(performance.now() - this.#begun),
      isAborted,
    }
  }
}

/**
 * @template {object} T
 * @param {T} names
 * @param {PropertyKey} name
 * @returns {name is keyof T}
 */
function hasName(names, name) {
  return Object.hasOwn(names, name)
}

/** To whole microseconds. @param {number} ms */
function rounded(ms) {
  return Math.round(ms * 1_000) / 1_000
}

module.exports = { Tally }
