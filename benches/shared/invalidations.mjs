// @ts-check
/** Invalidations seen by a second process, and the commands between a process and the server. */

import { fleet } from '../../tools/instances/fleet.mjs'
import { until } from '../../tools/time.mjs'
import { median } from '../handlers/contest.mjs'

/** @typedef {any} Server as `start` of `tools/redis/servers.mjs` gives it */
/** @typedef {any} Instance a process of a fleet */

const KEY = 'a'
const TAGS = ['posts']
/** Entries stored by one run of the script, which must not block the server for long. */
const AT_ONCE = 2_000
/** Calls whose commands are counted. */
const CALLS = 200

/** Copies a stored entry to many other addresses. */
const COPY = `
local frame = redis.call('GET', KEYS[1])
for nth = ARGV[1], ARGV[2] do
  redis.call('SET', string.format('bench:{%032x}', nth), frame, 'PX', 3600000)
end`

/** @param {string} url */
const instances = (url) => fleet(2, { TIERCEL_REDIS_URL: url, TIERCEL_NAMESPACE: 'bench' })

/**
 * How long an invalidation takes by the number of stored entries, in ms: until it resolves, and
 * until a process that gets all the time sees it; the median and the longest of each.
 * @typedef {{ entries: number, resolved: number, longest: number, seen: number, seenLast: number }} Latency
 */

/**
 * @param {Server} server
 * @param {{ sizes: number[], rounds: number, say: (text: string) => void }} how
 * @returns {Promise<Latency[]>}
 */
export async function invalidations(server, { sizes, rounds, say }) {
  await server.command('FLUSHALL', 'ASYNC')
  const both = await instances(server.url)
  try {
    const [one, two] = both
    await one.run(leased)
    await two.run(leased)
    const address = await stored(server, one)
    // The first one after a loss of all data waits until unlisted instances have stopped serving.
    await one.run(invalidateMany, { calls: 1, tags: TAGS })
    const rows = []
    let filled = 0
    for (const entries of sizes) {
      say(`… invalidate, ${entries.toLocaleString('en')} entries`)
      await fill(server, address, filled, entries)
      filled = entries
      const took = await one.run(invalidateOften, { rounds, tags: TAGS })
      const seen = []
      for (let round = 0; round < rounds; round++) seen.push(await seenAfter(one, two))
      const [resolved, longest] = [median(took), Math.max(...took)]
      rows.push({ entries, resolved, longest, seen: median(seen), seenLast: Math.max(...seen) })
    }
    return rows
  } finally {
    await both.stop()
  }
}

/** The address of the entry that an instance sets. @param {Server} server @param {Instance} one */
async function stored(server, one) {
  await one.useSet(KEY, 'x'.repeat(200), { tags: TAGS })
  for (;;) {
    const [, [address]] = await server.command('SCAN', 0, 'MATCH', 'bench:*', 'COUNT', 1_000)
    if (address) return address
  }
}

/**
 * @param {Server} server
 * @param {string} address
 * @param {number} from
 * @param {number} to
 */
async function fill(server, address, from, to) {
  for (let first = from; first < to; first += AT_ONCE) {
    const last = Math.min(first + AT_ONCE, to) - 1
    await server.command('EVAL', COPY, 1, address, first, last)
  }
}

/** Invalidates in one process while another gets. @param {Instance} one @param {Instance} two */
async function seenAfter(one, two) {
  await two.useSet(KEY, 'x', { tags: TAGS })
  const seen = two.run(watch, { key: KEY })
  const begun = await one.run(invalidateSoon, { tags: TAGS })
  return (await seen) - begun
}

// The programs below run in the instances, and see nothing of this file.

/** @param {any} given */
async function leased({ Tiercel }) {
  Tiercel.stats()
  await Tiercel.get('none', [])
  while (!(Tiercel.stats().shared.leaseMs > 0)) await new Promise((wake) => setTimeout(wake, 5))
}

/** @param {any} given */
async function invalidateOften({ Tiercel, rounds, tags }) {
  const took = []
  for (let round = 0; round < rounds; round++) {
    // Not in step with any periodic work.
    await new Promise((wake) => setTimeout(wake, Math.random() * 20))
    const begun = performance.now()
    await Tiercel.updateTags(tags)
    took.push(performance.now() - begun)
  }
  return took
}

