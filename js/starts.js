// @ts-check

/** Keys whose generation one request may have begun. */
const MOST = 1_024

/** At which revisions the generations of one request began, by key. */
class Starts {
  /** @type {Map<string, number[]>} */
  #revisions = new Map()

  /** @param {string} key @param {number} revision */
  add(key, revision) {
    const revisions = this.#revisions.get(key)
    if (revisions) revisions.push(revision)
    else if (this.#revisions.size < MOST) this.#revisions.set(key, [revision])
  }

  /** @param {string} key */
  has(key) {
    return this.#revisions.has(key)
  }

  /**
   * The revision at which the generation of what is set now began: the oldest there is. Of two
   * generations that overlap, none may be dated later than it began.
   * @param {string} key
   */
  take(key) {
    const revisions = this.#revisions.get(key)
    if (!revisions) return undefined
    const [oldest] = revisions
    revisions.pop()
    if (revisions.length === 0) this.#revisions.delete(key)
    return oldest
  }
}

module.exports = { Starts }
