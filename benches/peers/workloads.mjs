// @ts-check
/**
 * What is measured. Each workload makes one sample of one subject with fresh processes, on an empty
 * server, and reports a figure for each of its measures; what it did not get to is reported as failed.
 */

import { median } from '../handlers/contest.mjs'
import { Failed, withProcesses } from './samples.mjs'
import { common, ERA, kinds, smalls, spread } from './values.mjs'

/**
 * @typedef {object} Figure
 * @property {number} value
 * @property {number} [main] CPU time of the main thread, in the same unit
 * @property {number} [cpu] of all threads
 *
 * @typedef {object} Measure
 * @property {string} name
 * @property {'us' | 'ms' | 'bytes' | 'generations'} unit
 *
 * @typedef {object} Given
 * @property {string} name of the subject
 * @property {any} server
 * @property {Effort} effort
 * @property {(measure: string, figure: Figure) => void} report
 * @property {(measure: string, why: string) => void} fail
 *
 * @typedef {object} Workload
 * @property {'page' | 'use'} by
 * @property {'often' | 'seldom'} rounds
 * @property {boolean} [invalidates] not every subject does
 * @property {Measure[]} measures
 * @property {(given: Given) => Promise<void>} sample
 *
 * @typedef {object} Effort
 * @property {Record<'often' | 'seldom', number>} rounds
 * @property {number} scale of the numbers of calls
 * @property {number[]} stored entries at an invalidation
 * @property {number} held entries whose memory is measured
 */

const WIDTHS = [1, 16, 128]
const SET_WIDTH = 16
/** Entries that are read again and again, and their first number. */
const HOT = 32
const HOT_FROM = 9 * ERA
const HOT_GETS = 1_000
/** So long at most. */
const HOT_MS = 400
/** Compiled code is what counts, of a server that has been up for a while. */
const WARM_UP = 160
/** Calls at each width. */
const CALLS = [60, 160, 320]
/** Pages are large: fewer of them. */
const PAGES = 0.5
/** Invalidations of a tag of a hundredth, within one sample. */
const TAGS = 5
/** How long another process is watched. */
const PATIENCE_MS = 3_000
const FILL_MS = 600_000
/** The first invalidation, with few entries. */
const FIRST_MS = 10_000
const STAMPEDE = { processes: 4, requests: 25, generateMs: 200 }
/** Nobody else reads these numbers. */
const WARMED = 90

const count = (/** @type {number} */ number) => number.toLocaleString('en')

/** The time of one of `calls` calls, in us. @param {any} costs @param {number} calls @returns {Figure} */
const each = ({ clock, main, cpu }, calls) => ({
  value: clock / calls / 1e3,
  main: main / calls / 1e3,
  cpu: cpu / calls / 1e3,
})

const load = 'load of the module'
const first = 'from there to the first answer'

