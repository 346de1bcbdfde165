// @ts-check
/**
 * Tiercel next to an ideal `Map` and next to the caches that Next.js ships: `npm run bench`.
 *
 * Ratios count, taken within one run; nanoseconds are of this machine. Nothing is asserted.
 */
import { start } from '../tools/redis/servers.mjs'
import { Contestant, contest, median } from './handlers/contest.mjs'
import { rowOf, table } from './handlers/report.mjs'
import { nextVersion } from './handlers/subjects.mjs'
import { options } from './options.mjs'

const USAGE = `Usage: npm run bench -- [options]

  --json           print JSON
  --only <word>    only the rows with this word
  --quick          a short run: fewer rounds, fewer entries`

const next = nextVersion()
const effort = options.quick ? { launches: 1, rounds: 12 } : { launches: 3, rounds: 30 }

/** @typedef {import('./handlers/report.mjs').Row} Row */

const IDEAL = 'ideal Map'
const FILES = "Next's file cache"
const DEFAULT = "Next's default"

/**
 * A row of a case that is measured in rounds: the case, the subjects it is compared with, the goals.
 * @typedef {object} Match
 * @property {string} what
 * @property {string} act
 * @property {{ against: string, subject: string, act?: string, goal?: number }[]} others
 */

/** @type {Match[]} */
const matches = [
  ...get('get APP_PAGE', 'page hot'),
  ...get('get APP_PAGE, new key string', 'page fresh key'),
  ...get('get APP_PAGE, 10 000 others invalidated', 'page after invalidations'),
  ...get('get FETCH 4 KB', 'fetch hot'),
  ...get('get FETCH 4 KB, new key string', 'fetch fresh key'),
  ...get('get FETCH 4 KB, 10 000 others invalidated', 'fetch after invalidations'),
  ...use("get 'use cache' 2 KB", 'use 2'),
  ...use("get 'use cache' 2 KB, 10 000 others invalidated", 'use 2 after invalidations'),
  ...use("get 'use cache' 50 KB", 'use 50'),
  ...useSet("set 'use cache' 2 KB", 'use set 2'),
  ...useSet("set 'use cache' 50 KB", 'use set 50'),
  ...set('set APP_PAGE', 'page'),
  ...set('set APP_PAGE, html not Latin-1', 'wide'),
  ...set('set FETCH 4 KB', 'fetch'),
  { what: 'first get APP_PAGE after its set', act: 'page cold', others: [] },
  { what: 'first get FETCH after its set', act: 'fetch cold', others: [] },
  { what: "first get 'use cache' 2 KB after its set", act: 'use cold 2', others: [] },
  { what: "first get 'use cache' 50 KB after its set", act: 'use cold 50', others: [] },
]

/** @param {string} what @param {string} act @returns {Match[]} */
function get(what, act) {
  const others = [
    { against: IDEAL, subject: 'ideal', goal: 1.6 },
    { against: FILES, subject: 'next' },
  ]
  return [{ what, act, others }]
}

/** @param {string} what @param {string} act @returns {Match[]} */
function use(what, act) {
  const others = [
    { against: IDEAL, subject: 'ideal', goal: 1.1 },
    { against: DEFAULT, subject: 'next', goal: 1 },
  ]
  return [{ what, act, others }]
}

/** @param {string} what @param {string} act @returns {Match[]} */
function useSet(what, act) {
  const others = [
    { against: IDEAL, subject: 'ideal' },
    { against: DEFAULT, subject: 'next', goal: 1.1 },
  ]
  return [{ what, act, others }]
}

/** @param {string} what @param {string} kind @returns {Match[]} */
function set(what, kind) {
  const others = [{ against: 'one copy', subject: 'ideal', act: `${kind} copy`, goal: 2 }]
  return [{ what, act: `${kind} set`, others }]
}

