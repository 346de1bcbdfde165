// @ts-check
/**
 * What the dashboard costs: `npm run bench:dashboard`.
 *
 * `tiercel dashboard` on a fleet of three that is busy; so many viewers read its stream. Linux says how
 * long its process was busy (`/proc/<pid>/stat`). Also: what adding a minute to the hour costs Redis, by
 * INFO, for the 500 instances of `bench:snapshots`.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fleet } from '../tools/instances/fleet.mjs'
import { connect, start } from '../tools/redis/servers.mjs'
import { root } from '../tools/run.mjs'
import { pause } from '../tools/time.mjs'
import { rounded } from './handlers/report.mjs'
import { options } from './options.mjs'
import { coreSecs } from './shared/server.mjs'

const USAGE = `Usage: npm run bench:dashboard -- [options]

  --quick          shorter
  --json           the figures as JSON`

if (options.help) {
  console.log(USAGE)
  process.exit()
}

const VIEWERS = [0, 1, 50]
const INSTANCES = 500
const MINUTES = options.quick ? 2_000 : 20_000
const SPAN_MS = options.quick ? 5_000 : 20_000
const SETTLED_MS = 3_000
const TOKEN = 'bench'
/** Ticks of a second, as `getconf CLK_TCK` has it on every Linux. */
const TICKS = 100

const redis = await start('single')
const dir = mkdtempSync(join(tmpdir(), 'tiercel-bench-'))
const env = { TIERCEL_REDIS_URL: redis.url, TIERCEL_NAMESPACE: 'bench' }
const instances = await fleet(3, { ...env, TIERCEL_SNAPSHOT_SECONDS: '1' })
/** @type {import('node:child_process').ChildProcess | undefined} */
let dashboard
const traffic = setInterval(() => void busy().catch(() => {}), 100)
try {
  dashboard = spawn(
    process.execPath,
    [join(root, 'bin', 'tiercel.js'), 'dashboard', '--port', '0', '--json'],
    { cwd: dir, env: { ...process.env, ...env, TIERCEL_DASHBOARD_TOKEN: TOKEN } },
  )
  const url = await new Promise((resolve, reject) => {
    dashboard?.stdout?.once('data', (chunk) => resolve(JSON.parse(String(chunk)).url))
    dashboard?.once('exit', (code) => reject(new Error(`the dashboard ended with ${code}`)))
  })
  /** @type {Record<string, number>} */
  const figures = {}
  for (const viewers of VIEWERS) {
    const { corePercent, bytesPerSec } = await watched(url, Number(dashboard.pid), viewers)
    figures[`corePercentOf${viewers}`] = corePercent
    if (viewers === 1) figures.bytesPerSecAndViewer = bytesPerSec
  }
  const micros = await perMinute()
  figures.microsPerMinute = rounded(micros)
  figures.redisCorePercentOf500 = rounded((micros * INSTANCES * 100) / 60e6)
  if (options.json) console.log(JSON.stringify(figures))
  else console.table(figures)
} finally {
  clearInterval(traffic)
  dashboard?.kill('SIGINT')
  await instances.stop()
  await redis.stop()
  rmSync(dir, { recursive: true, force: true })
}

/** Some gets of each instance. */
async function busy() {
  await Promise.all(
    instances.map(async (one) => {
      const key = `key-${Math.floor(Math.random() * 20)}`
      const context = { tags: ['products'], fetchCache: true }
      const data = { body: 'x', headers: {}, url: 'https://api.example' }
      const found = await one.get('FETCH', key, context)
      if (!found) await one.set(key, { kind: 'FETCH', data, revalidate: 5 }, context)
    }),
  )
}

/** @param {string} url @param {number} pid @param {number} viewers */
async function watched(url, pid, viewers) {
  const over = new AbortController()
  let bytes = 0
  const headers = { authorization: `Bearer ${TOKEN}` }
  for (let n = 0; n < viewers; n++) {
    const { body } = await fetch(`${url}events`, { headers, signal: over.signal })
    const read = async () => {
      for await (const chunk of /** @type {any} */ (body)) bytes += chunk.length
    }
    void read().catch(() => {})
  }
  await pause(SETTLED_MS)
  const before = { secs: cpuOf(pid), bytes }
  await pause(SPAN_MS)
  const secs = cpuOf(pid) - before.secs
  const read = bytes - before.bytes
  over.abort()
  await pause(500)
  return {
    corePercent: rounded((secs * 1e5) / SPAN_MS),
    bytesPerSec: Math.round(read / viewers / (SPAN_MS / 1e3)),
  }
}

/** Seconds of a core that a process has taken. @param {number} pid */
function cpuOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** The microseconds that the server takes to add what an instance counted in a minute. */
async function perMinute() {
  const script = readFileSync(join(root, 'src/redis/scripts/history.lua'), 'utf8')
  const client = await connect(redis.url, { patience: 30_000 })
  const [{ values }] = JSON.parse(
    await instances[0].run(({ require, loader }) => require(loader).load().history(), {
      loader: join(root, 'js/loader.js'),
    }),
  ).rows.slice(-1)
  const add = ['EVAL', script, '1', '{bench}:c:1', JSON.stringify(values), '60000']
  await client.command(...add)
  const secs = await coreSecs(redis, async () => {
    for (let n = 0; n < MINUTES; n += 100) {
      await client.pipeline(Array.from({ length: 100 }, () => add))
    }
  })
  client.close()
  return (secs * 1e6) / MINUTES
}
