// @ts-check

/** Questions, one after the other: each holds a thread that the rest of the app reads files with. */

/** Those that wait. */
const MOST_WAITING = 8

/** There are too many questions already. */
class Crowd extends Error {
  constructor() {
    super('too many questions wait for their answers; ask again in some seconds')
  }
}

class Lane {
  #isBusy = false
  /** @type {(() => void)[]} */
  #waiting = []

  /**
   * Does something once what came before is done; nothing if nobody waits for it by then.
   * @template T
   * @param {() => Promise<T>} work
   * @param {AbortSignal} [signal]
   */
  async run(work, signal) {
    await this.#turn(signal)
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#isBusy = false
    }
  }

  /** @param {AbortSignal} [signal] */
  async #turn(signal) {
    signal?.throwIfAborted()
    if (!this.#isBusy) {
      this.#isBusy = true
      return
    }
    if (this.#waiting.length >= MOST_WAITING) throw new Crowd()
    await new Promise((/** @type {(value?: unknown) => void} */ resolve, reject) => {
      const go = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1)
        reject(signal?.reason)
      }
      this.#waiting.push(go)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }
}

module.exports = { Lane, Crowd }
