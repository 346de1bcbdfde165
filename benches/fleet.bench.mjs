// @ts-check
/**
 * What a fleet costs one Redis server: `npm run bench:fleet`.
 *
 * A Rust program (benches/fleet) runs so many engines in one process, each with the connections that an
 * instance has, against a server of its own. They share a thread: with one each, as in processes of
 * their own, the machine would be busy with switching between them. It measures them idle, at ten
 * invalidating calls a second, and at more and more of them until the slowest hundredth takes longer
 * than 250 ms to be known everywhere. Cores are those that the kernel counts for the server and for
 * the program: where both together come near to what the machine has, a rate is that of the machine,
 * and what a call costs the server says more.
 */
import { execFileSync, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { start } from '../tools/redis/servers.mjs'
import { rounded } from './handlers/report.mjs'

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    instances: { type: 'string', default: '' },
    json: { type: 'boolean' },
    quick: { type: 'boolean' },
    tags: { type: 'string', default: '' },
    threads: { type: 'string', default: '1' },
  },
})

const USAGE = `Usage: npm run bench:fleet -- [options]

  --quick          fleets of 10 and 50, short
  --instances n,…  fleets of these sizes; default 10,50,100,500
  --tags n,…       tables of these sizes; 0 = none; default 100000,1000000
  --threads n      threads that all instances share; 0 = one each, as in processes of their own;
                   default 1
  --json           the figures as JSON`

if (options.help) {
  console.log(USAGE)
  process.exit()
}

const root = fileURLToPath(new URL('..', import.meta.url))
const sizes = numbers(options.instances, options.quick ? [10, 50] : [10, 50, 100, 500])
const tables = numbers(options.tags, options.quick ? [100_000] : [100_000, 1_000_000])
const secs = options.quick ? 2 : 4
const settings = { maxmemory: '2gb', 'maxmemory-policy': 'volatile-lru' }

const program = built()
/** @type {Record<string, any>} */
const fleets = {}
for (const instances of sizes) fleets[instances] = await measured(instances)
/** @type {any[]} */
const memory = []
for (const tags of tables.filter((tags) => tags > 0)) memory.push(await loaded(tags))

if (options.json) {
  console.log(JSON.stringify({ cores: availableParallelism(), fleets, memory }, undefined, 2))
} else {
  print()
}

/** @param {string} text @param {number[]} otherwise */
function numbers(text, otherwise) {
  return text ? text.split(',').map(Number) : otherwise
}

/** Builds the program and says where it is. */
function built() {
  const args = ['build', '--locked', '--no-default-features', '--profile', 'fleet']
  const more = ['--bench', 'fleet', '--message-format', 'json-render-diagnostics']
  const stdio = /** @type {any} */ (['ignore', 'pipe', 'inherit'])
  const out = execFileSync('cargo', [...args, ...more], { cwd: root, stdio, encoding: 'utf8' })
  const messages = out.split('\n').filter(Boolean)
  const made = messages
    .map((line) => JSON.parse(line))
    .find(({ executable, target }) => executable && target.name === 'fleet')
  return made.executable
}

/**
 * What the program tells.
 * @param {Record<string, string | number | undefined>} given
 * @returns {Promise<Record<string, any>>}
 */
async function told(given) {
  const args = Object.entries(given).map(([name, value]) => `${name}=${value}`)
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.on('close', resolve))
  /** @type {Record<string, any>} */
  const all = {}
  for await (const line of createInterface({ input: child.stdout })) {
    const { what, value } = JSON.parse(line)
    all[what] = value
  }
  if ((await ended) !== 0) throw new Error('the program failed')
  return all
}

/** @param {number} instances */
async function measured(instances) {
  const redis = await start('single', { settings })
  try {
    const address = `${redis.host}:${redis.port}`
    const { threads } = options
    return await told({ measure: 'fleet', address, pid: redis.pid, instances, secs, threads })
  } finally {
    await redis.stop()
  }
}

/** @param {number} tags */
async function loaded(tags) {
  const redis = await start('single', { settings })
  try {
    const address = `${redis.host}:${redis.port}`
    await told({ measure: 'fill', address, tags })
    return (await told({ measure: 'memory', address, tags })).memory
  } finally {
    await redis.stop()
  }
}

function print() {
  console.log(`\nfleets on one server; ${availableParallelism()} cores for all of it`)
  /** @param {number} share */
  const percent = (share) => `${rounded(share * 100)} %`
  /** @type {Record<string, (fleet: any) => unknown>} */
  const rows = {
    'idle: Redis': ({ idle }) => percent(idle.redisShare),
    'idle: all instances': ({ idle }) => percent(idle.ownShare),
    'idle: kB/s': ({ idle }) => rounded(idle.bytesPerSec / 1e3),
    'threads per instance': ({ end }) => rounded(end.threadsPerInstance),
    'kB per instance': ({ start }) => rounded(start.kbPerInstance),
    '10 calls/s: p50 ms': ({ steady }) => rounded(steady.p50Ms),
    '10 calls/s: p99 ms': ({ steady }) => rounded(steady.p99Ms),
    '10 calls/s: Redis ms per call': ({ steady }) => rounded(steady.redisMicrosPerCall / 1e3),
    '10 calls/s: instances ms per call': ({ steady }) => rounded(steady.ownMicrosPerCall / 1e3),
    '10 calls/s: kB per call': ({ steady }) => rounded(steady.bytesPerCall / 1e3),
    ...ramp('one writer'),
    ...ramp('ten writers'),
    ...ramp('tags'),
  }
  const columns = Object.entries(fleets).map(([size, fleet]) => [`N = ${size}`, fleet])
  const table = Object.entries(rows).map(([name, cell]) => [
    name,
    Object.fromEntries(columns.map(([column, fleet]) => [column, cell(fleet)])),
  ])
  console.table(Object.fromEntries(table))
  console.log('\nan instance that loads a table')
  console.table(
    memory.map(({ tags, kb, peakKb, bytesPerTag, loadSecs }) => ({
      tags,
      MB: rounded(kb / 1e3),
      'MB at most': rounded(peakKb / 1e3),
      'bytes per tag': rounded(bytesPerTag),
      'seconds until it has a lease': rounded(loadSecs),
    })),
  )
}

/** @param {string} name @returns {Record<string, (fleet: any) => unknown>} */
function ramp(name) {
  const unit = name === 'tags' ? 'tags/s in calls of 100' : `calls/s, ${name}`
  /** @param {any} run */
  const shares = (run) =>
    `Redis ${rounded(run.redisShare * 100)} %, instances ${rounded(run.ownShare * 100)} %`
  return {
    [`${unit}`]: (fleet) => {
      const run = fleet[name].managed
      return run ? run.callsPerSec * run.tagsPerCall : 0
    },
    [`${unit}: cores then`]: (fleet) => (fleet[name].managed ? shares(fleet[name].managed) : '-'),
    [`${unit}: cores at the rate above`]: (fleet) =>
      fleet[name].failed ? shares(fleet[name].failed) : '-',
  }
}