/** @param {Match} match @returns {Promise<Row[]>} */
async function play({ what, act, others }) {
  const met = others.filter(({ subject }) => next || subject !== 'next')
  const entrants = [{ subject: 'tiercel', act }, ...met.map((other) => ({ act, ...other }))]
  const launches = await contest(entrants, effort)
  const column = (/** @type {number} */ index) => median(launches.map((ns) => ns[index]))
  const tiercel = column(0)
  if (met.length === 0) return [rowOf({ what, against: '', tiercel, unit: 'ns' })]
  return met.map(({ against, goal }, index) => {
    const ratio = median(launches.map((ns) => ns[0] / ns[index + 1]))
    return rowOf({ what, against, tiercel, other: column(index + 1), unit: 'ns', ratio, goal })
  })
}

/** The cost of an invalidation, and of the next get, by how much is stored. @returns {Promise<Row[]>} */
async function invalidations() {
  const sizes = options.quick ? [1_000, 100_000] : [1_000, 100_000, 1_000_000]
  const rows = []
  for (const act of ['invalidate', 'invalidate and get']) {
    const entrants = sizes.map((size) => ({ subject: 'tiercel', act: `${act} ${size}` }))
    const launches = await contest(entrants, effort)
    const ns = sizes.map((_, index) => median(launches.map((launch) => launch[index])))
    for (const [index, size] of sizes.entries()) {
      const what = `${act}, ${size.toLocaleString('en')} entries`
      if (index === 0) rows.push(rowOf({ what, against: '', tiercel: ns[0], unit: 'ns' }))
      else {
        const [other] = ns
        const ratio = ns[index] / other
        const against = '1,000 entries'
        rows.push(rowOf({ what, against, tiercel: ns[index], other, unit: 'ns', ratio, goal: 1.2 }))
      }
    }
  }
  return rows
}

/** The effect of many entries on the process. @returns {Promise<Row[]>} */
async function heap() {
  const entries = options.quick ? 50_000 : 200_000
  const names = ['tiercel', 'ideal', 'empty']
  const contestants = names.map((name) => new Contestant(name))
  try {
    const sizes = /** @type {number[]} */ ([])
    for (const contestant of contestants) {
      const before = await contestant.ask('footprint')
      await contestant.ask('fill', entries, 2_000)
      sizes.push(((await contestant.ask('footprint')) - before) / entries)
    }
    // Less the growth of a process that keeps nothing.
    const net = sizes.map((size) => size - sizes[2])
    const gcs = await inTurn(contestants, 15, 'fullGc')
    const loads = await inTurn(contestants, options.quick ? 3 : 9, 'load', 1_000)
    const held = `${entries.toLocaleString('en')} entries of 2 KB`
    const delays = (/** @type {'p99' | 'max'} */ name) =>
      loads.map((all) => median(all.map((one) => one[name])))
    return [
      ...beside(
        `full GC, ${held}`,
        'ms',
        gcs.map((ns) => Math.min(...ns)),
        2,
      ),
      ...beside(`event loop p99, ${held}`, 'ms', delays('p99')),
      ...beside(`event loop longest in 1 s, ${held}`, 'ms', delays('max')),
      ...beside('memory (RSS) of one entry of 2 KB', 'bytes', net).slice(0, 1),
    ]
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.end()))
  }
}

/** What it costs to be looked at. @returns {Promise<Row[]>} */
async function overheads() {
  const hit = { subject: 'tiercel', act: 'page hot' }
  const [remembered, forgotten, untold, told] = await figures([
    hit,
    { ...hit, env: { TIERCEL_DECISIONS: '0' } },
    { ...hit, act: 'page in turns' },
    { ...hit, act: 'page told' },
  ])
  const row = (
    /** @type {string} */ what,
    /** @type {number[]} */ tiercel,
    /** @type {string} */ against,
    /** @type {number[]} */ other,
  ) => {
    const ratio = median(tiercel.map((ns, launch) => ns / other[launch]))
    return rowOf({
      what,
      against,
      tiercel: median(tiercel),
      other: median(other),
      unit: 'ns',
      ratio,
    })
  }
  return [
    row('get APP_PAGE, decisions remembered', remembered, 'none remembered', forgotten),
    row('get APP_PAGE, told to a subscriber', told, 'nobody subscribes', untold),
    await snapshots(),
  ]
}

