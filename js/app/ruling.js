// @ts-check

/**
 * What a limit says, as callers see it.
 *
 * @typedef {{ algorithm: string, limit: number, spanMs: number, burst: number, most: number }} Window
 * @typedef {{ name: string, windows: readonly Window[] }} Rule
 */

const SECOND_MS = 1_000

/** The result of one call. Its headers are made when somebody reads them. */
class Ruling {
  #rule
  #windows

  /**
   * @param {Rule} rule
   * @param {any[]} answer as in `src/binding/app/write.rs`
   */
  constructor(rule, [word, source, blockedMs, ...numbers]) {
    this.#rule = rule
    this.#windows = rule.windows.map((window, at) => ({
      limit: window.most,
      remaining: numbers[at * 3] ?? 0,
      resetMs: numbers[at * 3 + 1] ?? 0,
      retryMs: numbers[at * 3 + 2] ?? 0,
    }))
    const tightest = this.#windows.reduce((one, other) => (isTighter(other, one) ? other : one))
    /** Whether it was admitted. */
    this.success = word === 'admitted'
    /** What the tightest window admits in all. */
    this.limit = tightest.limit
    this.remaining = blockedMs > 0 ? 0 : tightest.remaining
    this.resetMs = Math.max(blockedMs, tightest.resetMs)
    this.retryAfterMs = this.success ? 0 : Math.max(blockedMs, tightest.retryMs)
    this.reason = this.success ? null : reasonOf(source, blockedMs)
    /** Who decided. */
    this.source = source
  }

  /** @returns {Record<string, string>} */
  get headers() {
    const seconds = (/** @type {number} */ ms) => Math.ceil(ms / SECOND_MS)
    const name = (/** @type {number} */ at) =>
      at === 0 ? `"${this.#rule.name}"` : `"${this.#rule.name}-${at + 1}"`
    const policies = this.#rule.windows.map(
      ({ limit, spanMs }, at) => `${name(at)};q=${limit};w=${seconds(spanMs)}`,
    )
    const left = this.#windows.map(
      ({ remaining, resetMs }, at) => `${name(at)};r=${remaining};t=${seconds(resetMs)}`,
    )
    const reset = Math.ceil((Date.now() + this.resetMs) / SECOND_MS)
    return {
      'RateLimit-Policy': policies.join(', '),
      RateLimit: left.join(', '),
      'X-RateLimit-Limit': String(this.limit),
      'X-RateLimit-Remaining': String(this.remaining),
      'X-RateLimit-Reset': String(reset),
      ...(this.success ? {} : { 'Retry-After': String(Math.max(1, seconds(this.retryAfterMs))) }),
    }
  }
}

/**
 * The one that has to be waited for longest; else the one of which the least part is left.
 * @param {{ limit: number, remaining: number, retryMs: number }} one
 * @param {{ limit: number, remaining: number, retryMs: number }} other
 */
function isTighter(one, other) {
  if (one.retryMs !== other.retryMs) return one.retryMs > other.retryMs
  return one.remaining / one.limit < other.remaining / other.limit
}

/** @param {string} source @param {number} blockedMs */
function reasonOf(source, blockedMs) {
  if (source === 'nobody') return 'store-away'
  return blockedMs > 0 ? 'blocked' : 'limit'
}

module.exports = { Ruling }
