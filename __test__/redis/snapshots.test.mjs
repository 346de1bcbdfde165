import { connect, createServer } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../tools/redis/servers.mjs'
import { fetched, ofFetch, setFetch, until } from '../unit/support.mjs'
import { appOf, instancesOf } from './command.mjs'

// What the instances of a fleet tell of themselves, and whoever asks is told.

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

const often = { TIERCEL_SNAPSHOT_SECONDS: '1' }
const told = (instance) => instance.run(({ Tiercel }) => Tiercel.instances())
const pidsOf = (instances) => instances.map((one) => one.pid).sort()

/** What they tell, once `is` holds for it. */
const once = (instance, what, is) =>
  until(what, async () => {
    const all = await told(instance)
    return is(all) ? all : undefined
  })

test('each instance knows of all others, what they are and how they do', async (test) => {
  const app = appOf(test, server.url)
  const [one, two] = await instancesOf(test, app, 2, often)
  await one.get('FETCH', 'a', ofFetch(['posts']))
  await one.set('a', fetched('a'), setFetch(['posts']))
  for (let n = 0; n < 20; n++) await one.get('FETCH', 'a', ofFetch(['posts']))
  await one.run(({ Tiercel }) => Tiercel.updateTags(['authors'], { expire: 60 }))
  const all = await once(two, 'both tell', (all) =>
    all.some((instance) => instance.invalidated.length > 0 && all.length === 2),
  )
  expect(pidsOf(all)).toEqual(pidsOf([one, two]))
  const own = all.find(({ pid }) => pid === one.pid)
  expect(own).toMatchObject({
    name: `${own.host}:${one.pid}`,
    node: process.versions.node,
    state: 'connected',
    kinds: { fetch: { fresh: 20, stale: 0, misses: 1 } },
    memory: { entries: 1 },
    sets: 1,
    invalidations: 1,
    busiest: [{ name: 'a', kind: 'FETCH', perSec: expect.any(Number) }],
    busiestTags: [{ name: 'posts', perSec: expect.any(Number) }],
    invalidated: [{ tags: 'authors', isSoft: true, isEverywhere: true, ms: expect.any(Number) }],
  })
  expect(own.startedAt).toBeLessThanOrEqual(own.at)
  expect(Math.abs(own.at + own.ageMs - Date.now())).toBeLessThan(10_000)
})

test('one that is killed is gone soon after', async (test) => {
  const app = appOf(test, server.url)
  const instances = await instancesOf(test, app, 3, often)
  const [one, two, three] = instances
  await once(one, 'all tell', (all) => all.length === 3)
  two.kill('SIGKILL')
  await once(one, 'it is gone', (all) => !all.some(({ pid }) => pid === two.pid))
  expect(pidsOf(await told(one))).toEqual(pidsOf([one, three]))
})

test('one whose option is off tells nothing and is told by the others', async (test) => {
  const app = appOf(test, server.url)
  const [one] = await instancesOf(test, app, 1, often)
  const [quiet] = await instancesOf(test, app, 1, { TIERCEL_SNAPSHOT_SECONDS: '0' })
  const all = await once(quiet, 'the other tells', (all) => all.length > 0)
  expect(pidsOf(all)).toEqual([one.pid])
})

test('a build tells nothing', async (test) => {
  const app = appOf(test, server.url)
  const building = { NEXT_PHASE: 'phase-production-build', TIERCEL_REDIS_IN_BUILD: '1' }
  const [build] = await instancesOf(test, app, 1, { ...often, ...building })
  await build.get('FETCH', 'a', ofFetch([]))
  const [one] = await instancesOf(test, app, 1, often)
  const all = await once(one, 'it tells', (all) => all.length > 0)
  expect(pidsOf(all)).toEqual([one.pid])
  const names = await server.command('KEYS', `{${app.namespace}}:s:*`)
  expect(names).toHaveLength(1)
})

test('it leaves with a poll: the server wakes up for both at once', async (test) => {
  /** @type {boolean[]} whether a poll came along, by packet */
  const packets = []
  const proxy = createServer((client) => {
    const upstream = connect(server.port, '127.0.0.1')
    client.on('data', (chunk) => {
      if (chunk.includes('}:s:')) packets.push(chunk.includes('EVALSHA'))
      upstream.write(chunk)
    })
    upstream.pipe(client)
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      one.on('error', () => {}).on('close', () => other.destroy())
    }
  })
  await new Promise((listens) => proxy.listen(0, '127.0.0.1', listens))
  test.onTestFinished(() => proxy.close())
  const app = appOf(test, `redis://127.0.0.1:${proxy.address().port}`)
  await instancesOf(test, app, 1, often)
  await until('some have left', () => packets.length >= 4 || undefined)
  // One may leave alone where a poll is late.
  expect(packets.filter(Boolean).length).toBeGreaterThanOrEqual(2)
})

test('who asks holds no thread of Node.js while the server hangs', async (test) => {
  const own = await start('single')
  test.onTestFinished(() => own.stop())
  const app = appOf(test, own.url)
  const [one] = await instancesOf(test, app, 1, { ...often, UV_THREADPOOL_SIZE: '1' })
  await once(one, 'it tells', (all) => all.length === 1)
  own.pause()
  const { first, codes } = await one.run(async ({ Tiercel, require }) => {
    const { readFile } = require('node:fs/promises')
    const asked = [1, 2, 3].map(() => Tiercel.instances().catch(({ code }) => code))
    const file = readFile(process.argv[1]).then(() => 'a file')
    return { first: await Promise.race([...asked, file]), codes: await Promise.all(asked) }
  })
  own.resume()
  expect({ first, codes }).toEqual({ first: 'a file', codes: Array(3).fill('TIERCEL_TROUBLE') })
  await once(one, 'it is told again', (all) => all.length === 1)
})

test('all who ask at once share one question, over the connection that is there', async (test) => {
  const app = appOf(test, server.url)
  const [one] = await instancesOf(test, app, 1, often)
  await once(one, 'it tells', (all) => all.length === 1)
  const stats = () => one.run(({ Tiercel }) => Tiercel.stats())
  await until('all connections', async () => (await stats()).shared.connections === 4 || undefined)
  const counts = async () => {
    const { total_connections_received: connections } = await server.info('stats')
    const { cmdstat_mget: reads = 'calls=0,' } = await server.info('commandstats')
    return { connections: Number(connections), reads: Number(/calls=(\d+)/.exec(reads)[1]) }
  }
  const before = await counts()
  const told = await one.run(({ Tiercel }) =>
    Promise.all(Array.from({ length: 20 }, () => Tiercel.instances())),
  )
  expect(told.map((all) => all.length)).toEqual(Array(20).fill(1))
  const after = await counts()
  expect(after.connections).toBe(before.connections)
  // The first may be answered before the last asks.
  expect(after.reads - before.reads).toBeLessThan(5)
})

test('a server that cannot be used is an error with a code', async (test) => {
  const app = appOf(test, 'redis://127.0.0.1:1')
  const { fleet } = await import('../../tools/instances/fleet.mjs')
  const [one] = await fleet(1, app.env)
  test.onTestFinished(() => one.kill())
  const error = one.run(async ({ Tiercel }) => {
    const { code, message } = await Tiercel.instances().catch((error) => error)
    return { code, message }
  })
  expect(await error).toEqual({
    code: 'TIERCEL_TROUBLE',
    message: expect.stringMatching(/^tiercel: Redis cannot be used: /),
  })
})
