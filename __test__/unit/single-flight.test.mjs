import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import {
  fetched,
  index,
  load,
  now,
  ofFetch,
  ofPage,
  pause,
  setFetch,
  timed,
  until,
} from './support.mjs'

// Of several that miss one fetch at once, one fetches and the others wait for it, for 1.2 s.
const Tiercel = load()

const get = (key, tags) => new Tiercel().get(key, ofFetch(tags))
const set = (key, body, tags) => new Tiercel().set(key, fetched(body), setFetch(tags))
const bodyOf = async (found) => (await found)?.value.data.body

/** `promise`, or a failure if it does not come without waiting for a generation. */
async function soon(promise) {
  const late = Symbol('late')
  const first = await Promise.race([promise, pause(700).then(() => late)])
  if (first === late) throw new Error('it waits')
  return first
}

/** How many wait, as far as stats tell: none has an answer yet. */
const unanswered = async (promises) => {
  await pause(20)
  return (await Promise.all(promises.map((one) => Promise.race([one, 'waits'])))).every(
    (answer) => answer === 'waits',
  )
}

test('of many concurrent misses one leads, and the others get what it stores', async () => {
  const before = Tiercel.stats().joined
  expect(await soon(get('many'))).toBe(null)
  const others = Array.from({ length: 20 }, () => get('many'))
  expect(await unanswered(others)).toBe(true)
  await set('many', 'once')
  const found = await Promise.all(others)
  expect(new Set(found).size).toBe(1)
  expect(found[0].value).toEqual(fetched('once'))
  expect(Tiercel.stats().joined - before).toBe(20)
})

test('different keys do not wait for each other', async () => {
  expect(await soon(get('one'))).toBe(null)
  expect(await soon(get('two'))).toBe(null)
})

test('a page does not wait for a page: some are never set', async () => {
  const answers = [1, 2, 3].map(() => new Tiercel().get('/page', ofPage))
  expect(await soon(Promise.all(answers))).toEqual([null, null, null])
})

test('who waited judges for itself when the value arrives', async () => {
  const leader = new Tiercel()
  await leader.get('judged', ofFetch())
  const [plain, tag, soft] = [get('judged'), get('judged', ['t']), get('judged', [])]
  const bySoft = new Tiercel().get('judged', ofFetch([], ['s']))
  await Tiercel.updateTags(['t', 's'])
  await leader.set('judged', fetched('x'), setFetch(['other']))
  expect(await bodyOf(plain)).toBe('x')
  expect(await bodyOf(soft)).toBe('x')
  expect([await tag, await bySoft]).toEqual([null, null])
})

test('a value that is dead on arrival sends all on at once', async () => {
  const leader = new Tiercel()
  await leader.get('dead', ofFetch(['d']))
  const others = [get('dead', ['d']), get('dead', ['d'])]
  await Tiercel.updateTags(['d'])
  await leader.set('dead', fetched('x'), setFetch(['d']))
  expect(await soon(Promise.all(others))).toEqual([null, null])
})

test('a value that is too large to be kept reaches those who wait, and nobody waits again', async () => {
  const leader = new Tiercel()
  await leader.get('large', ofFetch())
  const others = [get('large'), get('large')]
  await leader.set('large', fetched('x'.repeat(17 << 20)), setFetch())
  const lengths = (await soon(Promise.all(others))).map((found) => found.value.data.body.length)
  expect(lengths).toEqual([17 << 20, 17 << 20])
  expect(await soon(Promise.all([get('large'), get('large')]))).toEqual([null, null])
})

test('an invalidated fetch is fetched once, too', async () => {
  await set('again', 'old', ['again'])
  await Tiercel.updateTags(['again'])
  expect(await soon(get('again'))).toBe(null)
  const other = get('again')
  expect(await unanswered([other])).toBe(true)
  await set('again', 'new', ['again'])
  expect(await bodyOf(other)).toBe('new')
})

test('a stale fetch is served to all: one generates, nobody waits', async () => {
  await set('stale', 'old', ['stale'])
  await Tiercel.updateTags(['stale'], { expire: 60 })
  const before = Tiercel.stats().leases.staleMeanwhile
  const found = await soon(Promise.all([get('stale'), get('stale'), get('stale')]))
  expect(found.map(({ value }) => value.data.body)).toEqual(['old', 'old', 'old'])
  const [leader, ...others] = found.map(({ lastModified }) => lastModified)
  expect(leader).toBe(-1)
  for (const lastModified of others) expect(lastModified).toBeGreaterThan(now() - 1_000)
  expect(Tiercel.stats().leases.staleMeanwhile).toBe(before + 2)
  await set('stale', 'new', ['stale'])
  expect(await bodyOf(get('stale'))).toBe('new')
})

