import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { start } from '../../tools/redis/servers.mjs'
import { fetched, ofFetch, setFetch, until } from '../unit/support.mjs'
import { appOf, instancesOf, run } from './command.mjs'
import { client, served } from './dashboard.mjs'

// `tiercel dashboard`, and the hour of history behind it.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

const often = { TIERCEL_SNAPSHOT_SECONDS: '1' }
const MINUTE_MS = 60_000

/** An app with two instances that hold an entry. */
async function started(test, env = often) {
  const app = appOf(test, server.url)
  const instances = await instancesOf(test, app, 2, env)
  const [one] = instances
  await one.get('FETCH', 'post-1', ofFetch(['posts']))
  await one.set('post-1', fetched('x'), setFetch(['posts']))
  for (const each of instances) {
    await until('it is held', () => each.get('FETCH', 'post-1', ofFetch(['posts'])))
  }
  return { app, instances }
}

test('a purge is counted first, and holds on every instance once it is answered', async (test) => {
  const { app, instances } = await started(test)
  const { act, look } = client(await served(test, app))
  const aim = { what: 'tag', name: 'posts' }
  const found = await until('it is in the server', async () => {
    const found = await act('preview', aim)
    return found.entries > 0 ? found : undefined
  })
  expect(found).toMatchObject({ entries: 1, isAll: true, byKind: { fetch: { entries: 1 } } })
  const read = () =>
    Promise.all(instances.map((one) => one.get('FETCH', 'post-1', ofFetch(['posts']))))
  expect(await read()).not.toContain(null)
  expect((await act('why', { name: 'post-1' })).said).toMatch(/^fresh: the fetch was generated at/)
  expect(await act('purge', aim)).toMatchObject({
    isEverywhere: true,
    instances: 2,
    acknowledged: 2,
    acknowledgedMs: expect.any(Number),
  })
  expect(await read()).toEqual([null, null])
  const ofTag = await act('why', { what: 'tag', name: 'posts' })
  expect(ofTag.said).toMatch(/^invalidated: /)
  // Of all instances, as those of a path are.
  expect(new Set(ofTag.decisions.map(({ instance }) => instance)).size).toBe(2)
  expect((await act('why', { what: 'tag', name: 'authors' })).said).toMatch(/^never: /)
  // No instance has made it, so none tells of it: the page does, also to whoever comes later.
  const began = Date.now()
  await act('purge', { what: 'path', name: '/blog', soft: true })
  for (let n = 0; n < 2; n++) {
    const { known, leave } = await look()
    await until('it is told', () => known.events?.length || undefined)
    expect(known.events).toMatchObject([
      { tags: 'path /blog', isSoft: true, isEverywhere: true, by: 'dashboard' },
      { tags: 'posts', isSoft: false, isEverywhere: true, by: 'dashboard' },
    ])
    expect(Math.abs(known.events[0].at - began)).toBeLessThan(30_000)
    leave()
  }
})

test('dry runs at once count alike, and nothing stays connected for them', async (test) => {
  const { app } = await started(test)
  // Pages of a scan have 250 keys.
  await server.command(
    'EVAL',
    'for n = 1, 2000 do redis.call("SET", ARGV[1] .. n, "x") end',
    '0',
    'of-others:',
  )
  const { act } = client(await served(test, app))
  const clients = async () => (await server.command('CLIENT', 'LIST')).trim().split('\n').length
  const before = await clients()
  const aim = { what: 'tag', name: 'posts' }
  const all = await Promise.all([1, 2, 3].map(() => act('preview', aim)))
  for (const found of all) expect(found).toMatchObject({ entries: 1, isAll: true })
  await until('it is closed', async () => (await clients()) <= before || undefined)
  // Who leaves, as many as may wait, is in nobody's way.
  const long = await Promise.all(
    Array.from({ length: 9 }, async () => {
      const over = new AbortController()
      const counted = act('preview', aim, over.signal).catch(({ name }) => name)
      setTimeout(() => over.abort(), 100)
      return counted
    }),
  )
  expect(long).toContain('AbortError')
  expect(await act('preview', aim)).toMatchObject({ entries: 1 })
})

test('a viewer sees the fleet; nothing is connected before and after', async (test) => {
  const { app, instances } = await started(test)
  const dashboard = await served(test, app)
  const { look } = client(dashboard)
  const clients = async () => (await server.command('CLIENT', 'LIST')).trim().split('\n').length
  for (const one of instances) {
    const connections = async () => (await one.stats()).shared.connections
    await until('all are open', async () => (await connections()) === 4 || undefined)
  }
  const before = await clients()
  const { known, leave } = await look()
  // What an instance told first may be that it connects.
  const states = () => known.rows?.map(({ state }) => state).join()
  await until('both tell', () => states() === 'connected,connected' || undefined)
  expect(await clients()).toBeGreaterThan(before)
  await instances[0].run(({ Tiercel }) => Tiercel.updateTags(['authors'], { expire: 60 }))
  await until('it is told', () => known.events?.length || undefined)
  expect(known.events).toMatchObject([{ tags: 'authors', isSoft: true, isEverywhere: true }])
  expect(known.busiest.slow[0]).toMatchObject({ name: 'post-1', kind: 'FETCH' })
  expect(known.redis.commandsPerSec).toEqual(expect.any(Number))
  leave()
  await until('it is closed', async () => (await clients()) <= before || undefined)
})

