// @ts-check

const { RULING_CELLS: FIRST, SOURCES, WINDOW_CELLS: EACH } = require('../abi.js')

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
  #answer

  /**
   * @param {Rule} rule
   * @param {number[]} answer as `Ruling` in `src/app/cells.rs` has it: of each window
   *   what is left, when all of it is there again, and when what was refused may be
   */
  constructor(rule, answer) {
    this.#rule = rule
    this.#answer = answer
    const [isAdmitted, source, blockedMs] = answer
    const tightest = tightestOf(rule, answer)
    const at = FIRST + tightest * EACH
    /** Whether it was admitted. */
    this.success = isAdmitted === 1
    /** What the tightest window admits in all. */
    this.limit = rule.windows[tightest].most
    this.remaining = blockedMs > 0 ? 0 : numberAt(answer, at)
    this.resetMs = Math.max(blockedMs, numberAt(answer, at + 1))
    this.retryAfterMs = this.success ? 0 : Math.max(blockedMs, numberAt(answer, at + 2))
    /** Who decided. */
    this.source = SOURCES[source]
    this.reason = this.success ? null : reasonOf(this.source, blockedMs)
  }

  /** @returns {Record<string, string>} */
  get headers() {
    const { name, windows } = this.#rule
    const nameOf = (/** @type {number} */ at) => (at === 0 ? `"${name}"` : `"${name}-${at + 1}"`)
    const left = windows.map((_, at) => {
      const from = FIRST + at * EACH
      const [remaining, resetMs] = [numberAt(this.#answer, from), numberAt(this.#answer, from + 1)]
      return `${nameOf(at)};r=${remaining};t=${seconds(resetMs)}`
    })
    const policies = windows.map(
      ({ limit, spanMs }, at) => `${nameOf(at)};q=${limit};w=${seconds(spanMs)}`,
    )
    return {
      'RateLimit-Policy': policies.join(', '),
      RateLimit: left.join(', '),
      'X-RateLimit-Limit': String(this.limit),
      'X-RateLimit-Remaining': String(this.remaining),
      'X-RateLimit-Reset': String(seconds(Date.now() + this.resetMs)),
      ...(this.success ? {} : { 'Retry-After': String(Math.max(1, seconds(this.retryAfterMs))) }),
    }
  }
}

/** @param {number} ms */
function seconds(ms) {
  return Math.ceil(ms / SECOND_MS)
}

/** A number that is not there, where there are fewer windows, is 0. @param {number[]} answer @param {number} at */
function numberAt(answer, at) {
  return at < answer.length ? answer[at] : 0
}

/**
 * The window that has to be waited for longest; else the one of which the least part is left.
 * @param {Rule} rule
 * @param {number[]} answer
 */
function tightestOf({ windows }, answer) {
  let tightest = 0
  for (let at = 1; at < windows.length; at++) {
    const [one, other] = [FIRST + at * EACH, FIRST + tightest * EACH]
    const longer = numberAt(answer, one + 2) - numberAt(answer, other + 2)
    const partOf = (/** @type {number} */ from, /** @type {number} */ which) =>
      numberAt(answer, from) / windows[which].most
    if (longer > 0 || (longer === 0 && partOf(one, at) < partOf(other, tightest))) tightest = at
  }
  return tightest
}

/** @param {string} source @param {number} blockedMs */
function reasonOf(source, blockedMs) {
  if (source === 'nobody') return 'store-away'
  return blockedMs > 0 ? 'blocked' : 'limit'
}

module.exports = { Ruling }
