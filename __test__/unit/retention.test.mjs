import { expect, test } from 'vitest'
import { inChild } from './support.mjs'

// After a set nothing of its making may stay: a stream or promise per entry would outweigh the cache.

/** In a process with --expose-gc: what the heap still holds of 300 entries' streams and promises. */
async function leftovers({ index }) {
  const Tiercel = require(index)
  const { queryObjects } = require('node:v8')
  class Pending extends Promise {}
  const kinds = {
    ReadableStream,
    reader: ReadableStreamDefaultReader,
    controller: ReadableStreamDefaultController,
    Pending,
    AbortSignal,
  }
  const settle = async () => {
    for (let n = 0; n < 4; n++) {
      await new Promise((wake) => setTimeout(wake, 5))
      global.gc()
    }
  }
  const counted = async () => {
    await settle()
    const found = {}
    for (const [name, kind] of Object.entries(kinds)) {
      found[name] = queryObjects(kind, { format: 'count' })
    }
    return found
  }
  const tracked = []
  const one = async (n) => {
    const value = new Blob([`entry ${n}`.repeat(1_000)]).stream()
    const timestamp = performance.timeOrigin + performance.now()
    const entry = { value, tags: ['a'], stale: 1, timestamp, expire: 999, revalidate: 99 }
    const pending = Pending.resolve(entry)
    tracked.push(new WeakRef(entry), new WeakRef(pending), new WeakRef(value))
    const set = Tiercel.set(`key${n}`, n % 10 === 9 ? Pending.reject(new Error('failed')) : pending)
    const get = Tiercel.get(`key${n}`, [])
    await set
    const found = await get
    if (found && n % 2) await new Response(found.value).text()
    const page = {
      kind: 'APP_PAGE',
      html: 'x'.repeat(9_000),
      rscData: Buffer.alloc(9_000),
      headers: {},
    }
    tracked.push(new WeakRef(page), new WeakRef(page.rscData))
    await new Tiercel().set(`/key${n}`, page, { cacheControl: { revalidate: 60 } })
    await new Tiercel().get(`/key${n}`, { kind: 'APP_PAGE' })
  }
  await one(0)
  const before = await counted()
  for (let n = 1; n <= 300; n++) await one(n)
  const after = await counted()
  const alive = tracked.filter((ref) => ref.deref()).length
  return { before, after, alive, held: Tiercel.stats().memory.entries }
}

