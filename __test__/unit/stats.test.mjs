import { expect, test } from 'vitest'
import {
  entryOf,
  fetched,
  hour,
  load,
  now,
  ofFetch,
  ofPage,
  page,
  setFetch,
  tagged,
} from './support.mjs'

process.env.TIERCEL_FETCH_WAIT_MS = '0'
process.env.TIERCEL_MEMORY_MB = '8'
const Tiercel = load()

/** What `act` adds to the counters. */
async function counted(act) {
  const before = Tiercel.stats()
  await act()
  const after = Tiercel.stats()
  const added = {}
  for (const [name, count] of Object.entries(after)) {
    if (name === 'eventLoopMs') continue
    if (typeof count === 'number') {
      if (count !== before[name]) added[name] = count - before[name]
      continue
    }
    for (const [inner, value] of Object.entries(count)) {
      if (name === 'get' || name === 'set' || typeof value !== 'number') continue
      if (inner === 'hitRate') continue
      if (value !== before[name][inner]) added[`${name}.${inner}`] = value - before[name][inner]
    }
  }
  return added
}

const bytes = expect.any(Number)
const put = (key, more) => Tiercel.set(key, Promise.resolve(entryOf('x', more)))

test('an engine that did nothing has counted nothing', () => {
  const { memory, histogramBounds, ...rest } = Tiercel.stats()
  const { evictedAgeSecs, ...held } = memory
  expect(held).toEqual({ entries: 0, bytes: 0, capacityBytes: 8 << 20, evictions: 0 })
  expect(histogramBounds).toEqual(Array.from({ length: 23 }, (_, power) => 2 ** power))
  expect(new Set([rest, evictedAgeSecs].flatMap(numbersOf))).toEqual(new Set([0]))
  expect(rest.fetch.latency.memory.counts).toHaveLength(histogramBounds.length + 1)
})

const numbersOf = (one) => (typeof one === 'number' ? [one] : Object.values(one).flatMap(numbersOf))
const total = ({ counts }) => counts.reduce((sum, count) => sum + count, 0)

test('misses, sets and hits are counted by kind', async () => {
  const kinds = {
    appPage: ['APP_PAGE', page()],
    appRoute: [
      'APP_ROUTE',
      { kind: 'APP_ROUTE', body: Buffer.from('x'), headers: {}, status: 200 },
    ],
    pages: ['PAGES', { kind: 'PAGES', html: '', pageData: {}, headers: {}, status: 200 }],
    fetch: ['FETCH', fetched('x')],
    image: ['IMAGE', { kind: 'IMAGE', buffer: Buffer.from('x'), etag: '', extension: 'png' }],
  }
  for (const [name, [kind, value]] of Object.entries(kinds)) {
    const life = async () => {
      await new Tiercel().get(name, { kind })
      await new Tiercel().set(name, value, { ...hour, tags: [] })
      await new Tiercel().get(name, { kind })
      await new Tiercel().get(name, { kind })
    }
    const count = { 'memory.entries': 1, 'memory.bytes': bytes, sets: 1 }
    expect(await counted(life)).toEqual({ [`${name}.misses`]: 1, [`${name}.fresh`]: 2, ...count })
  }
})

test("the same for 'use cache'", async () => {
  const life = async () => {
    await Tiercel.get('use', [])
    await put('use')
    await Tiercel.get('use', [])
  }
  const count = { 'memory.entries': 1, 'memory.bytes': bytes, sets: 1 }
  expect(await counted(life)).toEqual({ 'useCache.misses': 1, 'useCache.fresh': 1, ...count })
})

test('what replaces another is one entry, and no eviction', async () => {
  const set = () => new Tiercel().set('fetch', fetched('x'), setFetch())
  expect(await counted(set)).toEqual({ sets: 1 })
})

