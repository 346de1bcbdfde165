import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../tools/redis/servers.mjs'
import { until } from '../unit/support.mjs'
import { connected, entriesOf, instances, newName } from './instances.mjs'
import { kinds } from './kinds.mjs'
import { proxied } from './promises/support.mjs'

// An option makes the difference it says. Those of promises are among the promises.

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

/**
 * Instances on one namespace, by name. They end with the test. `share` has one of them set an entry
 * until the server has it, and gives the name it has there.
 */
async function started({ onTestFinished }, own) {
  const namespace = newName('options')
  const common = { TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: namespace }
  const fleet = await instances(common, own)
  onTestFinished(() => fleet.stop())
  const stored = async () => (await entriesOf(server, namespace)).map(({ key }) => key)
  const share = async (by, key, body) => {
    const before = await stored()
    return until(`${key} is stored`, async () => {
      await kinds.fetch.set(by, key, body)
      return (await stored()).find((name) => !before.includes(name))
    })
  }
  return { ...fleet, share, stored }
}

test('compress: without it bodies are stored as they are, and everybody reads both', async (test) => {
  const own = { zipping: {}, plain: { TIERCEL_COMPRESS: '0' } }
  const { zipping, plain, all, share } = await started(test, own)
  await Promise.all(all.map(connected))
  const body = 'the same words again and again '.repeat(1_000)
  const zipped = await share(zipping, 'zipped', body)
  const whole = await share(plain, 'plain', body)
  expect(await kinds.fetch.read(plain, 'zipped')).toBe(body)
  expect(await kinds.fetch.read(zipping, 'plain')).toBe(body)
  expect(await server.command('STRLEN', zipped)).toBeLessThan(body.length / 10)
  expect(await server.command('STRLEN', whole)).toBeGreaterThan(body.length)
})

test('maxEntryMb: what the server has instead of memory is not lost, what none has is told', async (test) => {
  const { one, all, share } = await started(test, { one: { TIERCEL_MEMORY_MB: '4' } })
  await Promise.all(all.map(connected))
  const body = 'x'.repeat(2 << 20)
  await share(one, 'large', body)
  expect(await kinds.fetch.read(one, 'large')).toBe(body)
  const { tooLarge } = await one.stats()
  expect(tooLarge).toBeGreaterThan(0)
  expect(one.log()).not.toContain('kept nowhere')
  await one.run(async ({ Tiercel }) => {
    const data = { headers: {}, body: 'x'.repeat(17 << 20) }
    await new Tiercel().set('huge', { kind: 'FETCH', data, revalidate: 60 }, { tags: [] })
  })
  expect((await one.stats()).tooLarge).toBe(tooLarge + 1)
  await until('it is told', () => one.log().includes('kept nowhere') || undefined)
  expect(one.log()).toContain('one entry may have 16.0 MiB')
  expect(one.log()).toMatch(/: "huge"\n/)
})

test('invalidationGraceMs: what was generated in that time is invalidated too, everywhere', async (test) => {
  const { lenient, other, all } = await started(test, {
    lenient: { TIERCEL_INVALIDATION_GRACE_MS: '1500' },
    other: {},
  })
  await Promise.all(all.map(connected))
  await lenient.invalidate(['t'])
  // Generated from a replica that lags behind.
  await kinds.fetch.set(other, 'lagging', 'x', ['t'])
  expect(await kinds.fetch.read(other, 'lagging')).toBe('x')
  await until('it is invalidated again', async () =>
    (await kinds.fetch.read(other, 'lagging')) === undefined ? true : undefined,
  )
})

test.for([
  ['redisInBuild', { NEXT_PHASE: 'phase-production-build' }, 'TIERCEL_REDIS_IN_BUILD'],
  ['redisInDev', { __NEXT_DEV_SERVER: '1' }, 'TIERCEL_REDIS_IN_DEV'],
])('%s: without it such a process has no shared tier', async ([, phase, option], test) => {
  const own = { alone: phase, sharing: { ...phase, [option]: '1' }, serving: {} }
  const { alone, sharing, serving, share, stored } = await started(test, own)
  await connected(serving)
  await kinds.fetch.set(alone, 'of-its-own', 'x')
  expect((await alone.stats()).shared).toBe(undefined)
  const shared = await share(sharing, 'shared', 'x')
  expect(await stored()).toEqual([shared])
  expect(await kinds.fetch.read(serving, 'shared')).toBe('x')
  expect(await kinds.fetch.read(serving, 'of-its-own')).toBe(undefined)
})

test('commandTimeoutMs: who has more patience reads from a slow server', async (test) => {
  const envOf = (n) => (n === 1 ? { TIERCEL_COMMAND_TIMEOUT_MS: '2000' } : {})
  const { fleet, proxies, namespace } = await proxied(test, 3, { server, envOf })
  const [hasty, patient, writer] = fleet
  const find = (key) => Promise.all([hasty, patient].map((by) => kinds.fetch.read(by, key)))
  await kinds.fetch.set(writer, 'quick', 'x')
  await kinds.fetch.set(writer, 'slow', 'x')
  await until('both are stored', async () =>
    (await entriesOf(server, namespace)).length === 2 ? true : undefined,
  )
  expect(await find('quick')).toEqual(['x', 'x'])
  for (const proxy of proxies.slice(0, 2)) proxy.delay(400, 'down')
  expect(await find('slow')).toEqual([undefined, 'x'])
})