/** Loads, sets, hot and warm gets. @param {string} kind @returns {Workload} */
function entries(kind) {
  const set = `set, ${kind}, ${SET_WIDTH} at once`
  const hot = `hot get, ${kind}`
  const warm = WIDTHS.map((width) => `warm get, ${kind}, ${width} at once`)
  const us = [set, hot, ...warm].map((name) => ({ name, unit: /** @type {const} */ ('us') }))
  const ms = [load, first].map((name) => ({ name, unit: /** @type {const} */ ('ms') }))
  return {
    by: kinds[kind].by,
    rounds: 'often',
    measures: [...us, ...ms],
    sample: ({ name, server, effort, report, fail }) =>
      withProcesses(name, server.url, 2, async (writer, reader) => {
        const scale = kind === 'page' ? effort.scale * PAGES : effort.scale
        const calls = CALLS.map((one) => one * scale)
        const warmUp = WARM_UP * scale
        const stored = calls.reduce((sum, one) => sum + one)
        await writer.ask('open')
        await writer.ask('store', kind, 0, warmUp, SET_WIDTH)
        const took = await writer.ask('store', kind, warmUp, stored, SET_WIDTH)
        const kept = await writer.ask('check', 'kinds', kind, warmUp + stored - 1)
        if (kept) fail(set, `the process that stored it: ${kept}`)
        else report(set, each(took, stored))
        await hotGets()
        const opened = await reader.ask('open')
        report(load, { value: opened.load, main: opened.main })
        report(first, { value: opened.first })
        await warmGets(calls)

        async function hotGets() {
          await writer.ask('store', kind, HOT_FROM, HOT, SET_WIDTH)
          const problem = await writer.ask('check', 'kinds', kind, HOT_FROM)
          if (problem) return fail(hot, problem)
          const most = HOT_GETS * effort.scale
          await writer.ask('hot', kind, HOT_FROM, HOT, most, HOT_MS)
          const { made, ...took } = await writer.ask('hot', kind, HOT_FROM, HOT, most, HOT_MS)
          found(hot, took, made)
        }

        /** @param {number[]} calls */
        async function warmGets(calls) {
          const problem = await reader.ask('check', 'kinds', kind, 0)
          if (problem) throw new Failed(`stored by another process: ${problem}`)
          await reader.ask('gets', kind, 0, warmUp, SET_WIDTH)
          let from = warmUp
          for (const [nth, width] of WIDTHS.entries()) {
            found(warm[nth], await reader.ask('gets', kind, from, calls[nth], width), calls[nth])
            from += calls[nth]
          }
        }

        /** A machine that stands still makes a deadline pass; more than that is a fault.
         * @param {string} measure @param {any} costs @param {number} calls */
        function found(measure, costs, calls) {
          const { missed } = costs
          if (missed <= calls / 100) report(measure, each(costs, calls))
          else fail(measure, `${count(missed)} of ${count(calls)} were not found`)
        }
      }),
  }
}

/** @param {string} kind @param {number[]} sizes @returns {Workload} */
function invalidations(kind, sizes) {
  const part = (/** @type {number} */ size) =>
    `invalidate a tag of 1 %, ${kind}, ${count(size)} stored`
  const whole = (/** @type {number} */ size) =>
    `invalidate a tag of all, ${kind}, ${count(size)} stored`
  const names = sizes.flatMap((size) => [part(size), whole(size)])
  return {
    by: smalls[kind].by,
    rounds: 'seldom',
    invalidates: true,
    measures: names.map((name) => ({ name, unit: 'ms' })),
    sample: ({ name, server, report, fail }) =>
      withProcesses(name, server.url, 1, async (one) => {
        await one.ask('open')
        await warmed(one, kind)
        for (const [era, size] of sizes.entries()) {
          const from = era * ERA
          await one.askWithin(FILL_MS, 'fill', 'small', kind, from, size)
          const took = []
          for (let nth = 0; nth < TAGS; nth++) {
            took.push(await timed(one, kind, spread(from + nth), from + nth, from + 50 + nth))
          }
          const told = took.find((one) => typeof one === 'string')
          if (typeof told === 'string') fail(part(size), told)
          else report(part(size), middle(/** @type {Figure[]} */ (took)))
          const last = await timed(one, kind, common(from), from + 60, undefined)
          if (typeof last === 'string') fail(whole(size), last)
          else report(whole(size), last)
        }
      }),
  }
}

/** @param {Figure[]} figures */
const middle = (figures) => ({
  value: median(figures.map(({ value }) => value)),
  main: median(figures.map(({ main }) => main ?? 0)),
  cpu: median(figures.map(({ cpu }) => cpu ?? 0)),
})

/** Neither compiled code nor an empty server counts. @param {any} one @param {string} kind */
async function warmed(one, kind) {
  await one.ask('fill', 'small', kind, WARMED * ERA, 200)
  await one.askWithin(FIRST_MS, 'invalidate', kind, spread(WARMED * ERA))
}

/**
 * The time of an invalidation in ms, or what is wrong with its effect.
 * @param {any} one a process
 * @param {string} kind
 * @param {string} tag
 * @param {number} dead an entry with the tag
 * @param {number | undefined} alive one without
 * @returns {Promise<Figure | string>}
 */
async function timed(one, kind, tag, dead, alive) {
  if (!(await one.ask('isFresh', kind, dead))) return 'an entry was gone before its invalidation'
  const { clock, main, cpu } = await one.askWithin(FILL_MS, 'invalidate', kind, tag)
  if (await one.ask('isFresh', kind, dead)) return 'it was still served afterwards'
  const isAlive = alive === undefined || (await one.ask('isFresh', kind, alive))
  if (!isAlive) return 'an entry without the tag was gone, too'
  return { value: clock / 1e6, main: main / 1e6, cpu: cpu / 1e6 }
}

