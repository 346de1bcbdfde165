// @ts-check

/** Keys whose generation one request may have begun. */
const MOST = 1_024

/** When a generation began: the revision then, and the time on Next's clock.
 * @typedef {[revision: number, ms: number]} Start */

/** When the generations of one request began, by key. */
class Starts {
  /** @type {Map<string, Start[]>} */
  #starts = new Map()

  /** @param {string} key @param {Start} start */
  add(key, start) {
    const starts = this.#starts.get(key)
    if (starts) starts.push(start)
    else if (this.#starts.size < MOST) this.#starts.set(key, [start])
  }

  /** @param {string} key */
  has(key) {
    return this.#starts.has(key)
  }

  /**
   * When the generation of the value that is set now began: the oldest start there is. Of two
   * generations that overlap, neither may be dated later than it began.
   * @param {string} key
   */
  take(key) {
    const starts = this.#starts.get(key)
    if (!starts) return undefined
    const [oldest] = starts
    starts.pop()
    if (starts.length === 0) this.#starts.delete(key)
    return oldest
  }
}

module.exports = { Starts }
