// @ts-check
// Runs the demo as a fleet, from a fresh clone: `npm run demo:fleet`.
//
// Several instances of the app, one Redis, and one address in front. Plain Node without
// dependencies, because it runs before anything is installed.

import { freePort } from '../tools/ports.mjs'
import { startDemo } from './demo/app.mjs'
import { DemoError } from './demo/child.mjs'
import { COMMON, command } from './demo/command.mjs'
import { startDatabase } from './demo/database.mjs'
import { startFront } from './demo/front.mjs'
import { startRedis } from './demo/redis.mjs'

/** Fewer show nothing, more do not fit on a page. */
const MOST_INSTANCES = 6

const USAGE = `Usage: npm run demo:fleet -- [options]

  --instances <n>    how many instances, 2 to ${MOST_INSTANCES} (default: 3)
  --redis <url>      use this server instead of starting one
${COMMON}`

await command(USAGE, async (values, { isStopping }) => {
  const count = Number(values.instances ?? 3)
  if (!(Number.isInteger(count) && count >= 2 && count <= MOST_INSTANCES)) {
    throw new DemoError(`--instances takes 2 to ${MOST_INSTANCES}.`)
  }
  const chosen = values.port ?? process.env.PORT
  const port = chosen ? Number(chosen) : await freePort(3000)
  const redis = values.redis ? elsewhere(values.redis) : await startRedis()
  const database = await startDatabase()
  try {
    const instances = await startInstances(count, port, {
      env: {
        TIERCEL_REDIS_URL: redis.url,
        DEMO_DATABASE: database.url,
        DEMO_ORIGIN: `http://localhost:${port}`,
      },
      verbose: values.verbose,
    })
    const front = await startFront(port, instances)
    if (values.once) await answeredByAll(port, instances)
    else tell(port, instances, values.redis ? undefined : redis)
    if (!values.once) await untilAllStopped(instances, redis, isStopping)
    front.stop()
    await Promise.all(instances.map((instance) => instance.stop()))
  } finally {
    database.stop()
    await redis.stop()
  }
})

/**
 * @typedef {Awaited<ReturnType<typeof startInstances>>[number]} Instance
 * @typedef {{ url: string, stopped?: Promise<number>, stop: () => Promise<void> }} Redis
 */

/** A server that is there already, and stays. @param {string} url @returns {Redis} */
const elsewhere = (url) => ({ url, stop: async () => {} })

/**
 * @param {number} count
 * @param {number} front the port before theirs
 * @param {{ env: Record<string, string>, verbose?: boolean }} options
 */
async function startInstances(count, front, { env, verbose }) {
  /** @type {number[]} */
  const ports = []
  for (let index = 0; index < count; index++)
    ports.push(await freePort((ports.at(-1) ?? front) + 1))
  const addresses = ports.map((port) => `http://localhost:${port}`).join(' ')
  const begin = Date.now()
  const instances = await Promise.all(
    ports.map(async (port, index) => {
      const place = { DEMO_INSTANCE: String(index + 1), DEMO_FLEET: addresses }
      const server = await startDemo({ port, env: { ...env, ...place }, verbose })
      let isAlive = true
      void server.stopped.then(() => (isAlive = false))
      const number = index + 1
      return { ...server, number, place: `${number} of ${count}`, port, isAlive: () => isAlive }
    }),
  )
  console.log(`✓ Starting ${count} instances, ${Math.round((Date.now() - begin) / 1000)} s`)
  return instances
}

/** @param {number} port @param {Instance[]} instances @param {Redis | undefined} redis */
function tell(port, instances, redis) {
  const lines = [
    `The demo runs at http://localhost:${port}`,
    'Each request there goes to the next of these instances:',
    ...instances.map(({ number, url }) => `  ${number}  ${url}`),
    ...(redis ? [`They share ${redis.url}`] : []),
    'Ctrl-C stops everything.',
  ]
  console.log(`\n${lines.map((line) => `  ${line}`).join('\n')}\n`)
}

/**
 * Reports who stops by itself; resolves when no instance is left.
 *
 * @param {Instance[]} instances
 * @param {Redis} redis
 * @param {() => boolean} isStopping
 */
async function untilAllStopped(instances, redis, isStopping) {
  void redis.stopped?.then((code) => {
    if (isStopping()) return
    console.error(`✗ Redis stopped by itself (exit code ${code}). The instances go on without it.`)
  })
  await Promise.all(
    instances.map(async ({ number, stopped, output }) => {
      const code = await stopped
      if (isStopping()) return
      console.error(`✗ Instance ${number} stopped by itself (exit code ${code}).\n${output()}`)
    }),
  )
  if (!isStopping()) throw new DemoError('No instance is left.')
}

/** Asks as often as there are instances, and so each once. @param {number} port @param {Instance[]} instances */
async function answeredByAll(port, instances) {
  for (const { number } of instances) {
    const headers = { accept: 'text/html' }
    const { ok, headers: answered } = await fetch(`http://localhost:${port}`, { headers })
    if (!ok || answered.get('x-demo-instance') !== `${number} of ${instances.length}`) {
      throw new DemoError(`Instance ${number} did not answer on http://localhost:${port}.`)
    }
    console.log(`✓ Instance ${number} answered on http://localhost:${port}`)
  }
}
