// @ts-check
/**
 * A deploy as the origin sees it: instances are replaced one by one under an even load.
 * `npm run bench:deploy`, which also draws `benches/out/deploy.svg`.
 *
 * With Tiercel and one Redis, and with Next's own cache, in one run. Nothing is asserted.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openFixture, startOrigin } from '../tools/next/support.mjs'
import { start } from '../tools/redis/servers.mjs'
import { plotOf } from './deploy/plot.mjs'
import { pagesOf, rollout } from './deploy/rollout.mjs'
import { aligned } from './handlers/report.mjs'
import { build, caches } from './stampede/fleets.mjs'

const USAGE = `Usage: npm run bench:deploy -- [options]

  --json             print JSON
  --processes <n>    instances; default 4
  --pages <n>        half of them wait for the origin, half for a cached fetch; default 48
  --rate <n>         requests per second, of all instances together; default 60
  --generator <ms>   how long the origin takes; default 100`

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    json: { type: 'boolean' },
    processes: { type: 'string', default: '4' },
    pages: { type: 'string', default: '48' },
    rate: { type: 'string', default: '60' },
    generator: { type: 'string', default: '100' },
  },
})

const BIN_MS = 250
const ASKED_BY_BUILDS = 1_000
const OUT = new URL('./out/', import.meta.url)

const count = Number(options.processes)
const perSecond = Number(options.rate)
const pages = pagesOf(Number(options.pages))

/** The subjects. */
const subjects = [
  { name: 'Tiercel and Redis', cache: 'Tiercel and Redis' },
  { name: 'Tiercel and Redis, after tiercel warm', cache: 'Tiercel and Redis', isWarmed: true },
  { name: "Next's own", cache: "Next's own" },
]

/** @param {typeof subjects[number]} subject @param {any} redis */
async function measure({ name, cache, isWarmed }, redis) {
  const origin = await startOrigin(ASKED_BY_BUILDS)
  try {
    const app = await openFixture('full-16.4', origin)
    await redis.command('FLUSHALL')
    await build(app, caches[cache])
    origin.delayMs = Number(options.generator)
    const how = { count, pages, perSecond, isWarmed, origin, redis }
    const run = await rollout(app, cache, how)
    return { ...figuresOf(name, run), next: app.next }
  } finally {
    await origin.stop()
  }
}

/** @param {string} name @param {import('./deploy/rollout.mjs').Rollout} run */
function figuresOf(name, { asked, switches, endedMs, replies }) {
  const counts = Array.from({ length: Math.ceil(endedMs / BIN_MS) }, () => 0)
  for (const at of asked) counts[Math.min(counts.length - 1, Math.floor(at / BIN_MS))] += 1
  const times = replies.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  const at = (/** @type {number} */ part) => times[Math.floor((times.length - 1) * part)]
  return {
    name,
    originRequests: asked.length,
    most: Math.max(...counts),
    requests: replies.length,
    failed: replies.filter(({ status }) => status !== 200).length,
    ...{ p50Ms: at(0.5), p99Ms: at(0.99), slowestMs: at(1) },
    ...{ counts, switches },
  }
}

/** @typedef {Awaited<ReturnType<typeof measure>>} Figures */

/** @param {Figures[]} figures */
function table(figures) {
  const head = ['', 'origin requests', `most in ${BIN_MS} ms`, 'requests', 'failed']
  head.push('p50 ms', 'p99 ms', 'slowest ms')
  const rows = figures.map((one) => [
    ...[one.name, one.originRequests, one.most, one.requests, one.failed].map(String),
    ...[one.p50Ms, one.p99Ms, one.slowestMs].map((ms) => String(Math.round(ms))),
  ])
  return aligned(head, rows, [0])
}

/** @param {Figures[]} figures */
function draw(figures) {
  return plotOf({
    title: `What the origin sees of a deploy: ${count} instances replaced one by one`,
    subtitle: `${perSecond} requests per second over ${pages.length} pages, all of them cached before the deploy`,
    binMs: BIN_MS,
    panels: figures.map(({ name, counts, switches, originRequests, most }) => ({
      ...{ name, counts, switches, isOther: !name.startsWith('Tiercel') },
      note: `${originRequests} origin requests, at most ${most} in ${BIN_MS} ms`,
    })),
  })
}

async function main() {
  if (options.help) return console.log(USAGE)
  const redis = await start('single')
  try {
    const figures = []
    for (const subject of subjects) figures.push(await measure(subject, redis))
    const about = { node: process.version, next: figures[0].next, processes: count }
    await mkdir(OUT, { recursive: true })
    const file = new URL('deploy.svg', OUT)
    await writeFile(file, draw(figures))
    if (options.json) return console.log(JSON.stringify({ ...about, figures }, null, 2))
    console.log(`Node.js ${about.node}, Next.js ${about.next}.`)
    console.log(
      `${count} instances, ${perSecond} requests per second over ${pages.length} pages.\n`,
    )
    console.log(`${table(figures)}\n\nDrawn: ${fileURLToPath(file)}`)
  } finally {
    await redis.stop()
  }
}

await main()
