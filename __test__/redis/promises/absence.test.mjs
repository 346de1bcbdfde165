import { expect, test } from 'vitest'
import { startProxy } from '../../../tools/redis/proxy.mjs'
import { start } from '../../../tools/redis/servers.mjs'
import { pause, timed, until } from '../../unit/support.mjs'
import { connected, instances, newName } from '../instances.mjs'
import { kinds } from '../kinds.mjs'
import { direct, lanes, proxied, SETTLED_MS } from './support.mjs'

// A slow or absent Redis fails no request: it adds at most 150 ms once, then next to nothing, and
// is used again within 2 s.

/** What may be added once; the rest is for the test's own machine. */
const ADDED_MS = 150 + 250
const RECOVERED_MS = 2_000 + 1_500

const faults = {
  'a black hole': (proxy) => proxy.blackHole(),
  'a black hole for answers': (proxy) => proxy.blackHole('down'),
  'a delay of a second': (proxy) => proxy.delay(1_000),
  'connections reset and refused': async (proxy) => {
    await proxy.refuse()
    proxy.reset()
  },
  'connections reset': (proxy) => proxy.reset(),
}

test.for(Object.entries(faults))('%s', async ([, begin], test) => {
  const { fleet, proxies } = await proxied(test, 2)
  const [one, other] = fleet
  await kinds.fetch.set(one, 'held', 'x', ['t'])
  await begin(proxies[0])
  const waits = await one.run(asks, { seconds: 2.5 })
  expect(waits.failed).toEqual([])
  expect(Math.max(...waits.ms)).toBeLessThan(ADDED_MS)
  // Once it is known, nobody waits: the median of the last half is no wait at all.
  const late = waits.ms.slice(waits.ms.length / 2).sort((a, b) => a - b)
  expect(late[Math.floor(late.length / 2)]).toBeLessThan(50)
  expect(await kinds.fetch.read(one, 'held')).toBe('x')
  await proxies[0].pass()
  await recovers(one, other)
})

/** Gets of keys that nobody has, one after the other, and how long each took. Runs in an instance. */
async function asks({ Tiercel, seconds }) {
  const [ms, failed] = [[], []]
  const end = performance.now() + seconds * 1_000
  for (let n = 0; performance.now() < end; n++) {
    const begun = performance.now()
    try {
      const found = await new Tiercel().get(`nobody-${n}`, {
        kind: 'FETCH',
        tags: [],
        softTags: [],
      })
      const used = await Tiercel.get(`nobody-${n}`, [])
      if (found || used) failed.push('found')
    } catch (error) {
      failed.push(error.message)
    }
    ms.push(performance.now() - begun)
    await new Promise((wake) => setTimeout(wake, 10))
  }
  return { ms, failed }
}

/** What one sets, the other finds. */
async function recovers(one, other) {
  const key = newName('recovered')
  const find = async () => {
    await kinds.fetch.set(one, key, 'x')
    await pause(50)
    return kinds.fetch.read(other, key)
  }
  const { ms } = await timed(until('it is shared', find))
  expect(ms).toBeLessThan(RECOVERED_MS)
}

test('down at boot: gets are misses, memory works, and it is used once it is there', async (test) => {
  const { fleet, proxies } = await bootedWithout(test)
  const [one] = fleet
  const waits = await one.run(asks, { seconds: 1 })
  expect(waits.failed).toEqual([])
  expect(Math.max(...waits.ms)).toBeLessThan(ADDED_MS)
  await kinds.fetch.set(one, 'early', 'x', ['t'])
  expect(await kinds.fetch.read(one, 'early')).toBe('x')
  await one.invalidate(['t'])
  expect(await kinds.fetch.read(one, 'early')).toBe(undefined)
  for (const proxy of proxies) await proxy.pass()
  await recovers(one, fleet[1])
})

async function bootedWithout(test) {
  const server = await start('single')
  test.onTestFinished(() => server.stop())
  const proxies = [await startProxy(server), await startProxy(server)]
  test.onTestFinished(() => Promise.all(proxies.map((proxy) => proxy.stop())).then(() => {}))
  for (const proxy of proxies) await proxy.refuse()
  const urls = proxies.map(({ url }) => ({ TIERCEL_REDIS_URL: url }))
  const common = { TIERCEL_NAMESPACE: newName('fleet') }
  const fleet = await instances(common, { one: urls[0], other: urls[1] })
  test.onTestFinished(() => fleet.stop())
  return { server, proxies, fleet: [fleet.one, fleet.other] }
}

test('invalidations made meanwhile count here at once, and everywhere after it is back', async (test) => {
  const { fleet, proxies } = await proxied(test, 2)
  const all = lanes(10)
  await Promise.all(all.map((lane) => lane.spread(fleet)))
  const [one, other] = fleet
  await proxies[0].refuse()
  proxies[0].reset()
  await until('it is away', async () => (await one.stats()).shared.isAway || undefined)
  await Promise.all(all.map(({ tag }) => one.invalidate([tag])))
  for (const lane of all) {
    expect(await lane.countOld([one])).toBe(0)
    expect(await lane.countOld([other])).toBe(1)
  }
  expect((await one.stats()).shared.unrecorded).toBeGreaterThanOrEqual(all.length)
  await proxies[0].pass()
  for (const lane of all) {
    await until('it has reached the other', async () =>
      (await lane.countOld([other])) === 0 ? true : undefined,
    )
  }
})

