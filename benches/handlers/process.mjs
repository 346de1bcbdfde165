// @ts-check
/**
 * The process of one subject. Runs one request of the contest at a time and is idle in between,
 * which leaves the machine to the others.
 */
import { answersWith } from './answers.mjs'
import { cases } from './cases.mjs'
import { fill, footprint, fullGc, load } from './heap.mjs'
import { subject } from './subjects.mjs'

const [name, room] = process.argv.slice(2)
const under = subject(name, Number(room))
/** @type {import('./cases.mjs').Case} */
let current
/** @type {any} */
let kit
let count = 0

/** Short enough that many rounds fit between two disturbances, long enough to collect garbage. */
const ROUND_MS = 12

/**
 * The cost of one call, in ns of CPU time of all threads: the time of other programs does not count,
 * that of the garbage collector next to the main thread does.
 * @param {number} calls
 */
async function round(calls) {
  let micros = 0
  for (let left = calls; left > 0; ) {
    const part = Math.min(left, current.most ?? left)
    left -= part
    const batch = await current.batch?.(part, kit, under)
    const started = process.cpuUsage()
    await current.run(part, kit, batch, under)
    const { user, system } = process.cpuUsage(started)
    micros += user + system
  }
  return (micros * 1e3) / calls
}

/** Runs until the code is compiled, and finds how many calls make a round. */
async function warm() {
  count = Math.min(200, current.most ?? 200)
  for (let spent = 0; spent < 400; ) {
    const ms = ((await round(count)) * count) / 1e6
    spent += Math.max(ms, 1)
    if (ms < ROUND_MS / 1.5) count *= 2
  }
}

/** The CPU time of a while in which nobody asks for anything, in ns. @param {number} ms */
async function rest(ms) {
  const started = process.cpuUsage()
  await new Promise((wake) => setTimeout(wake, ms))
  const { user, system } = process.cpuUsage(started)
  return (user + system) * 1e3
}

/** @type {Record<string, (...args: any[]) => any>} */
const acts = {
  async prepare(act) {
    current = cases[act]()
    kit = await current.prepare(under)
    await warm()
  },
  round: () => round(count),
  fill: (entries, size) => fill(name, under, entries, size),
  fullGc,
  footprint,
  rest,
  load: (ms) => load(name, under, ms),
}

answersWith(acts)
