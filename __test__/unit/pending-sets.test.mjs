import { expect, test } from 'vitest'
import { entryOf, load, pause, textOf, timed, until } from './support.mjs'

// Up to 16.2 Next.js hands an entry over while its generation still runs.
const Tiercel = load()

/** What is served within 2.5 s is served; a machine under load may add its own. */
const BOUND_MS = 2_500

test('a get during a set waits for it and gets it', async () => {
  let resolve
  const pending = new Promise((settle) => {
    resolve = settle
  })
  const set = Tiercel.set('pending', pending)
  const gets = [Tiercel.get('pending', []), Tiercel.get('pending', [])]
  await pause(20)
  resolve(entryOf('generated'))
  expect(await Promise.all((await Promise.all(gets)).map(textOf))).toEqual([
    'generated',
    'generated',
  ])
  await set
})

test('a get waits for the end of the stream, too', async () => {
  let controller
  const value = new ReadableStream({
    start: (given) => {
      controller = given
    },
  })
  const set = Tiercel.set('streaming', Promise.resolve(entryOf('', { value })))
  const get = Tiercel.get('streaming', [])
  controller.enqueue(Buffer.from('first, '))
  await pause(20)
  controller.enqueue(Buffer.from('last'))
  controller.close()
  expect(await textOf(await get)).toBe('first, last')
  await set
})

test('who waited judges for itself when the entry arrives', async () => {
  const entry = entryOf('dead on arrival', { tags: ['gone meanwhile'] })
  let resolve
  const set = Tiercel.set('judged', new Promise((settle) => (resolve = settle)))
  const [own, soft] = [Tiercel.get('judged', []), Tiercel.get('judged', ['soft'])]
  await Tiercel.updateTags(['gone meanwhile'])
  resolve(entry)
  expect([await own, await soft]).toEqual([undefined, undefined])
  await set
})

test.concurrent.each([
  ['is rejected', () => Promise.reject(new Error('failed'))],
  ['is not to be stored', async () => entryOf('', { expire: 0 })],
])('who waits for a set that %s is sent on at once', async (what, make) => {
  const gate = pause(50)
  const set = Tiercel.set(what, gate.then(make))
  const { value, ms } = await timed(Tiercel.get(what, []))
  expect(value).toBe(undefined)
  expect(ms).toBeLessThan(1_500)
  await set
})

const never = new Promise(() => {})
const hungStream = () => new ReadableStream({ start: (c) => c.enqueue(Buffer.from('half')) })

test.concurrent.each([
  ['never comes', () => never],
  ['never ends', async () => entryOf('', { value: hungStream() })],
])('a set whose entry %s settles in time, and holds up nobody', async (what, make) => {
  const set = timed(Tiercel.set(what, make()))
  const gets = await Promise.all([1, 2].map(() => timed(Tiercel.get(what, []))))
  for (const { value, ms } of gets) {
    expect(value).toBe(undefined)
    expect(ms).toBeLessThan(BOUND_MS)
  }
  expect((await set).ms).toBeLessThan(BOUND_MS)
  // The key is known to hang: who comes later does not wait again.
  const later = await timed(Tiercel.get(what, []))
  expect(later.value).toBe(undefined)
  expect(later.ms).toBeLessThan(1_000)
})

test.concurrent('an entry that comes after its set has settled is stored all the same', async () => {
  let resolve
  const set = Tiercel.set('late', new Promise((settle) => (resolve = settle)))
  await set
  resolve(entryOf('late'))
  const found = await until('it is stored', () => Tiercel.get('late', []))
  expect(await textOf(found)).toBe('late')
})

test.concurrent('a key that once hung works again', async () => {
  await Tiercel.set('recovers', never)
  expect(await Tiercel.get('recovers', [])).toBe(undefined)
  await Tiercel.set('recovers', Promise.resolve(entryOf('back')))
  expect(await textOf(await Tiercel.get('recovers', []))).toBe('back')
})
