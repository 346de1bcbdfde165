// @ts-check
/**
 * What every peer does in real servers of Next.js, beside Tiercel: `npm run test:peers`. Installs the
 * peers into benches/peers first, which is no part of the package, and builds an app for each.
 *
 * Nothing is asserted of others: who fails is shown so. It exits with 1 if Tiercel has anything but yes.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { endChildren } from '../tools/next/support.mjs'
import { start } from '../tools/redis/servers.mjs'
import { main } from '../tools/run.mjs'
import { built } from './peers/behaviour/apps.mjs'
import { full, merged, replaced, short } from './peers/behaviour/report.mjs'
import { runAll, scenarios, takesPart } from './peers/behaviour/scenarios.mjs'
import { subjects } from './peers/behaviour/subjects.mjs'
import { installPeers, versions } from './peers/install.mjs'

const USAGE = `Usage: npm run test:peers -- [options]

  --only <names>       these subjects, with commas: Tiercel, fortedigital, trieb.work
  --scenario <words>   only scenarios whose name has all these words, such as: overlap page;
                       or those of another list of words after a comma
  --list               prints the names of the scenarios
  --json               prints JSON instead of the table
  --write              into docs/peers.md and the README; what was not run stays as it was
  --tables             writes those again, of what was recorded, and runs nothing`

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    json: { type: 'boolean' },
    list: { type: 'boolean' },
    only: { type: 'string', default: '' },
    scenario: { type: 'string', default: '' },
    tables: { type: 'boolean' },
    write: { type: 'boolean' },
  },
})

const at = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))
const RECORD = at('./peers/behaviour/seen.json')
const DOCUMENTS = { full: at('../docs/peers.md'), short: at('../README.md') }

const wanted = options.scenario.split(',').map((words) => words.split(/\s+/).filter(Boolean))
const chosen = scenarios.filter(({ name }) =>
  wanted.some((words) => words.every((word) => name.includes(word))),
)
const named = options.only.split(',').map((name) => name.trim().toLowerCase())
const names = Object.keys(subjects).filter(
  (name) => !options.only || named.includes(name.toLowerCase()),
)

/** @param {string} text */
const say = (text) => console.error(text)

/** One that cannot be built fails each scenario that it would take part in. @param {string} name @param {any} redis */
async function outcomesOf(name, redis) {
  try {
    await built(name, redis)
  } catch (error) {
    say(`${name}: ${/** @type {Error} */ (error).message}`)
    const failed = { verdict: /** @type {const} */ ('fails'), seen: 'does not build' }
    const all = chosen.filter((scenario) => takesPart(scenario, subjects[name]))
    return Object.fromEntries(all.map((scenario) => [scenario.name, failed]))
  }
  return runAll(name, { chosen, redis, say })
}

/** @param {any} redis @returns {Promise<import('./peers/behaviour/report.mjs').Seen>} */
async function look(redis) {
  const all = versions()
  const { redis_version } = await redis.info('server')
  const [{ model }] = cpus()
  const machine = `${cpus().length} cores (${model.trim()})`
  const about = { date: new Date().toISOString(), machine, node: process.version }
  /** @type {import('./peers/behaviour/report.mjs').Seen['subjects']} */
  const seen = {}
  for (const name of names) {
    const outcomes = await outcomesOf(name, redis)
    const version = all[subjects[name].package ?? '']
    seen[name] = { ...(version && { version }), date: new Date().toISOString(), outcomes }
  }
  return { about: { ...about, next: all.next, redis: redis_version }, subjects: seen }
}

/** @returns {import('./peers/behaviour/report.mjs').Seen | undefined} */
const recorded = () => (existsSync(RECORD) ? JSON.parse(readFileSync(RECORD, 'utf8')) : undefined)

/** @param {import('./peers/behaviour/report.mjs').Seen} now */
function record(now) {
  const all = merged(recorded(), now, Object.keys(subjects))
  writeFileSync(RECORD, `${JSON.stringify(all, null, 2)}\n`)
  return all
}

/** @param {import('./peers/behaviour/report.mjs').Seen} all */
function writeTables(all) {
  for (const [path, part] of [
    [DOCUMENTS.full, full(all, scenarios)],
    [DOCUMENTS.short, short(all)],
  ]) {
    writeFileSync(path, replaced(readFileSync(path, 'utf8'), part))
  }
}

// However this process ends: its servers are in groups of their own.
process.on('exit', endChildren)
process.once('SIGTERM', () => process.exit(143))
process.once('SIGINT', () => process.exit(130))

await main(async () => {
  if (options.help) return console.log(USAGE)
  if (options.list) return console.log(scenarios.map(({ name }) => name).join('\n'))
  if (options.tables) {
    const all = recorded()
    if (!all) throw new Error('nothing is recorded')
    return writeTables(all)
  }
  if (chosen.length === 0) throw new Error(`no scenario has all words of: ${options.scenario}`)
  if (names.length === 0) throw new Error(`--only: ${Object.keys(subjects).join(', ')}`)
  await installPeers()
  // One peer follows what expires.
  const redis = await start('single', {
    maxmemory: '1gb',
    settings: { 'notify-keyspace-events': 'Exe', 'maxmemory-policy': 'volatile-lru' },
  })
  try {
    const now = await look(redis)
    if (options.write) writeTables(record(now))
    console.log(options.json ? JSON.stringify(now, null, 2) : full(now, chosen))
    const own = Object.values(now.subjects.Tiercel?.outcomes ?? {})
    if (own.some(({ verdict }) => verdict !== 'yes')) process.exitCode = 1
  } finally {
    endChildren()
    await redis.stop()
  }
})
