import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../tools/redis/servers.mjs'
import { pause, until } from '../unit/support.mjs'
import { connected, instances, newName } from './instances.mjs'
import { untagged } from './kinds.mjs'

// Images as Next's optimizer takes them: `lastModified` is compared with `Date.now()` of the process.

const { image } = untagged
const DAY_MS = 86_400_000
const seconds = (secs) => ({ revalidate: secs, expire: undefined })

let redis
beforeAll(async () => {
  redis = await start('single')
})
afterAll(() => redis?.stop())

/** Instances of builds, by name. */
async function started({ onTestFinished }, own) {
  const common = {
    TIERCEL_REDIS_URL: redis.url,
    TIERCEL_NAMESPACE: newName('images'),
    TIERCEL_JITTER_PERCENT: '0',
  }
  const fleet = await instances(common, own)
  onTestFinished(() => fleet.stop())
  await Promise.all(fleet.all.map(connected))
  return fleet
}

/** Sets the wall clock of an instance, as its JavaScript sees it. */
const step = (one, ms) =>
  one.run(
    ({ ms }) => {
      const real = Date.now
      Date.now = () => real() + ms
    },
    { ms },
  )

/** How the optimizer of an instance takes what a get finds. */
async function seen(one, key) {
  const found = await image.terms(one, key)
  if (!found) return { how: 'miss' }
  const now = await one.run(() => Date.now())
  const isStale = found.value.revalidate * 1_000 + (found.lastModified || now) < now
  return { how: isStale ? 'stale' : 'fresh', body: found.body }
}

const store = (one, key, body, life) =>
  one.set(
    key,
    {
      kind: 'IMAGE',
      buffer: Buffer.from(body),
      etag: 'e',
      upstreamEtag: 'u',
      extension: 'webp',
      revalidate: life.revalidate,
    },
    { kind: 'IMAGE', cacheControl: life },
  )

test('an image is shared, and of all one generates it anew, whatever their wall clocks say', async (test) => {
  const { all } = await started(test, { one: {}, two: {}, three: {} })
  const [one, two, three] = all
  await step(two, DAY_MS)
  await step(three, -DAY_MS)
  const key = newName('image')
  await store(one, key, 'old', seconds(2))
  await until('it is shared', async () => (await seen(two, key)).how === 'fresh' || undefined)
  for (const by of all) expect(await seen(by, key)).toEqual({ how: 'fresh', body: 'old' })
  await pause(2_100)
  const told = []
  for (const by of [...all, ...all]) told.push(await seen(by, key))
  expect(told.map(({ body }) => body)).toEqual(Array(6).fill('old'))
  expect(told.filter(({ how }) => how === 'stale')).toHaveLength(1)
  const leader = all[told.findIndex(({ how }) => how === 'stale')]
  await store(leader, key, 'new', seconds(60))
  for (const by of all) {
    await until(
      'all have the new one',
      async () => (await seen(by, key)).body === 'new' || undefined,
    )
    expect((await seen(by, key)).how).toBe('fresh')
  }
})

test('after a deploy an image is optimized anew: the file may be another', async (test) => {
  const { before, beside, after } = await started(test, {
    before: {},
    beside: {},
    after: { BUILD: 'two' },
  })
  const key = newName('image')
  await store(before, key, 'of the first build', seconds(60))
  await until('it is shared', async () => (await seen(beside, key)).how === 'fresh' || undefined)
  expect(await seen(after, key)).toEqual({ how: 'miss' })
  await store(after, key, 'of the second build', seconds(60))
  expect(await seen(beside, key)).toEqual({ how: 'fresh', body: 'of the first build' })
})
