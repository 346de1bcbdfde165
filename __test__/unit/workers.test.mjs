import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { inChild, index, load, until } from './support.mjs'

// All threads of a process share one cache. `next build` may run workers as threads.

/** Runs `body` in a thread, with `require` and `given`; resolves to what it returns. */
function inThread(body, given) {
  const source = `const { parentPort, workerData } = require('node:worker_threads')
    Promise.resolve((${body})(workerData)).then((answer) => parentPort.postMessage({ answer }))`
  return new Promise((resolve, reject) => {
    const worker = new Worker(source, { eval: true, workerData: { index, ...given } })
    worker.once('message', ({ answer }) => resolve(answer)).once('error', reject)
  })
}

test('what one thread stores another one serves, and invalidates', async () => {
  const Tiercel = load()
  const value = { kind: 'FETCH', data: { headers: {}, body: 'x' }, revalidate: 60 }
  await new Tiercel().set('shared', value, { tags: ['t'] })
  const found = await inThread(async ({ index }) => {
    const Tiercel = require(index)
    const get = () => new Tiercel().get('shared', { kind: 'FETCH' })
    const { value } = await get()
    await new Tiercel().set('from there', value, { tags: ['t'] })
    await Tiercel.updateTags(['t'])
    return [value.data.body, await get()]
  })
  expect(found).toEqual(['x', null])
  expect(await new Tiercel().get('shared', { kind: 'FETCH' })).toBe(null)
  await inThread(
    async ({ index, value }) => {
      await new (require(index))().set('later', value, { tags: ['t'] })
    },
    { value },
  )
  expect((await new Tiercel().get('later', { kind: 'FETCH' })).value).toEqual(value)
})

test("a value outlives the thread that stored it, and the cache's hold on it", async () => {
  const Tiercel = load()
  const big = 'x'.repeat(1 << 20)
  await inThread(
    async ({ index, big }) => {
      const Tiercel = require(index)
      const value = { kind: 'APP_PAGE', html: big, rscData: Buffer.from(big), headers: {} }
      await new Tiercel().set('/outlives', value, { cacheControl: { revalidate: 60 } })
      await new Tiercel().get('/outlives', { kind: 'APP_PAGE' })
    },
    { big },
  )
  const { value } = await new Tiercel().get('/outlives', { kind: 'APP_PAGE' })
  await new Tiercel().set('/outlives', null, {})
  expect(value.html === big && value.rscData.toString() === big).toBe(true)
})

test('what another thread replaced or invalidated is never returned again, however hot it was', async () => {
  const Tiercel = load()
  const get = async () => (await new Tiercel().get('hot', { kind: 'FETCH' }))?.value.data.body
  const source = `const { parentPort } = require('node:worker_threads')
    const Tiercel = require(${JSON.stringify(index)})
    parentPort.on('message', async (body) => {
      const value = { kind: 'FETCH', data: { headers: {}, body }, revalidate: 60 }
      if (body) await new Tiercel().set('hot', value, { tags: ['hot'] })
      else await Tiercel.updateTags(['hot'])
      parentPort.postMessage(body)
    })`
  const worker = new Worker(source, { eval: true })
  const done = (body) => {
    worker.postMessage(body)
    return new Promise((resolve) => worker.once('message', resolve))
  }
  for (let n = 0; n < 50; n++) {
    await done(`value ${n}`)
    for (let hits = 0; hits < 5; hits++) expect(await get()).toBe(`value ${n}`)
    if (n % 5 > 0) continue
    await done('')
    expect(await get()).toBe(undefined)
  }
  await worker.terminate()
})

test.each([undefined, '{"memoryMb":7}'])(
  'a thread loads with the options that the main thread chose, whatever next.config says: %s',
  async (TIERCEL_OPTIONS) => {
    const run = async ({ index }) => {
      const Tiercel = require(index).configure({ memoryMb: 16 })
      new Tiercel()
      const { Worker } = require('node:worker_threads')
      const source = `const Tiercel = require(${JSON.stringify(index)})
      require('node:worker_threads').parentPort.postMessage(Tiercel.stats().memory.capacityBytes)`
      const worker = new Worker(source, { eval: true })
      return new Promise((resolve) => {
        worker.once('message', resolve).once('error', ({ message }) => resolve(message))
      })
    }
    const { code, stderr, answer } = await inChild(run, { env: { TIERCEL_OPTIONS } })
    expect({ code, stderr, answer }).toEqual({ code: 0, stderr: '', answer: 16 << 20 })
  },
)

