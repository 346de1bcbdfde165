import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startProxy } from '../../../tools/redis/proxy.mjs'
import { start } from '../../../tools/redis/servers.mjs'
import { pause, until } from '../../unit/support.mjs'
import { connected, entriesOf, newName, team } from '../instances.mjs'
import { APP } from './support.mjs'

// `cache` in several processes: who generates, what ends what, and the server is taken away.

let server
beforeAll(async () => {
  server = await start('single')
}, 60_000)
afterAll(() => server?.stop())

const settings = (more) => ({
  TIERCEL_REDIS_URL: server.url,
  TIERCEL_NAMESPACE: newName('app'),
  TIERCEL_COMMAND_TIMEOUT_MS: '2000',
  TIERCEL_WAIT_MS: '2200',
  TIERCEL_JITTER_PERCENT: '0',
  ...more,
})

/** Runs the same in each of some processes at the same moment, give or take some ms. */
const inEach = (fleet, body, given) =>
  Promise.all(fleet.map((one) => one.run(body, { APP, ...given })))

/** So many calls of each process; what they got, and how often the function ran. */
const crowd = async ({ require, APP, key, count, ms, options, value }) => {
  const { cache } = require(APP)
  let runs = 0
  const run = async () => {
    runs++
    await new Promise((wake) => setTimeout(wake, ms))
    return value
  }
  const all = await Promise.all(
    Array.from({ length: count }, () => cache.getOrSet(key, run, options)),
  )
  return { runs, got: [...new Set(all)] }
}

/** Calls of all processes together. */
async function asked(fleet, given) {
  const all = await inEach(fleet, crowd, { ms: 150, ...given })
  const runs = all.reduce((sum, one) => sum + one.runs, 0)
  return { runs, got: [...new Set(all.flatMap(({ got }) => got))] }
}

describe.each([2, 4])('%i processes', (size) => {
  let fleet
  let others
  beforeAll(async () => {
    fleet = await team(size, settings())
    await Promise.all([...fleet].map(connected))
    others = [...fleet].slice(1)
  }, 60_000)
  afterAll(() => fleet?.stop())

  const count = 400 / size

  test('400 calls of one key run its function once: cold, stale, and after an invalidation', async () => {
    const [key, tag] = [newName('key'), newName('tag')]
    const options = { revalidate: '1500ms', expire: '1h', tags: [tag] }
    const given = { key, count, options }
    expect(await asked([...fleet], { ...given, value: 1 })).toEqual({ runs: 1, got: [1] })
    await pause(1_600)
    const stale = await asked([...fleet], { ...given, value: 2 })
    expect(stale.runs).toBe(1)
    // Who asks when it has run has what is new.
    expect([[1], [1, 2]]).toContainEqual(stale.got)
    await until('all see the new one', async () => {
      const { got } = await asked([...fleet], { ...given, count: 1, value: 3 })
      return (got.length === 1 && got[0] === 2) || undefined
    })
    await fleet[0].run(({ require, APP, tag }) => require(APP).cache.invalidateTags([tag]), {
      APP,
      tag,
    })
    expect(await asked([...fleet], { ...given, value: 4 })).toEqual({ runs: 1, got: [4] })
  })

  test('what resolved is seen everywhere: invalidations, set, delete, expire', async () => {
    const [key, tag] = [newName('key'), newName('tag')]
    const act = (name, ...args) =>
      fleet[0].run(({ require, APP, name, args }) => require(APP).cache[name](...args), {
        APP,
        name,
        args,
      })
    const read = () =>
      inEach(
        others,
        async ({ require, APP, key }) => {
          return (await require(APP).cache.get(key)) ?? 'nothing'
        },
        { key },
      )
    const all = (value) => others.map(() => value)
    const options = { revalidate: '1h', tags: [tag] }
    for (let n = 0; n < 5; n++) {
      await act('set', key, n, options)
      expect(await read()).toEqual(all(n))
      await act('set', key, `${n} again`, options)
      expect(await read()).toEqual(all(`${n} again`))
      await act(...(n % 2 ? ['delete', key] : ['invalidateTags', [tag]]))
      expect(await read()).toEqual(all('nothing'))
    }
    await act('set', key, 'old', options)
    await act('expire', key)
    expect(await read()).toEqual(all('old'))
    const renewed = await asked(others, { key, count: 1, options, value: 'new' })
    expect(renewed.runs).toBe(1)
  })

  test('several missing keys are generated once in all processes', async () => {
    const keys = Array.from({ length: 20 }, () => newName('key'))
    const body = async ({ require, APP, keys }) => {
      const generated = []
      const all = await require(APP).cache.getOrSetMany(keys, async (missing) => {
        generated.push(...missing)
        await new Promise((wake) => setTimeout(wake, 100))
        return missing.map((key) => `of ${key}`)
      })
      return { generated, all }
    }
    const told = await Promise.all(
      [...fleet].map((one, n) => one.run(body, { APP, keys: n % 2 ? [...keys].reverse() : keys })),
    )
    expect(told.flatMap(({ generated }) => generated).sort()).toEqual([...keys].sort())
    told.forEach(({ all }, n) => {
      const order = n % 2 ? [...keys].reverse() : keys
      expect(all).toEqual(order.map((key) => `of ${key}`))
    })
  })

  test('keys of the cache are not those of Next.js, and tags are the same', async () => {
    const [key, tag] = [newName('key'), newName('tag')]
    const one = fleet[0]
    const value = { kind: 'FETCH', revalidate: 3600, data: { headers: {}, body: 'x', status: 200 } }
    const store = async () => {
      await one.set(key, value, { fetchCache: true, tags: [tag] })
      await one.useSet(key, 'body', { tags: [tag] })
      await one.run(
        ({ require, APP, key, tag }) =>
          require(APP).cache.set(key, 'own', { revalidate: '1h', tags: [tag] }),
        { APP, key, tag },
      )
    }
    const read = async (by) => [
      (await by.get('FETCH', key, { tags: [tag] }))?.value.data.body ?? null,
      (await by.useGet(key))?.value.toString() ?? null,
      (await by.run(({ require, APP, key }) => require(APP).cache.get(key), { APP, key })) ?? null,
    ]
    for (const end of [
      () => others[0].invalidate([tag]),
      () =>
        others[0].run(({ require, APP, tag }) => require(APP).cache.invalidateTags([tag]), {
          APP,
          tag,
        }),
    ]) {
      await store()
      for (const by of fleet) {
        await until('all is shared', async () => {
          return (await read(by)).every((found) => found !== null) || undefined
        })
        expect(await read(by)).toEqual(['x', 'body', 'own'])
      }
      await end()
      for (const by of fleet) expect(await read(by)).toEqual([null, null, null])
    }
  })
})

