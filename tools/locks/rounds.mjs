/**
 * Rounds of one lock among processes, some of which are killed or frozen while they hold it.
 *
 * A referee beside the store says who is inside: a holder waits for its answer when it enters, and
 * again before it gives the lock back, so that what the referee sees is the order of the lock.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawnGuarded } from '../guarded.mjs'
import { pause } from '../time.mjs'

const PROGRAM = fileURLToPath(new URL('holder.mjs', import.meta.url))
/** How long a lock lives without a sign of life. */
const TTL = '1s'
/** Who wait in each process. */
const LANES = 3

/**
 * @typedef {object} Tally
 * @property {number} rounds
 * @property {number} overlaps a holder entered while another one was inside and ran
 * @property {number} backwards a number that was not larger than that before it
 * @property {number} killed while they held the lock
 * @property {number} frozen while they held the lock, for longer than its time
 * @property {number} refused writes of those who came back, by their old number
 * @property {number} untold of those, who did not know when they looked at `held.signal`
 * @property {number} handovers from one process to another
 */

/**
 * @param {Record<string, string>} env `TIERCEL_...` variables of the processes
 * @param {{ rounds: number, processes?: number, disturbEvery: number,
 *   say?: (tally: Tally) => void }} how a holder is killed or frozen every so many rounds, in turn
 * @returns {Promise<Tally>}
 */
export async function lockRounds(env, { rounds, processes = 4, disturbEvery, say = () => {} }) {
  const referee = new Referee(env, rounds, disturbEvery, say)
  try {
    for (let n = 0; n < processes; n++) referee.begin()
    await referee.isOver
    return referee.tally
  } finally {
    await referee.stop()
  }
}

class Referee {
  /** @type {Tally} */
  tally = {
    rounds: 0,
    overlaps: 0,
    backwards: 0,
    killed: 0,
    frozen: 0,
    refused: 0,
    untold: 0,
    handovers: 0,
  }
  #env
  #rounds
  #disturbEvery
  #say
  #over = (/** @type {any} */ _) => {}
  #fail = (/** @type {Error} */ _) => {}
  isOver = new Promise((resolve, reject) => {
    this.#over = resolve
    this.#fail = reject
  })
  /** @type {Set<any>} */
  #all = new Set()
  /** Who is inside and runs, as far as anybody knows. @type {any} */
  #inside
  /** Stands still while it holds the lock. @type {any} */
  #frozen
  #last = { token: 0, holder: /** @type {any} */ (undefined) }

  /**
   * @param {Record<string, string>} env
   * @param {number} rounds
   * @param {number} disturbEvery
   * @param {(tally: Tally) => void} say
   */
  constructor(env, rounds, disturbEvery, say) {
    this.#env = env
    this.#rounds = rounds
    this.#disturbEvery = disturbEvery
    this.#say = say
  }

  /** Another process. */
  begin() {
    const dir = mkdtempSync(join(tmpdir(), 'tiercel-lock-'))
    const command = [process.execPath, PROGRAM, 'rounds', TTL, String(LANES)]
    const env = { ...process.env, ...this.#env }
    const holder = spawnGuarded(command, { dir, log: join(dir, 'log'), env, ipc: true })
    this.#all.add(holder)
    holder.child.on('message', (/** @type {any} */ message) => this.#hear(holder, message))
    holder.exited.then((/** @type {any} */ how) => {
      const isAwaited = !this.#all.delete(holder) || how === 'SIGKILL' || how === 0
      if (!isAwaited) this.#fail(new Error(`a process ended (${how})\n${holder.log()}`))
      rmSync(dir, { recursive: true, force: true })
    })
  }

  async stop() {
    const all = [...this.#all]
    this.#all.clear()
    await Promise.all(all.map((holder) => holder.kill()))
  }

  /** @param {any} holder @param {any} message */
  #hear(holder, { id, what, ...more }) {
    const answer = (/** @type {any} */ is) => {
      if (holder.child.connected) holder.child.send({ id, answer: is })
    }
    if (what === 'ended') return answer(true)
    if (what === 'leaves') return this.#leaves(holder, more, answer)
    this.#enters(holder, more.token)
    if (this.#isOver) return answer(false)
    if (this.tally.rounds % this.#disturbEvery !== 0 || this.#frozen) return answer(true)
    const turn = this.tally.rounds / this.#disturbEvery
    if (turn % 2 === 1) this.#kill(holder)
    else this.#freeze(holder, () => answer(true))
  }

  get #isOver() {
    return this.tally.rounds >= this.#rounds
  }

  /** @param {any} holder @param {number} token */
  #enters(holder, token) {
    const { tally } = this
    tally.rounds++
    if (this.#inside) tally.overlaps++
    if (token <= this.#last.token) tally.backwards++
    if (this.#last.holder && this.#last.holder !== holder) tally.handovers++
    this.#last = { token, holder }
    this.#inside = holder
    if (this.#frozen) this.#thaw()
    if (tally.rounds % 1_000 === 0) this.#say(tally)
  }

  /** @param {any} holder @param {any} more @param {(is: boolean) => void} answer */
  #leaves(holder, { token, isTold }, answer) {
    if (this.#inside === holder) this.#inside = undefined
    if (token < this.#last.token) {
      // Somebody had the lock meanwhile: what is written with this number is refused.
      this.tally.refused++
      if (!isTold) this.tally.untold++
    }
    answer(true)
    // Whoever is frozen goes on first.
    if (this.#isOver && !this.#frozen) this.#over(undefined)
  }

  /** @param {any} holder */
  #kill(holder) {
    this.tally.killed++
    this.#inside = undefined
    holder.kill()
    this.begin()
  }

  /** @param {any} holder @param {() => void} goOn */
  #freeze(holder, goOn) {
    this.tally.frozen++
    holder.pause()
    this.#inside = undefined
    this.#frozen = { holder, goOn }
  }

  /** Lets who stood still go on while another one holds the lock. */
  async #thaw() {
    const { holder, goOn } = this.#frozen
    this.#frozen = { holder, goOn: () => {} }
    await pause(20)
    goOn()
    holder.resume()
    this.#frozen = undefined
  }
}
