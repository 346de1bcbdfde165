// @ts-check

const { invalid } = require('../errors.js')
const { getOrSet } = require('./generate.js')

/** One call of the origin for all keys of a call that are missing. */

/**
 * @param {import('./place.js').Place} place
 * @param {string[]} keys
 * @param {Function} run
 * @param {import('./plan.js').Plan} plan
 * @returns {Promise<any[]>} in the order of the keys
 */
async function getOrSetMany(place, keys, run, plan) {
  const unique = [...new Set(keys)]
  const batch = new Batch(unique, run)
  const values = await Promise.all(
    unique.map(async (key) => {
      const known = () => batch.know(key)
      try {
        return await getOrSet(
          place,
          key,
          (/** @type {any} */ ctx) => batch.of(key, ctx),
          plan,
          known,
        )
      } finally {
        known()
      }
    }),
  )
  const found = new Map(unique.map((key, at) => [key, values[at]]))
  return keys.map((key) => found.get(key))
}

/** The keys that one call generates. */
class Batch {
  /** Keys of which nothing is known yet. */
  #unknown
  #run
  /** Contexts of the keys to generate.
   * @type {Map<string, any>} */
  #missing = new Map()
  /** @type {((missing: string[]) => void) | undefined} */
  #start
  /** @type {Promise<Map<string, unknown>>} */
  #values

  /** @param {string[]} keys @param {Function} run */
  constructor(keys, run) {
    this.#unknown = new Set(keys)
    this.#run = run
    /** @type {Promise<string[]>} */
    const complete = new Promise((resolve) => {
      this.#start = resolve
    })
    const order = keys.slice()
    this.#values = complete.then(() =>
      this.#generate(order.filter((key) => this.#missing.has(key))),
    )
    // Whoever generates hears of it.
    this.#values.catch(() => {})
  }

  /** It is known who generates a key, or that nobody has to. @param {string} key */
  know(key) {
    this.#unknown.delete(key)
    if (this.#unknown.size === 0) this.#start?.([])
  }

  /** The value of a key that is to be generated here. @param {string} key @param {any} ctx */
  async of(key, ctx) {
    // Whoever was to generate it has not: a call of its own.
    if (!this.#unknown.has(key))
      return (await this.#generate([key], new Map([[key, ctx]]))).get(key)
    this.#missing.set(key, ctx)
    this.know(key)
    return (await this.#values).get(key)
  }

  /** @param {string[]} keys @param {Map<string, any>} [contexts] */
  async #generate(keys, contexts = this.#missing) {
    /** @type {Map<string, unknown>} */
    const found = new Map()
    if (keys.length === 0) return found
    const signal = allOf(keys.map((key) => contexts.get(key).signal))
    const of = (/** @type {string} */ key) => contexts.get(key)
    const values = await this.#run(keys, Object.freeze({ signal, of }))
    if (!Array.isArray(values) || values.length !== keys.length) {
      throw invalid('what the function returns', `an array of ${keys.length} values`, values)
    }
    for (const [at, key] of keys.entries()) found.set(key, values[at])
    return found
  }
}

/** Aborts as the last of them does. @param {AbortSignal[]} signals */
function allOf(signals) {
  const controller = new AbortController()
  let left = signals.length
  for (const signal of signals) {
    const ended = () => {
      left--
      if (left === 0) controller.abort(signal.reason)
    }
    if (signal.aborted) ended()
    else signal.addEventListener('abort', ended, { once: true })
  }
  return controller.signal
}

module.exports = { getOrSetMany }
