import { expect, test } from 'vitest'
import { inChild } from './support.mjs'

/** Stores values over the bound of one entry, twice each, and one that is not. */
async function store({ index }) {
  const Tiercel = require(index).configure({ memoryMb: 16, maxEntryMb: 1 })
  const large = 'x'.repeat(2 << 20)
  const page = { kind: 'APP_PAGE', headers: {}, status: 200 }
  for (let n = 0; n < 2; n++) {
    const life = { cacheControl: { revalidate: 60, expire: 600 } }
    await new Tiercel().set('/large', { ...page, html: large }, life)
    await new Tiercel().set('/small', { ...page, html: 'x' }, life)
    const fetch = { kind: 'FETCH', data: { headers: {}, body: large }, revalidate: 60 }
    await new Tiercel().set('fetch of much', fetch, { tags: [] })
    const value = new Blob([large]).stream()
    const timestamp = performance.timeOrigin + performance.now()
    const entry = { value, tags: [], stale: 1, timestamp, expire: 999, revalidate: 99 }
    await Tiercel.set('["id",["argument"]]', Promise.resolve(entry))
  }
  const { tooLarge, dropped, sets } = Tiercel.stats()
  return { tooLarge, dropped, sets }
}

test('what is over the bound of one entry is told of, once per key, and counted', async () => {
  const { answer, stderr } = await inChild(store)
  expect(answer).toEqual({ tooLarge: 6, dropped: 6, sets: 2 })
  const lines = stderr.trim().split('\n')
  expect(lines).toHaveLength(3)
  const told = [
    ['page or route', '"/large"'],
    ['fetch', '"fetch of much"'],
    ["'use cache' entry", '"[\\"id\\",[\\"argument\\"]]"'],
  ]
  for (const [n, [what, key]] of told.entries()) {
    expect(lines[n]).toContain(`tiercel: a ${what} of 2.1 MiB is kept nowhere`)
    expect(lines[n]).toContain('one entry may have 1.0 MiB (maxEntryMb, memoryMb)')
    expect(lines[n].endsWith(key)).toBe(true)
  }
})
