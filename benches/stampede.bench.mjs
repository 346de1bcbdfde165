// @ts-check
/**
 * Many clients ask several `next start` processes for one key together, while a generation takes long:
 * how often it is generated, and how long they wait. `npm run bench:stampede`.
 *
 * With Tiercel and one Redis, with Tiercel in memory only, and with Next's own handlers, in one run.
 * Nothing is asserted.
 */
import { parseArgs } from 'node:util'
import { events, rush, subjects } from '../tools/next/stampede.mjs'
import { openFixture, startOrigin } from '../tools/next/support.mjs'
import { start } from '../tools/redis/servers.mjs'
import { build, caches, deployed, warm } from './stampede/fleets.mjs'
import { figuresOf, table } from './stampede/report.mjs'

const USAGE = `Usage: npm run bench:stampede -- [options]

  --json             print JSON
  --only <word>      only cases with this word, such as cold, fetch, deploy, 'use cache'
  --processes <n>    next start processes; default 4
  --requests <n>     at each of them, at the same moment; default 100
  --generator <ms>   how long a generation takes; default 300
  --next <minor>     16.4 (default), 16.3, 16.2 or 16.0`

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    json: { type: 'boolean' },
    only: { type: 'string', default: '' },
    processes: { type: 'string', default: '4' },
    requests: { type: 'string', default: '100' },
    generator: { type: 'string', default: '300' },
    next: { type: 'string', default: '16.4' },
  },
})

const count = Number(options.processes)
const requests = Number(options.requests)
const minor = `minor-${options.next}`

/** The fixture of each layer. */
const fixtures = {
  isr: options.next === '16.4' ? 'full-16.4' : minor,
  'use-cache': options.next === '16.4' ? 'components-16.4' : minor,
}

/** More than the requests of any build. */
const ASKED_BY_BUILDS = 1_000

const isChosen = (/** @type {string} */ what) => what.includes(options.only)
const say = (/** @type {string} */ text) => console.error(text)

/** @param {string} layer */
function scenes(layer) {
  return Object.entries(subjects)
    .filter(([, subject]) => subject.layer === layer)
    .flatMap(([name, subject]) =>
      (subject.events ?? Object.keys(events)).map((event) => ({
        what: `${name}, ${event}`,
        subject,
        event,
      })),
    )
    .filter(({ what }) => isChosen(what))
}

const DEPLOYS = [
  { what: 'ISR page after a deploy, on demand', name: 'deployed' },
  { what: 'ISR page after a deploy, prerendered', name: 'built' },
].filter(({ what }) => isChosen(what))

/**
 * All cases of a layer with one cache.
 *
 * @param {string} layer
 * @param {keyof typeof caches} cache
 * @param {{ app: any, origin: any, redis: any }} on
 */
async function measure(layer, cache, { app, origin, redis }) {
  const figures = []
  await redis.command('FLUSHALL')
  await build(app, caches[cache])
  const before = await deployed(app, cache, { count, redis, deploy: 'before' })
  try {
    await warm(before, origin, layer)
    for (const { what, subject, event } of scenes(layer)) {
      const name = `${event}-${caches[cache].isShared ?? false}-${caches[cache].handler}`
      const asked = await events[event](before, subject, name)
      const outcome = await rush(before, origin, asked, requests)
      figures.push(figuresOf(what, cache, outcome, { count, isCold: event === 'cold' }))
      say(`${what}, ${cache}: ${outcome.generations}`)
    }
    if (layer === 'isr') for (const { name } of DEPLOYS) await before.primed(pageOf(name))
  } finally {
    await before.stop()
  }
  if (layer === 'isr') figures.push(...(await deploys(cache, { app, origin, redis })))
  return figures
}

const pageOf = (/** @type {string} */ name) => subjects['ISR page'].long(name)

/** The first requests of the next deploy. */
async function deploys(cache, { app, origin, redis }) {
  const figures = []
  for (const { what, name } of DEPLOYS) {
    const after = await deployed(app, cache, { count, redis, deploy: `after-${name}` })
    try {
      const outcome = await rush(after, origin, pageOf(name), requests)
      figures.push(figuresOf(what, cache, outcome, { count, isCold: true }))
      say(`${what}, ${cache}: ${outcome.generations}`)
    } finally {
      await after.stop()
    }
  }
  return figures
}

async function main() {
  if (options.help) return console.log(USAGE)
  const redis = await start('single')
  const origin = await startOrigin(ASKED_BY_BUILDS)
  origin.delayMs = Number(options.generator)
  const figures = []
  let next = ''
  try {
    for (const [layer, fixture] of Object.entries(fixtures)) {
      const isDeployed = layer === 'isr' && DEPLOYS.length > 0
      if (scenes(layer).length === 0 && !isDeployed) continue
      const app = await openFixture(fixture, origin)
      next = app.next
      const all = []
      for (const cache of Object.keys(caches)) {
        all.push(await measure(layer, cache, { app, origin, redis }))
      }
      // By case, and within it by cache.
      figures.push(...all[0].flatMap((_, nth) => all.map((one) => one[nth])))
    }
    const about = { node: process.version, next, processes: count, requests }
    const { redis_version } = await redis.info('server')
    if (options.json) {
      console.log(JSON.stringify({ ...about, redis: redis_version, figures }, null, 2))
    } else {
      console.log(`Node.js ${about.node}, Next.js ${next}, Redis ${redis_version} on loopback.`)
      console.log(
        `${count} processes, ${requests} requests at each, a generation takes ${options.generator} ms.\n`,
      )
      console.log(table(figures))
    }
  } finally {
    await origin.stop()
    await redis.stop()
  }
}

await main()
