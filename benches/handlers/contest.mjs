// @ts-check
/** Subjects side by side: a process each, one round each in turn, so that noise meets all alike. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const file = fileURLToPath(new URL('./process.mjs', import.meta.url))

/** One subject in a process of its own. */
export class Contestant {
  #child
  /** @type {Asked | undefined} */
  #asked

  /**
   * @param {string} subject
   * @param {{ program?: string, args?: string[], env?: Record<string, string> }} [how] `program`
   *   gets the subject and `args`
   */
  constructor(subject, { program = file, args = ['2048'], env = {} } = {}) {
    const execArgv = ['--expose-gc', '--max-old-space-size=8192']
    const whole = { ...process.env, ...env, NODE_ENV: 'production' }
    this.#child = fork(program, [subject, ...args], { env: whole, execArgv })
    this.#child.on('message', (/** @type {any} */ { result, error }) => {
      if (error) this.#asked?.reject(new Error(error))
      else this.#asked?.resolve(result)
    })
    this.#child.on('exit', (code, signal) => {
      this.#asked?.reject(new Error(`${subject} ended with ${code ?? signal}`))
    })
  }

  /** @param {string} act @param {...any} args @returns {Promise<any>} */
  ask(act, ...args) {
    return new Promise((resolve, reject) => {
      this.#asked = { resolve, reject }
      this.#child.send([act, ...args])
    })
  }

  /** Ends it even if work in it goes on. */
  kill() {
    this.#child.kill('SIGKILL')
  }

  async end() {
    const { exitCode, signalCode } = this.#child
    if (exitCode !== null || signalCode !== null) return
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }
}

/** @typedef {{ resolve: (result: any) => void, reject: (error: Error) => void }} Asked */

/**
 * @typedef {object} Entrant
 * @property {string} subject
 * @property {string} act the case, as named in cases.mjs
 * @property {Record<string, string>} [env] options of Tiercel
 */

/**
 * @param {Entrant[]} entrants
 * @param {{ launches: number, rounds: number }} effort
 * @returns {Promise<number[][]>} by launch, then entrant: ns of one call
 */
export async function contest(entrants, { launches, rounds }) {
  const results = []
  // Several launches: compiled code and the layout of memory differ between processes.
  for (let launch = 0; launch < launches; launch++) {
    const contestants = entrants.map(({ subject, env }) => new Contestant(subject, { env }))
    try {
      results.push(await oneLaunch(contestants, entrants, rounds))
    } finally {
      await Promise.all(contestants.map((contestant) => contestant.end()))
    }
  }
  return results
}

/** @param {Contestant[]} contestants @param {Entrant[]} entrants @param {number} rounds */
async function oneLaunch(contestants, entrants, rounds) {
  for (const [index, { act }] of entrants.entries()) await contestants[index].ask('prepare', act)
  const taken = entrants.map(() => /** @type {number[]} */ ([]))
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; step < entrants.length; step++) {
      // Each goes first in turn.
      const index = (round + step) % entrants.length
      taken[index].push(await contestants[index].ask('round'))
    }
  }
  return taken.map(median)
}

/** @param {number[]} numbers */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const half = (sorted.length - 1) / 2
  return (sorted[Math.floor(half)] + sorted[Math.ceil(half)]) / 2
}