test('stale and dead are counted apart, and invalidations with their tags', async () => {
  await new Tiercel().set('/s', page(tagged('s1', 's2')), hour)
  const stale = async () => {
    await Tiercel.updateTags(['s1', 's2'], { expire: 60 })
    await new Tiercel().get('/s', ofPage)
  }
  expect(await counted(stale)).toEqual({ invalidations: 1, tags: 2, 'appPage.stale': 1 })
  const dead = async () => {
    await new Tiercel().revalidateTag('s1')
    await new Tiercel().get('/s', ofPage)
  }
  expect(await counted(dead)).toEqual({ invalidations: 1, 'appPage.misses': 1 })
})

test('by age, too', async () => {
  await put('aged', { timestamp: now() - 61_000, revalidate: 60 })
  expect(await counted(() => Tiercel.get('aged', []))).toEqual({ 'useCache.stale': 1 })
  await put('dead', { timestamp: now() - 61_000, expire: 60 })
  expect(await counted(() => Tiercel.get('dead', []))).toEqual({ 'useCache.misses': 1 })
})

test('an empty list of tags is no invalidation', async () => {
  expect(await counted(() => Tiercel.updateTags([]))).toEqual({})
})

test('what is not stored is counted once, whatever the reason', async () => {
  const late = new Tiercel()
  await late.get('late', ofFetch(['late']))
  await Tiercel.updateTags(['late'])
  const reasons = {
    'invalidated while generated': () => late.set('late', fetched('x'), setFetch(['late'])),
    'too large': () => new Tiercel().set('large', fetched('x'.repeat(3 << 20)), setFetch()),
    failed: () => Tiercel.set('failed', Promise.reject(new Error('failed'))),
    dynamic: () => put('dynamic', { expire: 0 }),
  }
  for (const [why, act] of Object.entries(reasons)) {
    const { flights, tooLarge, 'memory.entries': _, ...rest } = await counted(act)
    expect(rest, why).toEqual({ dropped: 1 })
    expect(tooLarge, why).toBe(why.startsWith('too large') ? 1 : undefined)
  }
})

test('one call in 64 is timed', async () => {
  const before = Tiercel.stats().get.measured
  for (let n = 0; n < 640; n++) await new Tiercel().get('fetch', ofFetch())
  const { measured, p50Micros, p95Micros, p99Micros } = Tiercel.stats().get
  expect(measured - before).toBe(10)
  const { latency, hitRate } = Tiercel.stats().fetch
  // Each stands for 64.
  expect(total(latency.memory) % 64).toBe(0)
  expect(total(latency.memory)).toBeGreaterThanOrEqual(640)
  expect(latency.memory.sum).toBeGreaterThan(0)
  expect(hitRate > 0.5 && hitRate < 1).toBe(true)
  expect(Tiercel.stats().eventLoopMs).toBeGreaterThan(0)
  expect(p50Micros > 0 && p50Micros <= p95Micros && p95Micros <= p99Micros).toBe(true)
})

test('evictions are counted when room is short', async () => {
  const fill = async () => {
    for (let n = 0; n < 40; n++)
      await new Tiercel().set(`fill${n}`, fetched('x'.repeat(1 << 19)), setFetch())
  }
  const { sets, 'memory.evictions': evictions } = await counted(fill)
  expect(sets).toBe(40)
  expect(evictions).toBeGreaterThanOrEqual(24)
  const { entries, bytes, capacityBytes, evictedAgeSecs } = Tiercel.stats().memory
  expect(total(evictedAgeSecs)).toBe(evictions)
  expect(bytes).toBeLessThanOrEqual(capacityBytes)
  expect(entries).toBeGreaterThan(10)
})

test('a get that waits is counted by where it ends, with the time it waited', async () => {
  const before = Tiercel.stats().useCache.latency.memory
  let give
  const pending = new Promise((resolve) => {
    give = resolve
  })
  const stored = Tiercel.set('slow', pending)
  const waiting = Tiercel.get('slow', [])
  setTimeout(() => give(entryOf('x')), 20)
  await stored
  expect(await waiting).toBeDefined()
  const after = Tiercel.stats().useCache.latency.memory
  expect(total(after) - total(before)).toBe(1)
  // In microseconds: a bucket of 16384 or more.
  expect(after.counts.findIndex((count, at) => count > before.counts[at])).toBeGreaterThanOrEqual(
    14,
  )
})