test('a leader that never stores holds nobody for longer than 2.2 s, and one leads after 1.2 s', async () => {
  const before = Tiercel.stats().waitTimeouts
  expect(await soon(get('hung'))).toBe(null)
  const others = await Promise.all([1, 2, 3].map(() => timed(get('hung'))))
  expect(others.map(({ value }) => value)).toEqual([null, null, null])
  const [first, ...last] = others.map(({ ms }) => ms).sort((a, b) => a - b)
  expect(first).toBeGreaterThan(1_100)
  expect(first).toBeLessThan(2_000)
  for (const ms of last) expect(ms).toBeGreaterThan(2_100)
  for (const ms of last) expect(ms).toBeLessThan(3_000)
  expect(Tiercel.stats().waitTimeouts).toBe(before + 2)
  await set('hung', 'after all')
  expect(await bodyOf(get('hung'))).toBe('after all')
})

test('a fetch that is not stored stalls nobody who comes later than it takes', async () => {
  for (let turn = 0; turn < 4; turn++) {
    expect(await soon(get('unstored'))).toBe(null)
    await pause(1_250)
  }
})

test('a fetch that takes longer than the wait is made once more, and not by all', async () => {
  expect(await soon(get('slow'))).toBe(null)
  const asked = []
  for (let turn = 0; turn < 18; turn++) {
    await pause(100)
    asked.push(get('slow'))
  }
  await set('slow', 'at last')
  const found = await Promise.all(asked)
  expect(found.filter((one) => one === null)).toHaveLength(1)
  expect(await bodyOf(get('slow'))).toBe('at last')
})

test('who is told of something stale and does not begin leads for a second', async () => {
  await set('idle', 'old', ['idle'])
  await Tiercel.updateTags(['idle'], { expire: 60 })
  const isTold = async () => (await get('idle')).lastModified === -1
  expect([await isTold(), await isTold(), await isTold()]).toEqual([true, false, false])
  await until('the next one is told', async () => ((await isTold()) ? true : undefined), {
    within: 1_500,
  })
  expect(await isTold()).toBe(false)
})

/** A thread that runs `body` with Tiercel and the port to its parent. */
function thread(body) {
  const source = `const { parentPort } = require('node:worker_threads')
    ;(${body})(require(${JSON.stringify(index)}), parentPort)`
  const worker = new Worker(source, { eval: true })
  const said = []
  worker.on('message', (message) => said.push(message))
  const says = async (what) => {
    await until('the thread says something', () => said.length > 0 || undefined)
    expect(said.shift()).toEqual(what)
  }
  return { worker, says }
}

test('threads wait for each other', async () => {
  expect(await soon(get('threads'))).toBe(null)
  const { worker, says } = thread(async (Tiercel, port) => {
    const pending = new Tiercel().get('threads', { kind: 'FETCH' })
    await new Promise((wake) => setTimeout(wake, 20))
    port.postMessage(await Promise.race([pending.then(() => 'an answer'), 'waits']))
    port.postMessage((await pending).value.data.body)
  })
  await says('waits')
  await set('threads', 'from the main thread')
  await says('from the main thread')
  await worker.terminate()
})

test('a thread that leads and is terminated holds nobody for long', async () => {
  const { worker, says } = thread(async (Tiercel, port) => {
    port.postMessage(await new Tiercel().get('killed', { kind: 'FETCH' }))
    setInterval(() => {}, 1_000)
  })
  await says(null)
  const waiting = timed(get('killed'))
  await worker.terminate()
  const { value, ms } = await waiting
  expect(value).toBe(null)
  expect(ms).toBeLessThan(2_000)
})

test('a thread that waits may be terminated', async () => {
  expect(await soon(get('abandoned'))).toBe(null)
  const { worker, says } = thread((Tiercel, port) => {
    new Tiercel().get('abandoned', { kind: 'FETCH' })
    port.postMessage('waits')
  })
  await says('waits')
  await worker.terminate()
  await set('abandoned', 'x')
  expect(await bodyOf(get('abandoned'))).toBe('x')
})