test("onInvalidationFailure: 'reject' tells that an invalidation is not recorded", async (test) => {
  const env = { TIERCEL_ON_INVALIDATION_FAILURE: 'reject' }
  const { fleet, proxies } = await proxied(test, 2, { env })
  const [one, other] = fleet
  const [lane] = lanes(1)
  await lane.spread(fleet)
  for (const fault of [
    () => proxies[0].blackHole(),
    () => faults['connections reset and refused'](proxies[0]),
  ]) {
    await fault()
    const { value: error, ms } = await timed(one.invalidate([lane.tag]).catch((error) => error))
    expect(error.code).toBe('TIERCEL_NOT_RECORDED')
    expect(ms).toBeLessThan(SETTLED_MS)
    expect(await lane.countOld([one])).toBe(0)
    await proxies[0].pass()
    await connected(one)
    await until(
      'it is recorded later',
      async () => (await lane.countOld([other])) === 0 || undefined,
    )
    await lane.spread(fleet)
  }
})

test('what waits to be written is bounded, and the process goes on', async (test) => {
  const env = { TIERCEL_WRITE_QUEUE_MB: '1', TIERCEL_COMPRESS: '0' }
  const { fleet, proxies } = await proxied(test, 1, { env })
  proxies[0].blackHole()
  for (let n = 0; n < 60; n++) await kinds.fetch.set(fleet[0], `large-${n}`, 'x'.repeat(100_000))
  const { shared } = await fleet[0].stats()
  expect(shared.queuedBytes).toBeLessThanOrEqual(1 << 20)
  expect(shared.droppedWrites).toBeGreaterThan(40)
  await proxies[0].pass()
  await until('the rest is written', async () => {
    const { shared } = await fleet[0].stats()
    return shared.queuedWrites === 0 && !shared.isAway ? true : undefined
  })
})

test('memory goes on answering for outageServeMs and not longer', async (test) => {
  const env = { TIERCEL_OUTAGE_SERVE_MS: '1500' }
  const { fleet, proxies } = await proxied(test, 1, { env })
  await kinds.fetch.set(fleet[0], 'held', 'x')
  await faults['connections reset and refused'](proxies[0])
  await until('it is away', async () => (await fleet[0].stats()).shared.isAway || undefined)
  expect(await kinds.fetch.read(fleet[0], 'held')).toBe('x')
  const { ms } = await timed(
    until('it is over', async () =>
      (await kinds.fetch.read(fleet[0], 'held')) ? undefined : true,
    ),
  )
  // A lease stood when the outage began.
  expect(ms).toBeGreaterThan(500)
  expect(ms).toBeLessThan(1_500 + 1_000 + 500)
})

test('a server without room for more still records invalidations', async (test) => {
  const server = await start('single', { settings: { 'maxmemory-policy': 'noeviction' } })
  test.onTestFinished(() => server.stop())
  const { fleet } = await direct(test, server, 2)
  const all = lanes(5)
  await Promise.all(all.map((lane) => lane.spread(fleet)))
  await server.command('CONFIG', 'SET', 'maxmemory', '1mb')
  await expect(server.command('SET', 'more', 'x')).rejects.toThrow('OOM')
  for (const lane of all) {
    await fleet[1].invalidate([lane.tag])
    expect(await lane.countOld(fleet)).toBe(0)
    // Nothing can be shared, and memory works.
    await lane.generate(fleet[0])
    expect(await lane.read(fleet[0])).toBe(String(lane.round))
  }
  expect((await fleet[1].stats()).shared.unrecorded).toBe(0)
})

test('a replica that takes no writes is as good as none', async (test) => {
  const primary = await start('single')
  test.onTestFinished(() => primary.stop())
  const replica = await start('single', {
    settings: { replicaof: `${primary.host} ${primary.port}` },
  })
  test.onTestFinished(() => replica.stop())
  const env = { TIERCEL_REDIS_URL: replica.url, TIERCEL_NAMESPACE: newName('fleet') }
  const { one, stop } = await instances(env, { one: {} })
  test.onTestFinished(stop)
  const waits = await one.run(asks, { seconds: 1 })
  expect(waits.failed).toEqual([])
  expect(Math.max(...waits.ms)).toBeLessThan(ADDED_MS)
  await kinds.fetch.set(one, 'held', 'x', ['t'])
  expect(await kinds.fetch.read(one, 'held')).toBe('x')
  await one.invalidate(['t'])
  expect(await kinds.fetch.read(one, 'held')).toBe(undefined)
  await replica.command('REPLICAOF', 'NO', 'ONE')
  await until('it is used', async () => {
    const { shared } = await one.stats()
    return shared.leaseMs > 0 && !shared.isAway ? true : undefined
  })
})