/** Two processes of a namespace of their own. */
async function pair(test, more) {
  const given = settings(more)
  const fleet = await team(2, given)
  test.onTestFinished(() => fleet.stop())
  await Promise.all([...fleet].map(connected))
  return { fleet, namespace: given.TIERCEL_NAMESPACE }
}

const setting = ({ require, APP, key, value }) =>
  require(APP).cache.set(key, value, { revalidate: '1h' })
const reading = async ({ require, APP, key }) => (await require(APP).cache.get(key)) ?? 'nothing'

test('a set ends what another process holds, wherever else it is gone', async (test) => {
  const { fleet, namespace } = await pair(test)
  const key = newName('key')
  await fleet[1].run(setting, { APP, key, value: 'old' })
  for (const { key: one, holder } of await entriesOf(server, namespace)) {
    await holder.command('DEL', one)
  }
  expect(await fleet[1].run(reading, { APP, key })).toBe('old')
  await fleet[0].run(setting, { APP, key, value: 'new' })
  for (const one of fleet) expect(await one.run(reading, { APP, key })).toBe('new')
})

test('what another process generates during a set does not replace it', async (test) => {
  const { fleet } = await pair(test)
  const key = newName('key')
  const begin = ({ require, APP, key }) => {
    const run = () =>
      new Promise((resolve) => {
        globalThis.finish = resolve
      })
    globalThis.generated = require(APP).cache.getOrSet(key, run, { revalidate: '1h' })
  }
  const finish = async () => {
    globalThis.finish('generated before')
    return globalThis.generated
  }
  await fleet[1].run(begin, { APP, key })
  await until('it runs', async () => (await fleet[1].run(() => !!globalThis.finish)) || undefined)
  await fleet[0].run(setting, { APP, key, value: 'set' })
  expect(await fleet[1].run(finish)).toBe('generated before')
  for (const one of fleet) expect(await one.run(reading, { APP, key })).toBe('set')
})