/** The moment at which it began, on the clock that processes share; in ms. @param {any} given */
async function invalidateSoon({ Tiercel, tags }) {
  await new Promise((wake) => setTimeout(wake, 20 + Math.random() * 10))
  const begun = Number(process.hrtime.bigint()) / 1e6
  await Tiercel.updateTags(tags)
  return begun
}

/** The moment of the first get that finds the entry dead. @param {any} given */
async function watch({ Tiercel, key }) {
  for (;;) {
    const asked = Number(process.hrtime.bigint()) / 1e6
    if (!(await Tiercel.get(key, []))) return asked
    await new Promise((wake) => setImmediate(wake))
  }
}

/**
 * The commands that one call costs, by name.
 * @typedef {{ what: string, commands: Record<string, number> }} Trips
 */

/**
 * The commands for calls of one instance, as the server sees them.
 * @param {Server} server
 * @returns {Promise<Trips[]>}
 */
export async function trips(server) {
  await server.command('FLUSHALL', 'ASYNC')
  const both = await instances(server.url)
  const spy = await server.client()
  /** @type {string[]} */
  let seen = []
  await spy.monitor((/** @type {string} */ line) => seen.push(line))
  const counted = async (/** @type {string} */ what, /** @type {() => Promise<any>} */ act) => {
    seen = []
    await act()
    // Lines come in order: once this one is there, all before it are.
    await server.command('ECHO', what)
    const isAll = () => seen.some((line) => line.includes(what)) || undefined
    await until('the server has counted all commands', isAll)
    return { what, commands: perCall(seen) }
  }
  try {
    const [one, two] = both
    await one.run(leased)
    await two.run(leased)
    const given = { calls: CALLS, tags: TAGS }
    const missing = { calls: CALLS, prefix: 'none' }
    await one.run(invalidateMany, { calls: 1, tags: ['other'] })
    return [
      await counted('set', () => one.run(setMany, given)),
      await counted('get, memory has it', () => one.run(getMany, given)),
      await counted('get, the server has it', () => two.run(getMany, given)),
      await counted('the same again', () => two.run(getMany, given)),
      await counted('get, stored nowhere', () => one.run(getMany, missing)),
      await counted('invalidation, two instances', () => one.run(invalidateMany, given)),
    ]
  } finally {
    spy.close()
    await both.stop()
  }
}

/** Commands that clients sent, without those of scripts and periodic ones.
 * @param {string[]} lines of MONITOR */
function perCall(lines) {
  /** @type {Record<string, number>} */
  const counts = {}
  for (const line of lines) {
    const [, client, command] = /^\S+ \[\d+ (\S+)\] "(\w+)"/.exec(line) ?? []
    if (client && client !== 'lua') counts[command] = (counts[command] ?? 0) + 1
  }
  const all = Object.entries(counts).map(([name, count]) => [name, count / CALLS])
  return Object.fromEntries(all.filter(([, count]) => Number(count) >= 0.5))
}

/** @param {any} given */
async function setMany({ Tiercel, calls, tags }) {
  for (let nth = 0; nth < calls; nth++) {
    const value = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from('x'.repeat(200)))
        controller.close()
      },
    })
    const timestamp = performance.timeOrigin + performance.now()
    const entry = { value, tags, stale: 300, timestamp, expire: 86_400, revalidate: 3_600 }
    await Tiercel.set(`key ${nth}`, Promise.resolve(entry))
  }
  while (Tiercel.stats().shared.queuedWrites > 0) await new Promise((wake) => setTimeout(wake, 1))
  await new Promise((wake) => setTimeout(wake, 50))
}

/** @param {any} given */
async function getMany({ Tiercel, calls, prefix = 'key' }) {
  for (let nth = 0; nth < calls; nth++) {
    const entry = await Tiercel.get(`${prefix} ${nth}`, [])
    if (Boolean(entry) !== (prefix === 'key')) throw new Error(`${prefix} ${nth}: ${entry}`)
  }
}

/** @param {any} given */
async function invalidateMany({ Tiercel, calls, tags }) {
  for (let nth = 0; nth < calls; nth++) await Tiercel.updateTags(tags)
}
