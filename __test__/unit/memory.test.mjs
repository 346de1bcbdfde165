import { expect, test } from 'vitest'
import {
  entryOf,
  fetched,
  hour,
  load,
  ofFetch,
  ofPage,
  page,
  readAll,
  setFetch,
} from './support.mjs'

process.env.TIERCEL_MEMORY_MB = '8'
process.env.TIERCEL_FETCH_WAIT_MS = '0'
const Tiercel = load()

const bodyOf = (found) => found?.value.data.body

test('the bound is kept at every moment of a churn of all sizes', async () => {
  for (let n = 0; n < 4_000; n++) {
    const body = 'x'.repeat([10, 1_000, 30_000, 400_000][n % 4] + n)
    await new Tiercel().set(`churn${n % 700}`, fetched(body), setFetch([`t${n % 50}`]))
    if (n % 3 === 0) await new Tiercel().get(`churn${n % 90}`, ofFetch())
    const { bytes, capacityBytes } = Tiercel.stats().memory
    expect(bytes).toBeLessThanOrEqual(capacityBytes)
  }
  expect(Tiercel.stats().memory.bytes).toBeGreaterThan(4 << 20)
})

test('keys and tags count, too', async () => {
  const before = Tiercel.stats().memory.bytes
  const tags = Array.from({ length: 128 }, (_, n) => `${n}`.padEnd(250, '-'))
  await new Tiercel().set('k'.repeat(10_240), fetched('x'), setFetch(tags))
  expect(Tiercel.stats().memory.bytes - before).toBeGreaterThan(2 * 10_240 + 128 * 250)
})

test('what is held is what was stored last, or nothing', async () => {
  for (let n = 0; n < 300; n++) {
    await new Tiercel().set(`last${n % 60}`, fetched(`${n}`.padEnd(100_000)), setFetch())
    const older = await new Tiercel().get(`last${(n + 30) % 60}`, ofFetch())
    if (older) expect(Number(bodyOf(older))).toBe(n < 30 ? NaN : n - 30)
  }
})

test('one entry takes at most a quarter, and takes an older one with it', async () => {
  await new Tiercel().set('limit', fetched('small'), setFetch())
  await new Tiercel().set('limit', fetched('x'.repeat(3 << 20)), setFetch())
  expect(await new Tiercel().get('limit', ofFetch())).toBe(null)
  await new Tiercel().set('limit', fetched('x'.repeat(1 << 20)), setFetch())
  expect(bodyOf(await new Tiercel().get('limit', ofFetch())).length).toBe(1 << 20)
})

test('the limit of one entry holds in both interfaces', async () => {
  const bytes = Buffer.alloc(3 << 20)
  await Tiercel.set('large', Promise.resolve(entryOf(bytes)))
  expect(await Tiercel.get('large', [])).toBe(undefined)
  await new Tiercel().set('/large', page({ rscData: bytes }), hour)
  expect(await new Tiercel().get('/large', ofPage)).toBe(null)
  await Tiercel.set('fits', Promise.resolve(entryOf(bytes.subarray(2 << 20))))
  expect((await readAll((await Tiercel.get('fits', [])).value)).length).toBe(1 << 20)
})

test('what was returned stays whole after its entry has left', async () => {
  const html = 'é'.repeat(50_000)
  const segmentData = new Map([['/a', Buffer.alloc(50_000, 'segment')]])
  await new Tiercel().set('/leaves', page({ html, segmentData }), hour)
  const { value } = await new Tiercel().get('/leaves', ofPage)
  await Tiercel.set('leaves', Promise.resolve(entryOf('x'.repeat(50_000))))
  const { value: stream } = await Tiercel.get('leaves', [])
  await new Tiercel().set('/leaves', page(), hour)
  await Tiercel.set('leaves', Promise.resolve(entryOf('other')))
  for (let n = 0; n < 30; n++) {
    await new Tiercel().set(`push${n}`, fetched('y'.repeat(1 << 20)), setFetch())
    await new Promise((wake) => setImmediate(wake))
  }
  expect(Tiercel.stats().memory.evictions).toBeGreaterThan(0)
  expect(value.html === html && value.segmentData.get('/a').equals(segmentData.get('/a'))).toBe(
    true,
  )
  expect((await readAll(stream)).equals(Buffer.alloc(50_000, 'x'))).toBe(true)
})