test('a value that is set stays, though invalidations are repeated', async (test) => {
  const { fleet } = await pair(test, { TIERCEL_INVALIDATION_GRACE_MS: '50' })
  const key = newName('key')
  for (const value of ['old', 'new']) await fleet[0].run(setting, { APP, key, value })
  await pause(200)
  for (const one of fleet) expect(await one.run(reading, { APP, key })).toBe('new')
})

test('a leader that is killed is replaced within the wait of the others', async (test) => {
  const fleet = await team(2, settings({ TIERCEL_WAIT_MS: '800' }))
  test.onTestFinished(() => fleet.stop())
  await Promise.all([...fleet].map(connected))
  const key = newName('key')
  const slow = fleet[0]
    .run(crowd, { APP, key, count: 1, ms: 60_000, value: 0 })
    .catch(() => 'killed')
  const leases = async (n) => (await fleet[n].stats()).leases
  await until('it leads', async () => (await leases(0)).taken || undefined)
  const other = fleet[1].run(crowd, { APP, key, count: 50, ms: 10, value: 1 })
  await until('the others follow', async () => (await leases(1)).followed || undefined)
  await fleet[0].kill()
  expect(await slow).toBe('killed')
  expect(await other).toEqual({ runs: 1, got: [1] })
})

test('a plain script beside the app sees the same, and ends by itself', async (test) => {
  const fleet = await team(2, settings())
  test.onTestFinished(() => fleet.stop())
  await connected(fleet[0])
  await fleet[0].run(({ require, APP }) => require(APP).cache.set('key', { a: 1 }), { APP })
  const read = ({ require, APP }) => require(APP).cache.getOrSet('key', () => 'generated')
  expect(await fleet[1].run(read, { APP })).toEqual({ a: 1 })
})

/** One command, and what a busy machine adds. */
const SETTLED_MS = 3_500

const WAYS = {
  async refused(proxy) {
    await proxy.refuse()
    proxy.reset()
  },
  'black-holed': (proxy) => proxy.blackHole(),
}

const calls = async ({ require, APP, key, most }) => {
  const { cache } = require(APP)
  const told = {}
  const all = {
    known: () => cache.getOrSet(key, () => 'generated', { revalidate: '1h' }),
    generated: () => cache.getOrSet(`${key}${Math.random()}`, () => 'x'),
    crowd: async () => {
      let runs = 0
      const other = `${key}${Math.random()}`
      const run = () => new Promise((done) => setTimeout(done, 50, ++runs))
      const got = await Promise.all(Array.from({ length: 50 }, () => cache.getOrSet(other, run)))
      return [runs, new Set(got).size]
    },
    get: async () => (await cache.get(`${key} none`)) ?? 'nothing',
    set: async () => {
      await cache.set('set', 'x')
      return cache.get('set')
    },
    many: () =>
      cache.getOrSetMany([`${key}${Math.random()}`, 'set'], (missing) => missing.map(() => 'x')),
    deleted: async () => {
      await cache.delete('set')
      return (await cache.get('set')) ?? 'nothing'
    },
  }
  for (const [name, call] of Object.entries(all)) {
    const begun = performance.now()
    told[name] = await call().catch(({ code, message }) => code ?? message)
    if (performance.now() - begun > most) told[name] = `late: ${performance.now() - begun}`
  }
  return told
}

test.for(Object.keys(WAYS))('a server that is %s', async (way, test) => {
  const proxy = await startProxy(server)
  test.onTestFinished(() => proxy.stop())
  const fleet = await team(
    1,
    settings({ TIERCEL_REDIS_URL: proxy.url, TIERCEL_COMMAND_TIMEOUT_MS: '300' }),
  )
  test.onTestFinished(() => fleet.stop())
  await connected(fleet[0])
  const given = { APP, key: newName('key'), most: SETTLED_MS }
  const expected = {
    known: 'generated',
    generated: 'x',
    crowd: [1, 1],
    get: 'nothing',
    set: 'x',
    many: ['x', 'x'],
    deleted: 'nothing',
  }
  expect(await fleet[0].run(calls, given)).toEqual(expected)
  await WAYS[way](proxy)
  for (let round = 0; round < 3; round++) {
    expect(await fleet[0].run(calls, given)).toEqual(expected)
  }
  await proxy.pass()
  await connected(fleet[0])
  expect(await fleet[0].run(calls, given)).toEqual(expected)
})
