// @ts-check
/** Gets that memory misses and the server answers, and sets: Tiercel next to two client libraries. */
import { fileURLToPath } from 'node:url'
import { Contestant, median } from '../handlers/contest.mjs'
import { subjects } from './subjects.mjs'
import { sorts } from './values.mjs'

const program = fileURLToPath(new URL('./process.mjs', import.meta.url))
const WIDTHS = [1, 16, 128]
/** Sets under way together. */
const SET_WIDTH = 16
const ROUND_NS = 50e6
/** The goal by sort: main-thread time of a get in relation to the ideal, from 16 under way on. */
const GOAL = 'ideal JavaScript'
/** @type {Record<string, number>} */
const GOALS = {
  'fetch 4 KB': 0.7,
  "'use cache' 2 KB": 0.8,
  "'use cache' 50 KB": 0.5,
  APP_PAGE: 0.5,
}

const NAMES = Object.keys(subjects)

/**
 * The figures of one subject in a match; times of one call.
 * @typedef {object} Figures
 * @property {string} what
 * @property {string} subject
 * @property {number} width calls under way together
 * @property {number} perSecond
 * @property {number} [p50] in us, as is `p99`
 * @property {number} [p99]
 * @property {number} main ns of the main thread
 * @property {number} cpu ns of all threads
 * @property {number} [ratio] Tiercel's main thread by this one's
 * @property {number} [cpuRatio] the same of all threads
 * @property {boolean} [isReached] the goal, where there is one
 */

/**
 * @param {string} url
 * @param {{ rounds: number, only: string, say: (text: string) => void }} how
 * @returns {Promise<Figures[]>}
 */
export async function reads(url, { rounds, only, say }) {
  // Without a memory tier: no get is answered by it. The clients have no limit of time either.
  const env = { TIERCEL_MEMORY_MB: '0', TIERCEL_COMMAND_TIMEOUT_MS: '2000' }
  const contestants = NAMES.map((name) => new Contestant(name, { program, args: [url], env }))
  /** @type {Figures[]} */
  const figures = []
  try {
    for (const sort of Object.keys(sorts)) {
      if (!sort.includes(only) && !`set ${sort}`.includes(only)) continue
      say(`… ${sort}`)
      await Promise.all(contestants.map((contestant) => contestant.ask('prepare', sort)))
      for (const width of WIDTHS) {
        figures.push(...(await match(contestants, `get ${sort}`, 'gets', width, rounds)))
      }
      figures.push(...(await match(contestants, `set ${sort}`, 'sets', SET_WIDTH, rounds)))
    }
    await Promise.all(contestants.map((contestant) => contestant.ask('close')))
    return figures
  } finally {
    for (const contestant of contestants) contestant.kill()
  }
}

/**
 * @param {Contestant[]} contestants
 * @param {string} what
 * @param {'gets' | 'sets'} act
 * @param {number} width
 * @param {number} rounds
 * @returns {Promise<Figures[]>}
 */
async function match(contestants, what, act, width, rounds) {
  const calls = await warm(contestants, act, width)
  const taken = contestants.map(() => /** @type {Costs[]} */ ([]))
  const delays = contestants.map(() => /** @type {number[]} */ ([]))
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; step < contestants.length; step++) {
      // Each goes first in turn.
      const index = (round + step) % contestants.length
      const contestant = contestants[index]
      taken[index].push(await contestant.ask(act, width, calls))
      if (act === 'gets') delays[index].push(...(await contestant.ask('delays', width, calls >> 1)))
    }
  }
  const own = taken[NAMES.indexOf('tiercel')]
  return NAMES.map((subject, index) => {
    if (subject === 'tiercel') return figuresOf(index)
    const ratio = (/** @type {keyof Costs} */ name) =>
      median(taken[index].map((costs, round) => own[round][name] / costs[name]))
    const ratios = { ratio: ratio('main'), cpuRatio: ratio('cpu') }
    const hasGoal = subject === GOAL && act === 'gets'
    const goal = width === 1 ? 1 : GOALS[what.replace('get ', '')]
    const isReached = hasGoal && goal ? ratios.ratio <= goal : undefined
    return { ...figuresOf(index), ...ratios, isReached }
  })

  /** @param {number} index @returns {Figures} */
  function figuresOf(index) {
    const of = (/** @type {keyof Costs} */ name) => taken[index].map((costs) => costs[name] / calls)
    const sorted = delays[index].sort((a, b) => a - b)
    return {
      ...{ what, subject: NAMES[index], width, perSecond: 1e9 / median(of('clock')) },
      ...{ p50: sorted[sorted.length >> 1], p99: sorted[Math.floor(sorted.length * 0.99)] },
      ...{ main: median(of('main')), cpu: median(of('cpu')) },
    }
  }
}

/** Runs until the code is compiled; returns how many calls make a round.
 * @param {Contestant[]} contestants
 * @param {'gets' | 'sets'} act
 * @param {number} width
 */
async function warm(contestants, act, width) {
  let slowest = 0
  for (const contestant of contestants) {
    let ns = 0
    for (let nth = 0; nth < 4; nth++) ns = (await contestant.ask(act, width, 512)).clock / 512
    slowest = Math.max(slowest, ns)
  }
  return Math.min(4_096, Math.max(256, Math.ceil(ROUND_NS / slowest)))
}

/** @typedef {{ clock: number, main: number, cpu: number }} Costs */
