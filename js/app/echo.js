// @ts-check

const { RULING_CELLS: FIRST, SOURCES, WINDOW_CELLS: EACH } = require('../abi.js')

const KNOWN = SOURCES.indexOf('known')

/** For so long, in ms, the addon is not asked again what it knows: another thread may reset a limit. */
const LONGEST_MS = 50
/** More ids than are refused within that, but in an attack. */
const MOST = 4_096

/** @typedef {{ cost: number, at: number, untilMs: number, answer: number[] }} Heard */

/**
 * What the addon has said just now about ids that are over a limit that is exact. A flood asks the same
 * again and again, and the call costs more than the look. A reset by another thread, or by another limit
 * of the same name, is seen when it is over.
 */
class Echo {
  /** @type {Map<number, Echo>} */
  static #all = new Map()

  /** That of a limit, by its number: of each there is one, however often it is made. @param {number} number */
  static of(number) {
    const found = Echo.#all.get(number)
    if (found !== undefined) return found
    const made = new Echo()
    Echo.#all.set(number, made)
    return made
  }

  /** @type {Map<string, Heard>} */
  #heard = new Map()
  #since = 0

  /**
   * The refusal of so much and more, as old as it is.
   * @param {string} id
   * @param {number} cost
   * @returns {number[] | undefined}
   */
  find(id, cost) {
    if (this.#heard.size === 0) return undefined
    const heard = this.#heard.get(id)
    if (heard === undefined || cost < heard.cost) return undefined
    const age = performance.now() - heard.at
    return age < heard.untilMs ? aged(heard.answer, Math.floor(age)) : undefined
  }

  /** @param {string} id @param {number} cost @param {number[]} answer */
  note(id, cost, answer) {
    if (answer[0] === 1 || answer[1] !== KNOWN) return
    const at = performance.now()
    if (at - this.#since > LONGEST_MS || this.#heard.size >= MOST) {
      this.#heard.clear()
      this.#since = at
    }
    const untilMs = Math.min(LONGEST_MS, waitOf(answer))
    this.#heard.set(id, { cost: Math.max(1, cost), at, untilMs, answer })
  }

  /** @param {string} id */
  forget(id) {
    this.#heard.delete(id)
  }
}

/** When it may be admitted at the earliest, in ms. @param {number[]} answer */
function waitOf(answer) {
  let wait = answer[2]
  for (let at = FIRST + 2; at < answer.length; at += EACH) wait = Math.max(wait, answer[at])
  return wait
}

/** The same, later. @param {number[]} answer @param {number} ms */
function aged(answer, ms) {
  if (ms === 0) return answer
  const older = answer.slice()
  for (let at = 2; at < older.length; at++) {
    // What is left is no time.
    const isTime = at < FIRST || (at - FIRST) % EACH !== 0
    if (isTime) older[at] = Math.max(0, older[at] - ms)
  }
  return older
}

module.exports = { Echo }
