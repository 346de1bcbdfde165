// @ts-check
/**
 * What the snapshots of a fleet cost Redis: `npm run bench:snapshots`.
 *
 * A real instance publishes one. So many connections then poll as fast as they can, first alone and
 * then each poll with that snapshot behind it in the same packet, as instances send it
 * (src/redis/snapshots.rs). The server says how long it was busy (`used_cpu_sys` and `used_cpu_user`
 * of INFO); the difference is what a snapshot costs, and an instance has one in 5 s. A poll is a PING
 * here: what it costs cancels out. Medians of rounds in turns. Also: what reading all snapshots once
 * costs, as `instances()` and each frame of `tiercel top` do.
 */
import { fleet } from '../tools/instances/fleet.mjs'
import { connect, start } from '../tools/redis/servers.mjs'
import { pause } from '../tools/time.mjs'
import { median } from './handlers/contest.mjs'
import { rounded } from './handlers/report.mjs'
import { options } from './options.mjs'
import { coreSecs } from './shared/server.mjs'

const USAGE = `Usage: npm run bench:snapshots -- [options]

  --quick          three short rounds
  --json           the figures as JSON`

if (options.help) {
  console.log(USAGE)
  process.exit()
}

const INSTANCES = 500
const EVERY_MS = 5_000
/** Intervals that a snapshot lives, as in src/redis/snapshots.rs. */
const LIVES = 3
const [ROUNDS, ROUND_MS] = options.quick ? [3, 1_000] : [9, 3_000]
const READS = 50
const namespace = 'bench'
const keyOf = (/** @type {number | string} */ n) => `{${namespace}}:s:${n}`

const redis = await start('single')
try {
  const bytes = await published()
  const clients = await Promise.all(
    Array.from({ length: INSTANCES }, () => connect(redis.url, { patience: 30_000 })),
  )
  /** @type {[number[], number[]]} */
  const [alone, along] = [[], []]
  for (let n = 0; n < ROUNDS; n++) {
    alone.push(await perPoll(clients, () => []))
    along.push(await perPoll(clients, (n) => ['SET', keyOf(n), bytes, 'PX', EVERY_MS * LIVES]))
  }
  const read = await coreSecs(redis, () => readAll(clients[0]))
  for (const client of clients) client.close()
  const micros = median(along) - median(alone)
  const figures = {
    instances: INSTANCES,
    bytes: bytes.length,
    microsPerPoll: rounded(median(alone)),
    microsPerSnapshot: rounded(micros),
    corePercent: rounded((micros * INSTANCES * 100) / (EVERY_MS * 1e3)),
    readAllMs: rounded((read * 1e3) / READS),
  }
  if (options.json) console.log(JSON.stringify(figures))
  else console.table(figures)
} finally {
  await redis.stop()
}

/** What an instance with something to tell publishes. @returns {Promise<Buffer>} */
async function published() {
  const env = {
    TIERCEL_REDIS_URL: redis.url,
    TIERCEL_NAMESPACE: namespace,
    TIERCEL_SNAPSHOT_SECONDS: '1',
  }
  const [instance] = await fleet(1, env)
  const reader = await connect(redis.url, { binary: true })
  try {
    await fill(instance)
    for (;;) {
      await pause(200)
      const [name] = await reader.command('KEYS', keyOf('*'))
      const found = name && (await reader.command('GET', name))
      if (found && JSON.parse(found).invalidated.length > 4) return found
    }
  } finally {
    reader.close()
    await instance.kill()
  }
}

/** Gets of many keys and some invalidations. @param {any} instance */
async function fill(instance) {
  for (let n = 0; n < 200; n++) {
    const key = `${n % 20}`.padStart(64, 'a')
    const context = { tags: [`products-${n % 20}`], fetchCache: true }
    const data = { body: 'x', headers: {}, url: `https://api.example/${n}` }
    if (n < 20) await instance.set(key, { kind: 'FETCH', data, revalidate: 60 }, context)
    await instance.get('FETCH', key, context)
  }
  for (let n = 0; n < 6; n++) await instance.invalidate([`posts-of-author-${n}`], { expire: 60 })
}

/**
 * The microseconds that the server takes for a poll, and for what goes along with it.
 * @param {any[]} clients
 * @param {(n: number) => unknown[]} along
 */
async function perPoll(clients, along) {
  const until = performance.now() + ROUND_MS
  let polls = 0
  const secs = await coreSecs(redis, async () => {
    await Promise.all(
      clients.map(async (client, n) => {
        while (performance.now() < until) {
          const more = along(n)
          await client.pipeline(more.length > 0 ? [['PING'], more] : [['PING']])
          polls++
        }
      }),
    )
  })
  return (secs * 1e6) / polls
}

/** Reads all, as whoever asks does. @param {any} client */
async function readAll(client) {
  const keys = Array.from({ length: INSTANCES }, (_, n) => keyOf(n))
  for (let n = 0; n < READS; n++) {
    // 200 together, as in src/redis/published.rs.
    for (let at = 0; at < keys.length; at += 200) {
      await client.command('MGET', ...keys.slice(at, at + 200))
    }
  }
}