test('the hour is there for whoever comes later, of instances that are gone as well', async (test) => {
  const { app, instances } = await started(test)
  // Other instances have counted in minutes before; one of them lies.
  const minute = Math.floor(Date.now() / MINUTE_MS)
  const key = (back) => `{${app.namespace}}:c:${minute - back}`
  await server.command('SET', key(30), '{"fetch.fresh":7,"fetch.misses":1,"instances":2}')
  await server.command('SET', key(31), 'forged')
  const { look } = client(await served(test, app))
  const { known } = await look()
  await until('it is told', () => known.series || undefined)
  const at = known.series.minutes.indexOf((minute - 30) * MINUTE_MS)
  expect(known.series.kinds.fetch.hits.slice(at - 1, at + 2)).toEqual([null, 7, null])
  // What these instances count is added once their minute is over.
  await until(
    'both have added theirs',
    async () => {
      const sums = JSON.parse((await server.command('GET', key(0))) ?? '{}')
      return sums['fetch.fresh'] >= 2 && sums.instances === 2 ? sums : undefined
    },
    { within: 75_000, every: 100 },
  )
  const ttl = await server.command('PTTL', key(0))
  expect(ttl).toBeGreaterThan(60 * MINUTE_MS)
  expect(ttl).toBeLessThanOrEqual(65 * MINUTE_MS)
  await Promise.all(instances.map((one) => one.kill()))
}, 120_000)

test('each instance adds its own to a minute, whatever lies there', async () => {
  const { readFileSync } = await import('node:fs')
  const script = readFileSync(
    new URL('../../src/redis/scripts/history.lua', import.meta.url),
    'utf8',
  )
  const add = (key, values) =>
    server.command('EVAL', script, '1', key, JSON.stringify(values), '60000')
  const read = async (key) => JSON.parse(await server.command('GET', key))
  await add('{h}:c:1', { a: 1, bytes: 9_007_199_254_740_000 })
  await add('{h}:c:1', { a: 2, b: 3 })
  expect(await read('{h}:c:1')).toEqual({ a: 3, b: 3, bytes: 9_007_199_254_740_000 })
  for (const [n, forged] of ['[1]', '"x"', 'no json', '7', '{"a":"x","c":{}}'].entries()) {
    await server.command('SET', `{h}:f:${n}`, forged)
    await add(`{h}:f:${n}`, { a: 1 })
    expect((await read(`{h}:f:${n}`)).a).toBe(1)
  }
  await server.command('RPUSH', '{h}:list', 'x')
  await add('{h}:list', { a: 1 })
  expect(await read('{h}:list')).toEqual({ a: 1 })
})

test('it needs Redis, a port that is free, and a token', async (test) => {
  const app = appOf(test, server.url)
  const away = { ...app, env: { ...app.env, TIERCEL_REDIS_URL: 'redis://127.0.0.1:1' } }
  expect((await run(['dashboard', '--port', '0'], away)).stderr).toMatch(
    /^tiercel: Redis cannot be used: /,
  )
  const dashboard = await served(test, app)
  const { port } = new URL(dashboard.url)
  const taken = await run(['dashboard', '--port', port], app)
  expect([taken.code, taken.stderr]).toEqual([
    2,
    `tiercel: --port ${port} is taken; see tiercel dashboard --help\n`,
  ])
  const anywhere = await run(['dashboard', '--port', '0', '--host', ''], app)
  expect([anywhere.code, anywhere.stderr]).toEqual([
    2,
    'tiercel: --host takes a name or an address; see tiercel dashboard --help\n',
  ])
  expect((await fetch(dashboard.url)).status).toBe(401)
  expect((await client(dashboard).get()).status).toBe(200)
  const head = await fetch(`${dashboard.url}app.css`, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
  expect((await fetch(dashboard.url, { method: 'PUT' })).status).toBe(405)
  expect(await dashboard.stop()).toBe(0)
  // A token that was given is in no log.
  const env = { ...app.env, TIERCEL_DASHBOARD_TOKEN: 'of the environment' }
  const known = await served(test, { ...app, env })
  expect(Object.keys(known).sort()).toEqual(['namespace', 'place', 'stop', 'url'])
  expect((await client({ ...known, token: env.TIERCEL_DASHBOARD_TOKEN }).get()).status).toBe(200)
})
