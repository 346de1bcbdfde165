// @ts-check
/** The subjects of a case, a round each in turn. */
import { fileURLToPath } from 'node:url'
import { until } from '../../tools/time.mjs'
import { Contestant, median } from '../handlers/contest.mjs'
import { LOOP } from './own.mjs'
import { cases } from './subjects.mjs'

const program = fileURLToPath(new URL('./process.mjs', import.meta.url))
const OWN = 'tiercel'
const ROUND_NS = 50e6
/** Calls whose commands are counted. */
const COUNTED = 256

/**
 * The figures of one subject at one width; times of one call.
 * @typedef {object} Figures
 * @property {string} what
 * @property {string} subject
 * @property {number} width
 * @property {number} p50 in us
 * @property {number} main us of the main thread
 * @property {number} cpu us of all threads
 * @property {number} commands that clients sent
 * @property {number} [ratio] Tiercel's main thread by this one's
 * @property {number} [goal] of that
 * @property {number} [goalUs] of `main` without the loop, where that is measured
 * @property {number} [net] that
 * @property {boolean} [isReached]
 */

/**
 * @param {any} server
 * @param {string} what
 * @param {{ rounds: number }} how
 * @returns {Promise<Figures[]>}
 */
export async function match(server, what, { rounds }) {
  await server.command('FLUSHALL', 'ASYNC')
  const env = {
    TIERCEL_REDIS_URL: server.url,
    TIERCEL_NAMESPACE: 'bench',
    TIERCEL_COMMAND_TIMEOUT_MS: '2000',
    // Every hit is one of Redis.
    ...(what.includes('Redis') && { TIERCEL_MEMORY_MB: '0' }),
  }
  const names = Object.keys(cases[what].subjects)
  const all = names.map((name) => new Contestant(name, { program, args: [what, server.url], env }))
  const spy = await server.client()
  try {
    const missing = await Promise.all(all.map((one) => one.ask('prepare')))
    const failed = missing.findIndex(Boolean)
    if (failed >= 0) throw new Error(`${names[failed]}: ${missing[failed]}`)
    const commands = await counted(server, spy, all)
    const figures = []
    for (const width of cases[what].widths) {
      const rows = await atWidth(all, width, rounds)
      figures.push(...names.map((_, n) => figuresOf(what, names, n, width, rows, commands[n])))
    }
    return figures
  } finally {
    spy.close()
    for (const one of all) one.kill()
  }
}

/** @typedef {{ clock: number, main: number, cpu: number }} Costs */

/**
 * @param {Contestant[]} all
 * @param {number} width
 * @param {number} rounds
 */
async function atWidth(all, width, rounds) {
  const calls = []
  for (const one of all) {
    let ns = 0
    for (let nth = 0; nth < 4; nth++) ns = (await one.ask('run', width, 512)).clock / 512
    // What takes less than a clock can tell needs more calls.
    calls.push(Math.min(100_000, Math.max(256, Math.ceil(ROUND_NS / ns))))
  }
  const rows = all.map(() => ({
    taken: /** @type {Costs[]} */ ([]),
    delays: /** @type {number[]} */ ([]),
  }))
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; step < all.length; step++) {
      // Each goes first in turn.
      const n = (round + step) % all.length
      const { clock, main, cpu } = await all[n].ask('run', width, calls[n])
      const each = (/** @type {number} */ ns) => ns / calls[n] / 1e3
      rows[n].taken.push({ clock: each(clock), main: each(main), cpu: each(cpu) })
      rows[n].delays.push(...(await all[n].ask('delays', width, 256)))
    }
  }
  return rows
}

/**
 * @param {string} what
 * @param {string[]} names
 * @param {number} n
 * @param {number} width
 * @param {{ taken: Costs[], delays: number[] }[]} rows
 * @param {number} commands
 * @returns {Figures}
 */
function figuresOf(what, names, n, width, rows, commands) {
  const { taken, delays } = rows[n]
  const mine = rows[names.indexOf(OWN)].taken
  const of = (/** @type {'main' | 'cpu'} */ name) => median(taken.map((one) => one[name]))
  const base = { what, subject: names[n], width, p50: median(delays), commands }
  const figures = { ...base, main: of('main'), cpu: of('cpu') }
  const { goal, goalFrom = 1, against, goalUs } = cases[what]
  if (names[n] === OWN) {
    if (goalUs === undefined) return figures
    const loop = rows[names.indexOf(LOOP)]?.taken
    const net = median(taken.map(({ main }, round) => main - (loop?.[round].main ?? 0)))
    return { ...figures, goalUs, net, isReached: net <= goalUs }
  }
  if (names[n] === LOOP) return figures
  const ratio = median(taken.map(({ main }, round) => mine[round].main / main))
  if (names[n] !== against || width < goalFrom || goal === undefined) return { ...figures, ratio }
  return { ...figures, ratio, goal, isReached: ratio <= goal }
}

/**
 * The commands of one call of each subject, as the server sees them: without those within scripts.
 * @param {any} server
 * @param {any} spy
 * @param {Contestant[]} all
 */
async function counted(server, spy, all) {
  /** @type {string[]} */
  let seen = []
  await spy.monitor((/** @type {string} */ line) => seen.push(line))
  const counts = []
  for (const [n, one] of all.entries()) {
    await one.ask('run', 16, COUNTED)
    seen = []
    await one.ask('run', 16, COUNTED)
    const mark = `end-${n}`
    await server.command('ECHO', mark)
    // Lines come in order: once this one is there, all before it are.
    await until('all commands', () => seen.some((line) => line.includes(mark)) || undefined)
    const sent = seen.filter((line) => !/^\S+ \[\d+ lua\]/.test(line)).length - 1
    // Members of a fleet poll meanwhile.
    counts.push(Math.round((10 * sent) / COUNTED) / 10)
  }
  return counts
}