test('threads come and go in a process whose main thread never loads it', async () => {
  const { code, signal, answer } = await inChild(async ({ index }) => {
    const { Worker } = require('node:worker_threads')
    // The next thread gets the memory, and so the identity, of the one that ended.
    const source = `const Tiercel = require(${JSON.stringify(index)})
      const value = { kind: 'FETCH', data: { headers: {}, body: 'x' }, revalidate: 60 }
      new Tiercel().set('x', value, { tags: [] })`
    const codes = []
    for (let n = 0; n < 4; n++) {
      const worker = new Worker(source, { eval: true })
      codes.push(await new Promise((resolve) => worker.once('exit', resolve)))
    }
    return codes
  })
  expect({ code, signal, answer }).toEqual({ code: 0, signal: null, answer: [0, 0, 0, 0] })
})

/** What each thread does without end: all calls, of keys and tags that all share. */
async function hammer({ index }) {
  const Tiercel = require(index)
  const pick = (n) => Math.floor(Math.random() * n)
  const big = 'ä'.repeat(6_000)
  const kinds = {
    FETCH: (n) => ({
      kind: 'FETCH',
      data: { headers: {}, body: n % 2 ? big : 'x' },
      revalidate: 9,
    }),
    APP_PAGE: (n) => ({
      kind: 'APP_PAGE',
      html: n % 2 ? `${big}ﬀ` : 'x',
      rscData: Buffer.from(big),
      headers: { 'x-next-cache-tags': `t${n % 9}` },
      segmentData: new Map([['/a', Buffer.from(`segment ${n}`)]]),
    }),
  }
  const calls = [
    (key) => new Tiercel().get(key, { kind: 'FETCH', tags: [`t${pick(9)}`] }),
    (key, n) => new Tiercel().set(key, kinds.FETCH(n), { tags: [`t${pick(9)}`] }),
    (key) => new Tiercel().get(`/${key}`, { kind: 'APP_PAGE' }),
    (key, n) => new Tiercel().set(`/${key}`, kinds.APP_PAGE(n), { cacheControl: {} }),
    (key) => Tiercel.get(key, ['s']).then((found) => found && new Response(found.value).text()),
    (key) => {
      const value = new Blob([pick(2) ? big : 'x']).stream()
      const timestamp = performance.timeOrigin + performance.now()
      const entry = { value, tags: ['t1'], stale: 1, timestamp, expire: 60, revalidate: 60 }
      return Tiercel.set(key, pick(9) ? Promise.resolve(entry) : Promise.reject(new Error('no')))
    },
    () => Tiercel.updateTags([`t${pick(9)}`], pick(2) ? { expire: 60 } : undefined),
    () => Tiercel.stats(),
  ]
  require('node:worker_threads').parentPort.postMessage('at work')
  for (;;) {
    const batch = Array.from({ length: 16 }, () =>
      calls[pick(calls.length)](`k${pick(200)}`, pick(9)),
    )
    // What waits may wait; the thread goes on.
    await Promise.race([Promise.all(batch), new Promise((wake) => setImmediate(wake))])
    await new Promise((wake) => setImmediate(wake))
  }
}

test('threads that are terminated mid-traffic, many times, take nothing with them', async () => {
  const { code, signal, stderr, answer } = await inChild(
    async ({ index, hammer }) => {
      const { Worker } = require('node:worker_threads')
      const Tiercel = require(index)
      const source = `(${hammer})({ index: ${JSON.stringify(index)} })`
      const errors = []
      let ended = 0
      const life = async (n) => {
        for (let round = 0; round < 8; round++) {
          const worker = new Worker(source, { eval: true })
          worker.on('error', ({ message }) => errors.push(message))
          await new Promise((resolve) => worker.once('message', resolve).once('error', resolve))
          await new Promise((wake) => setTimeout(wake, 10 + ((n * 7 + round * 13) % 50)))
          await worker.terminate()
          ended++
        }
      }
      await Promise.all(Array.from({ length: 8 }, (_, n) => life(n)))
      const value = { kind: 'FETCH', data: { headers: {}, body: 'alive' }, revalidate: 60 }
      await new Tiercel().set('alive', value, { tags: [] })
      const found = await new Tiercel().get('alive', { kind: 'FETCH' })
      const { panics, sets, memory } = Tiercel.stats()
      const isBounded = memory.bytes <= memory.capacityBytes
      return { errors, ended, panics, hasSet: sets > 20, isBounded, body: found.value.data.body }
    },
    { given: { hammer: hammer.toString() }, env: { TIERCEL_MEMORY_MB: '4' }, within: 60_000 },
  )
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' })
  expect(answer).toEqual({
    errors: [],
    ended: 64,
    panics: 0,
    hasSet: true,
    isBounded: true,
    body: 'alive',
  })
}, 90_000)

test('a thread that ends by itself leaves at once', async () => {
  let isOver = false
  const source = `const T = require(${JSON.stringify(index)})
    new T().set('x', { kind: 'FETCH', data: { body: 'x' } }, {}).then(() => T.updateTags(['a']))`
  const worker = new Worker(source, { eval: true })
  worker.on('exit', (code) => {
    isOver = code === 0
  })
  await until('the thread ends', () => isOver || undefined)
})
