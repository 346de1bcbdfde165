import { expect, test } from 'vitest'
import {
  entryOf,
  fetched,
  hour,
  load,
  nextMillisecond,
  now,
  ofFetch,
  ofPage,
  page,
  setFetch,
  tagged,
  textOf,
} from './support.mjs'

// A generation that began before an invalidation may have read what was invalidated.
process.env.TIERCEL_FETCH_WAIT_MS = '0'
const Tiercel = load()

const get = (handler, key) => handler.get(key, ofPage)
const set = (handler, key, html, tag) => handler.set(key, page({ html, ...tagged(tag) }), hour)
const served = async (key) => (await get(new Tiercel(), key))?.value.html

test('a page whose generation began before an invalidation is not served', async () => {
  const request = new Tiercel()
  await get(request, '/p1')
  await Tiercel.updateTags(['p1'])
  await set(request, '/p1', 'old', 'p1')
  expect(await served('/p1')).toBe(undefined)
})

test('the same for a request that stores without having asked', async () => {
  const request = new Tiercel()
  await Tiercel.updateTags(['p2'])
  await set(request, '/p2', 'old', 'p2')
  expect(await served('/p2')).toBe(undefined)
})

test('what the same request generates after the invalidation is served', async () => {
  const request = new Tiercel()
  await Tiercel.updateTags(['p3'])
  await get(request, '/p3')
  await set(request, '/p3', 'new', 'p3')
  expect(await served('/p3')).toBe('new')
})

test('a hit begins no generation: what an action generates anew is served', async () => {
  await set(new Tiercel(), '/p4', 'old', 'p4')
  const action = new Tiercel()
  expect(await get(action, '/p4')).not.toBe(null)
  await Tiercel.updateTags(['p4'])
  expect(await get(action, '/p4')).toBe(null)
  await set(action, '/p4', 'new', 'p4')
  expect(await served('/p4')).toBe('new')
})

test('a stale answer begins a generation', async () => {
  await set(new Tiercel(), '/p5', 'stale', 'p5')
  await Tiercel.updateTags(['p5'], { expire: 60 })
  const request = new Tiercel()
  expect((await get(request, '/p5')).value.html).toBe('stale')
  await Tiercel.updateTags(['p5'])
  await set(request, '/p5', 'old', 'p5')
  expect(await served('/p5')).toBe(undefined)
})

test('of two generations of one key that overlap, neither brings back what is dead', async () => {
  const request = new Tiercel()
  await get(request, '/p6')
  await Tiercel.updateTags(['p6'])
  await get(request, '/p6')
  // Which of the two ends first cannot be told: neither may pass for the later one.
  await set(request, '/p6', 'first', 'p6')
  expect(await served('/p6')).not.toBe('first')
  await set(request, '/p6', 'second', 'p6')
  expect(await served('/p6')).not.toBe('first')
  await get(request, '/p6')
  await set(request, '/p6', 'third', 'p6')
  expect(await served('/p6')).toBe('third')
})

test('a soft invalidation during a generation leaves its value stale', async () => {
  const request = new Tiercel()
  await get(request, '/p7')
  await Tiercel.updateTags(['p7'], { expire: 60 })
  await set(request, '/p7', 'old', 'p7')
  const found = await get(new Tiercel(), '/p7')
  expect(found.value.html).toBe('old')
  expect(found.lastModified).toBeLessThan(now() - 1_900)
})

test('a generation that began earlier does not replace a later one', async () => {
  const [early, late] = [new Tiercel(), new Tiercel()]
  await get(early, '/p8')
  await Tiercel.updateTags(['p8'], { expire: 60 })
  await get(late, '/p8')
  await set(late, '/p8', 'later', 'p8')
  await set(early, '/p8', 'earlier', 'p8')
  expect(await served('/p8')).toBe('later')
})

test('resetRequestCache forgets what a handler noted', async () => {
  const request = new Tiercel()
  await Tiercel.updateTags(['p9'])
  await get(request, '/p9')
  request.resetRequestCache()
  // Now only the handler's own beginning counts, which was earlier.
  await set(request, '/p9', 'dated back', 'p9')
  expect(await served('/p9')).toBe(undefined)
})

test('a fetch whose generation overlaps an invalidation is not served', async () => {
  const request = new Tiercel()
  await request.get('f1', ofFetch(['f1']))
  await Tiercel.updateTags(['f1'])
  await request.set('f1', fetched('old'), setFetch(['f1']))
  expect(await new Tiercel().get('f1', ofFetch(['f1']))).toBe(null)
})

test('a value set again after a failed regeneration is no younger for that', async () => {
  await set(new Tiercel(), '/p10', 'kept', 'p10')
  const request = new Tiercel()
  const before = await get(request, '/p10')
  await Tiercel.updateTags(['p10'], { expire: 60 })
  const again = await get(request, '/p10')
  expect(again.value).toBe(before.value)
  // The regeneration has failed: Next.js sets what it has, to ask again in some seconds.
  await request.set('/p10', again.value, { cacheControl: { revalidate: 3, expire: 31_536_000 } })
  expect((await get(new Tiercel(), '/p10')).lastModified).toBeLessThan(now() - 1_900)
  await Tiercel.updateTags(['p10'])
  await request.set('/p10', again.value, { cacheControl: { revalidate: 3, expire: 31_536_000 } })
  expect(await served('/p10')).toBe(undefined)
})

const put = (key, body, more) => Tiercel.set(key, Promise.resolve(entryOf(body, more)))
const servedUse = async (key) => {
  const found = await Tiercel.get(key, [])
  return found && textOf(found)
}

test("a 'use cache' entry is dated by its timestamp", async () => {
  const before = entryOf('old', { tags: ['u1'] })
  await Tiercel.updateTags(['u1'])
  await Tiercel.set('u1', Promise.resolve(before))
  expect(await servedUse('u1')).toBe(undefined)
  await nextMillisecond()
  await put('u1', 'new', { tags: ['u1'] })
  expect(await servedUse('u1')).toBe('new')
})

test('a timestamp in whole milliseconds is dated back, never forward', async () => {
  await nextMillisecond()
  const timestamp = Math.floor(now())
  await Tiercel.updateTags(['u2'])
  await put('u2', 'perhaps old', { tags: ['u2'], timestamp })
  expect(await servedUse('u2')).toBe(undefined)
})

test('an outer entry is no fresher than an inner one it was made of', async () => {
  const outerBegan = now()
  const innerBegan = now()
  await Tiercel.updateTags(['inner'])
  await put('inner', 'inner', { tags: ['inner'], timestamp: innerBegan })
  await put('outer', 'of inner', { tags: ['outer', 'inner'], timestamp: outerBegan })
  expect([await servedUse('inner'), await servedUse('outer')]).toEqual([undefined, undefined])
})

test('an outer page that read a stale inner entry dies with its tag', async () => {
  await put('read by page', 'inner', { tags: ['nested'] })
  const request = new Tiercel()
  await get(request, '/outer')
  expect(await servedUse('read by page')).toBe('inner')
  await Tiercel.updateTags(['nested'])
  await set(request, '/outer', 'of inner', 'outer-tag,nested')
  expect(await served('/outer')).toBe(undefined)
})

test('a timestamp of long ago or of the future is stored, and dies with its tags', async () => {
  for (const [n, timestamp] of [now() - 600_000, now() + 600_000].entries()) {
    await put(`far${n}`, 'x', { tags: [`far${n}`], timestamp })
    expect(await servedUse(`far${n}`)).toBe('x')
    await Tiercel.updateTags([`far${n}`])
    expect(await servedUse(`far${n}`)).toBe(undefined)
  }
})