test('of an entry that is stored, no stream, reader, promise or given value is kept', async () => {
  const { code, stderr, answer } = await inChild(leftovers, {
    flags: ['--expose-gc', '--no-warnings'],
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const { before, after, alive, held } = answer
  expect(held).toBeGreaterThan(500)
  for (const [name, count] of Object.entries(after)) {
    // The last one may still stand on the stack.
    expect(count - before[name], name).toBeLessThanOrEqual(2)
  }
  expect(alive).toBeLessThanOrEqual(10)
})

/** In a process with --expose-gc: what a handler and its requests leave behind. */
async function handlers({ index }) {
  const Tiercel = require(index)
  const refs = []
  for (let n = 0; n < 300; n++) {
    const [handler, context] = [new Tiercel(), { kind: 'FETCH', tags: ['a'], softTags: ['b'] }]
    await handler.get(`key${n}`, context)
    refs.push(new WeakRef(handler), new WeakRef(context))
  }
  await new Promise((wake) => setTimeout(wake, 20))
  global.gc()
  return refs.filter((ref) => ref.deref()).length
}

test('of a request that ended without a set, nothing is kept', async () => {
  const { answer } = await inChild(handlers, { flags: ['--expose-gc'] })
  expect(answer).toBeLessThanOrEqual(4)
})

/** In a process with --expose-gc: whether objects of entries that left are let go. */
async function objects({ index }) {
  const Tiercel = require(index).configure({ memoryMb: 4 })
  const refs = []
  for (let n = 0; n < 400; n++) {
    const value = { kind: 'FETCH', data: { headers: {}, body: 'x'.repeat(50_000) }, revalidate: 60 }
    await new Tiercel().set(`key${n}`, value, { tags: [] })
    refs.push(new WeakRef(await new Tiercel().get(`key${n}`, { kind: 'FETCH' })))
    await new Promise((wake) => setImmediate(wake))
  }
  for (let n = 0; n < 4; n++) {
    await new Promise((wake) => setTimeout(wake, 5))
    global.gc()
  }
  return { alive: refs.filter((ref) => ref.deref()).length, held: Tiercel.stats().memory.entries }
}

test('the object of an entry goes when the entry has left memory', async () => {
  const { answer } = await inChild(objects, { flags: ['--expose-gc'] })
  expect(answer.held).toBeGreaterThan(40)
  expect(answer.alive).toBeLessThanOrEqual(answer.held + 2)
})

/** In a process with --expose-gc: what is kept of entries that memory refused, once all have them. */
async function refused({ index, options, mb, count }) {
  const Tiercel = require(index).configure(options)
  const body = 'x'.repeat(mb * 2 ** 20)
  const fetch = { kind: 'FETCH', tags: [] }
  const settle = async () => {
    for (let n = 0; n < 6; n++) {
      await new Promise((wake) => setTimeout(wake, 25))
      global.gc()
    }
  }
  const serve = async () => {
    const keys = Array.from({ length: count }, (_, n) => `key${n}`)
    // The first of each key generates, the second waits for it.
    await Promise.all(keys.map((key) => new Tiercel().get(key, fetch)))
    const waiting = keys.map((key) => new Tiercel().get(key, fetch))
    for (const key of keys) {
      const value = { kind: 'FETCH', data: { headers: {}, body }, revalidate: 60 }
      new Tiercel().set(key, value, { tags: [] })
    }
    const found = await Promise.all(waiting)
    const served = found.filter((one) => one?.value.data.body.length === body.length).length
    return { served, refs: found.map((one) => new WeakRef(one)), mostMb: rssMb() }
  }
  const rssMb = () => process.memoryUsage.rss() / 2 ** 20
  await settle()
  const beforeMb = rssMb()
  const { served, refs, mostMb } = await serve()
  await settle()
  const alive = refs.filter((ref) => ref.deref()).length
  return { served, alive, rose: mostMb - beforeMb, stayed: rssMb() - beforeMb }
}

// What is free is given back at once, so that what is kept can be told from it.
const env = { MIMALLOC_PURGE_DELAY: '0' }
const refusing = (given) => inChild(refused, { flags: ['--expose-gc'], given, env })

test('the object of an entry that memory refused is not kept', async () => {
  const options = { memoryMb: 4, maxEntryMb: 1, hotMb: 64 }
  const { answer } = await refusing({ options, mb: 1.2, count: 20 })
  expect(answer.served).toBe(20)
  expect(answer.alive).toBeLessThanOrEqual(1)
})

test('of what was handed to those who wait for it, an idle process keeps nothing', async () => {
  const { answer } = await refusing({ options: { memoryMb: 0 }, mb: 1, count: 100 })
  expect(answer.served).toBe(100)
  expect(answer.rose).toBeGreaterThan(90)
  expect(answer.stayed).toBeLessThan(30)
})

/** In a process with --expose-gc: what Node counts outside its heap after each of four rounds. */
async function outside({ index }) {
  const Tiercel = require(index).configure({ memoryMb: 4 })
  const counted = []
  for (let round = 0; round < 4; round++) {
    for (let n = 0; n < 200; n++) {
      const key = `/page${round}-${n}`
      const html = (n % 2 ? 'x' : '\u0416').repeat(100_000)
      const rscData = Buffer.alloc(n % 3 ? 50_000 : 100, n)
      const value = { kind: 'APP_PAGE', html, rscData, headers: {} }
      await new Tiercel().set(key, value, { cacheControl: { revalidate: 60 } })
      await new Tiercel().get(key, { kind: 'APP_PAGE' })
      if (n % 16 === 0) await new Promise((wake) => setImmediate(wake))
    }
    for (let n = 0; n < 4; n++) {
      await new Promise((wake) => setTimeout(wake, 10))
      global.gc()
    }
    counted.push(process.memoryUsage().external)
  }
  return counted
}

test('what the garbage collector is told of, it is told of again when that goes', async () => {
  const { answer } = await inChild(outside, { flags: ['--expose-gc'] })
  const [, first, , last] = answer
  // Each round shares 30 MB with JavaScript, of which memory has 4.
  expect(Math.abs(last - first)).toBeLessThan(2_000_000)
  expect(last).toBeGreaterThan(1_000_000)
})