/** The CPU time of an idle instance of a fleet, with snapshots and without. */
async function snapshots() {
  const server = await start('single', {
    maxmemory: '64mb',
    settings: { 'maxmemory-policy': 'volatile-lru' },
  })
  const shared = { TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: 'bench' }
  const instance = (/** @type {string} */ seconds) =>
    new Contestant('tiercel', { env: { ...shared, TIERCEL_SNAPSHOT_SECONDS: seconds } })
  const contestants = [instance('1'), instance('0')]
  try {
    for (const contestant of contestants) await contestant.ask('rest', 2_000)
    const rested = await inTurn(contestants, options.quick ? 2 : 5, 'rest', 5_000)
    const [tiercel, other] = rested.map((ns) => median(ns) / 5)
    const ratio = tiercel / other
    const what = 'a second of an idle instance, one snapshot in it'
    return rowOf({ what, against: 'no snapshots', tiercel, other, unit: 'ms', ratio })
  } finally {
    for (const contestant of contestants) contestant.kill()
    await server.stop()
  }
}

/** By entrant, then launch: ns of one call. @param {import('./handlers/contest.mjs').Entrant[]} entrants */
async function figures(entrants) {
  const launches = await contest(entrants, effort)
  return entrants.map((_, index) => launches.map((ns) => ns[index]))
}

/**
 * @param {Contestant[]} contestants
 * @param {number} rounds
 * @param {string} act
 * @param {...any} args
 */
async function inTurn(contestants, rounds, act, ...args) {
  const answers = contestants.map(() => /** @type {any[]} */ ([]))
  for (let round = 0; round < rounds; round++) {
    for (const [index, contestant] of contestants.entries()) {
      answers[index].push(await contestant.ask(act, ...args))
    }
  }
  return answers
}

/**
 * @param {string} what
 * @param {Row['unit']} unit
 * @param {number[]} figures of Tiercel, the ideal, the empty process
 * @param {number} [goal] in relation to the empty process
 */
function beside(what, unit, [tiercel, ideal, empty], goal) {
  const ratios = { ideal: tiercel / ideal, empty: tiercel / empty }
  return [
    rowOf({ what, against: IDEAL, tiercel, other: ideal, unit, ratio: ratios.ideal }),
    rowOf({
      what,
      against: 'nothing stored',
      tiercel,
      other: empty,
      unit,
      ratio: ratios.empty,
      goal,
    }),
  ]
}

/** The measurements, by the words in their rows. @type {{ words: string, rows: () => Promise<Row[]> }[]} */
const sections = [
  ...matches.map((match) => ({ words: match.what, rows: () => play(match) })),
  { words: 'invalidate and get', rows: invalidations },
  { words: 'full GC, event loop, memory', rows: heap },
  { words: 'overheads: decisions, channels, snapshots', rows: overheads },
]

async function main() {
  if (options.help) return console.log(USAGE)
  const say = (/** @type {string} */ text) => console.error(text)
  if (!next) say('Next.js is not installed (npm run demo installs it): its rows are left out.')
  /** @type {Row[]} */
  const rows = []
  for (const { words, rows: measure } of sections) {
    if (!words.includes(options.only)) continue
    say(`… ${words}`)
    try {
      rows.push(...(await measure()))
    } catch (error) {
      say(`  left out: ${error}`)
    }
  }
  const about = { node: process.version, next, platform: `${process.platform}-${process.arch}` }
  if (options.json) return console.log(JSON.stringify({ ...about, rows }, null, 2))
  console.log(`\nNode.js ${about.node}, Next.js ${next ?? 'none'}, ${about.platform}.`)
  console.log('ns: CPU time of one call, all threads of the process; ms: time on the clock.\n')
  console.log(table(rows))
}

await main()