/** @param {string} kind @returns {Workload} */
function seen(kind) {
  const measure = `an invalidation seen by another process, ${kind}`
  return {
    by: smalls[kind].by,
    rounds: 'often',
    invalidates: true,
    measures: [{ name: measure, unit: 'ms' }],
    sample: ({ name, server, report }) =>
      withProcesses(name, server.url, 2, async (one, two) => {
        await Promise.all([one.ask('open'), two.ask('open')])
        await warmed(one, kind)
        for (let nth = 0; nth < TAGS; nth++) {
          await one.ask('fill', 'small', kind, nth, 1)
          const problem = await two.ask('check', 'small', kind, nth)
          if (problem) throw new Failed(`stored by another process: ${problem}`)
          const watched = two.ask('watch', kind, nth, PATIENCE_MS)
          const called = one.ask('invalidateSoon', kind, spread(nth))
          const [begun, read] = await Promise.all([called, watched])
          if (!read) throw new Failed(`still served after ${PATIENCE_MS / 1_000} s`)
          if (read.ended < begun) throw new Failed('it was gone before its invalidation')
          report(measure, { value: read.ended - begun })
        }
      }),
  }
}

/** @param {string} kind @returns {Workload} */
function stampede(kind) {
  const { processes, requests, generateMs } = STAMPEDE
  const measure = `stampede, ${kind}, ${processes} × ${requests} requests`
  const slowest = `slowest answer of it, ${kind}`
  return {
    by: smalls[kind].by,
    rounds: 'seldom',
    measures: [
      { name: measure, unit: 'generations' },
      { name: slowest, unit: 'ms' },
    ],
    sample: ({ name, server, report }) =>
      withProcesses(name, server.url, processes, async (...all) => {
        await Promise.all(all.map((one) => one.ask('open')))
        // Code that runs for the first time would count.
        await all[0].ask('fill', 'small', kind, WARMED * ERA, 50)
        const at = Date.now() + 200
        const asked = all.map((one) => one.ask('rush', kind, 7, requests, generateMs, at))
        const outcomes = await Promise.all(asked)
        const sum = outcomes.reduce((sum, { generations }) => sum + generations, 0)
        report(measure, { value: sum })
        report(slowest, { value: Math.max(...outcomes.map((one) => one.slowest)) })
      }),
  }
}

/** @param {string} kind @returns {Workload} */
function memory(kind) {
  const own = `memory of the process, an entry of ${kind}`
  const shared = `memory of Redis, an entry of ${kind}`
  return {
    by: kinds[kind].by,
    rounds: 'seldom',
    measures: [
      { name: own, unit: 'bytes' },
      { name: shared, unit: 'bytes' },
    ],
    sample: ({ name, server, effort, report, fail }) =>
      withProcesses(name, server.url, 1, async (one) => {
        const used = async () => Number((await server.info('memory')).used_memory)
        await one.ask('open')
        // As many before: the heap has grown to what the work itself takes.
        await one.askWithin(FILL_MS, 'fill', 'kinds', kind, ERA, effort.held >> 1)
        const before = { own: await one.ask('footprint'), shared: await used() }
        // By less than what garbage is still there, if it keeps nothing.
        const grown = async () =>
          Math.max(0, (await one.ask('footprint')) - before.own) / effort.held
        await one.askWithin(FILL_MS, 'fill', 'kinds', kind, 0, effort.held)
        const problem = await one.ask('check', 'kinds', kind, 0)
        if (problem) fail(own, problem)
        else report(own, { value: await grown() })
        const bytes = ((await used()) - before.shared) / effort.held
        if (bytes < 100) fail(shared, 'it keeps nothing in Redis')
        else report(shared, { value: bytes })
      }),
  }
}

/** @param {Effort} effort @returns {Workload[]} */
export const workloads = ({ stored }) => [
  ...Object.keys(kinds).map(entries),
  ...Object.keys(smalls).map((kind) => invalidations(kind, stored)),
  ...Object.keys(smalls).map(seen),
  ...Object.keys(smalls).map(stampede),
  ...['fetch', "'use cache'"].map(memory),
]
