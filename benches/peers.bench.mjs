// @ts-check
/**
 * Every peer beside Tiercel, in one run on a Redis server of its own: `npm run bench:peers`. Installs
 * the peers into benches/peers first, which is no part of the package.
 *
 * Times are of this machine; compare within one run. Nothing is asserted: who fails is shown so.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { start } from '../tools/redis/servers.mjs'
import { main } from '../tools/run.mjs'
import { median } from './handlers/contest.mjs'
import { installPeers, versions } from './peers/install.mjs'
import { plotOf, themes } from './peers/plot.mjs'
import { measureAll } from './peers/run.mjs'
import { subjects } from './peers/subjects.mjs'
import { overview, tableOf } from './peers/table.mjs'
import { workloads } from './peers/workloads.mjs'

const USAGE = `Usage: npm run bench:peers -- [options]

  --json           print JSON instead of the table
  --only <words>   only what has all these words: hot, warm, set, invalidate, seen, stampede,
                   memory, load; page, fetch, 'use cache'; the name of a subject
  --out <folder>   for the table, the plots and the figures; default benches/peers/out
  --quick          a short run: fewer calls and entries, and so many rounds, up to three, as end
                   within five minutes
  --rounds <n>     samples of each subject; invalidate, stampede and memory have a third as many`

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    json: { type: 'boolean' },
    only: { type: 'string', default: '' },
    out: {
      type: 'string',
      default: fileURLToPath(new URL('./peers/out', import.meta.url)),
    },
    quick: { type: 'boolean' },
    rounds: { type: 'string' },
  },
})

const often = Number(options.rounds ?? (options.quick ? 3 : 15))
const rounds = { often, seldom: Math.ceil(often / 3) }
/** @type {import('./peers/workloads.mjs').Effort} */
const effort = options.quick
  ? { rounds, scale: 1, stored: [1_000, 20_000], held: 4_000 }
  : { rounds, scale: 8, stored: [1_000, 20_000, 1_000_000], held: 20_000 }
const patienceMs = options.quick ? 1_000 : 60_000
const budgetMs = options.quick && !options.rounds ? 300_000 : Number.POSITIVE_INFINITY

/** @param {any} about @param {import('./peers/run.mjs').Result[]} results */
function reportOf(about, results) {
  const pinned = Object.entries(about.packages).map(([name, version]) => `${name} ${version}`)
  return [
    '# Every peer beside Tiercel',
    '',
    `${about.date}, ${about.machine}, Node.js ${about.node}, Redis ${about.redis} on loopback.`,
    `${about.rounds} rounds. Other programs took ${about.others} of the machine before samples (median);`,
    `load average at the end: ${about.load}.`,
    `Packages: ${pinned.join(', ')}.`,
    '',
    'A figure is the median of its samples, with the least and the most. Less is better.',
    'A subject that gave a wrong answer has what it did in place of a figure; – is not part of it.',
    '',
    overview(results),
    '',
    ...results.flatMap((result) => [tableOf(result), '']),
  ].join('\n')
}

/** @param {string} text */
const slug = (text) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')

/** @param {any} about @param {import('./peers/run.mjs').Result[]} results */
function writeAll(about, results) {
  const out = resolve(options.out)
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'table.md'), reportOf(about, results))
  writeFileSync(join(out, 'figures.json'), JSON.stringify({ about, results }, null, 2))
  const note = `${about.date.slice(0, 10)}, ${about.machine}, Node.js ${about.node}`
  for (const result of results) {
    for (const theme of /** @type {(keyof typeof themes)[]} */ (Object.keys(themes))) {
      const svg = plotOf(result, { theme, own: 'Tiercel', note })
      writeFileSync(join(out, `${slug(result.name)}.${theme}.svg`), svg)
    }
  }
  return out
}

/** @param {any} server */
async function aboutOf(server) {
  const { redis_version: redis } = await server.info('server')
  const all = versions()
  const used = ['redis', 'ioredis', '@redis/client']
  const names = Object.values(subjects).flatMap((subject) => subject.package ?? [])
  const packages = Object.fromEntries([...names, ...used].map((name) => [name, all[name]]))
  const [{ model }] = cpus()
  const machine = `${cpus().length} cores (${model.trim()})`
  return { date: new Date().toISOString(), machine, node: process.version, redis, packages }
}

await main(async () => {
  if (options.help) return console.log(USAGE)
  if (!(often >= 1)) throw new Error(`--rounds is a number from 1 on, not ${options.rounds}`)
  await installPeers()
  // One peer follows what expires.
  const server = await start('single', {
    maxmemory: '8gb',
    settings: { 'notify-keyspace-events': 'Exe' },
  })
  try {
    const known = await aboutOf(server)
    const say = (/** @type {string} */ text) => console.error(text)
    const how = { only: options.only, server, effort, patienceMs, budgetMs, say }
    const { results, rounds: made, others } = await measureAll(workloads(effort), how)
    if (results.length === 0) throw new Error(`nothing has all words of: ${options.only}`)
    const load = loadavg().map((one) => one.toFixed(1))
    const share = Math.round(median(others) * 100)
    const about = { ...known, rounds: made, others: `${share} %`, load: load.join(', ') }
    const out = writeAll(about, results)
    console.log(
      options.json ? JSON.stringify({ about, results }, null, 2) : reportOf(about, results),
    )
    console.error(`written to ${out}`)
  } finally {
    await server.stop()
  }
})
