// @ts-check

/** Who is next in this process, by key: in the order of their coming. */
class Turns {
  /** The queue of each key that is taken.
   * @type {Map<string, Set<() => void>>} */
  #queues = new Map()

  /** @param {string} key */
  isFree(key) {
    return !this.#queues.has(key)
  }

  /**
   * Waits until it is one's turn, which lasts until {@link pass}.
   * @param {string} key
   * @param {{ pause(ms: number, begin: (wake: () => void) => void): Promise<void> }} patience
   */
  async take(key, patience) {
    const queue = this.#queues.get(key)
    if (queue === undefined) return void this.#queues.set(key, new Set())
    let mine = () => {}
    let isMine = false
    try {
      await patience.pause(Number.POSITIVE_INFINITY, (wake) => {
        mine = () => {
          isMine = true
          wake()
        }
        queue.add(mine)
      })
    } catch (error) {
      queue.delete(mine)
      if (isMine) this.pass(key)
      throw error
    }
  }

  /** @param {string} key */
  pass(key) {
    const queue = this.#queues.get(key)
    if (queue === undefined) return
    const [next] = queue
    if (next === undefined) return void this.#queues.delete(key)
    queue.delete(next)
    next()
  }
}

module.exports = { Turns }
