import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { deepFreeze, entryOf, load, now, readAll, streamOf, textOf } from './support.mjs'

const Tiercel = load()

let keys = 0
const newKey = () => `["build",${++keys}]`
const put = (key, entry) => Tiercel.set(key, Promise.resolve(entry))

async function roundTrip(entry, key = newKey()) {
  await put(key, entry)
  return Tiercel.get(key, [])
}

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
const pooled = Buffer.from('from the pool')
const chunkings = {
  none: [],
  one: [everyByte],
  'byte by byte': [...everyByte].map((byte) => Uint8Array.of(byte)),
  'with empty ones': [Buffer.alloc(0), everyByte, Buffer.alloc(0)],
  'views into a larger memory': [new Uint8Array(everyByte.buffer, everyByte.byteOffset + 3, 9)],
  'pooled Buffers': [pooled, pooled.subarray(2, 5)],
  '3 MB': Array.from({ length: 48 }, () => Buffer.alloc(65_536, everyByte)),
}

test.each(Object.entries(chunkings))(
  'bytes survive, however they are cut: %s',
  async (_, chunks) => {
    const found = await roundTrip(entryOf('', { value: streamOf(...chunks) }))
    expect(found.value).toBeInstanceOf(ReadableStream)
    expect(Buffer.compare(await readAll(found.value), Buffer.concat(chunks))).toBe(0)
  },
)

const streams = {
  'a byte stream': () =>
    new ReadableStream({
      type: 'bytes',
      start(controller) {
        controller.enqueue(new Uint8Array(Buffer.from('hel')))
        controller.enqueue(new Uint8Array(Buffer.from('lo')))
        controller.close()
      },
    }),
  'a Blob': () => new Blob(['hello']).stream(),
  'a Response': () => new Response('hello').body,
  'a Node stream': () => Readable.toWeb(Readable.from([Buffer.from('hello')])),
  'one that is pulled': () => {
    const rest = ['hel', 'lo']
    return new ReadableStream({
      async pull(controller) {
        const next = rest.shift()
        await null
        if (next) controller.enqueue(Buffer.from(next))
        else controller.close()
      },
    })
  },
}

test.each(Object.entries(streams))('every stream of bytes will do: %s', async (_, make) => {
  const found = await roundTrip(entryOf('', { value: make() }))
  expect(await textOf(found)).toBe('hello')
})

test.each([
  { stale: 300, expire: 4_294_967_294, revalidate: 900 },
  { stale: 0, expire: 60, revalidate: 1 },
  { stale: 30, expire: 0.5, revalidate: 0.25 },
  { stale: Infinity, expire: Infinity, revalidate: Infinity },
  { stale: 4_294_967_294, expire: 4_294_967_294, revalidate: 4_294_967_294 },
])('durations come back exactly: %j', async (durations) => {
  const entry = entryOf('x', durations)
  const { value, ...rest } = await roundTrip(entry)
  expect(rest).toStrictEqual({ ...durations, tags: [], timestamp: entry.timestamp })
})

test('timestamps come back to the last digit', async () => {
  for (const timestamp of [now() - 3.25, Math.floor(now()), now() - 0.0001, now() - 60_000.367]) {
    expect((await roundTrip(entryOf('x', { timestamp }))).timestamp).toBe(timestamp)
  }
})

test('tags come back in order, with whatever they hold', async () => {
  const tags = ['b', 'a', '_N_RP_lang', 'ä😀\uD800', '', 'with,comma', 'x'.repeat(256)]
  expect((await roundTrip(entryOf('x', { tags }))).tags).toEqual(tags)
})

test('a frozen entry will do, and stays as it is', async () => {
  const entry = deepFreeze(entryOf('x', { tags: ['t'] }))
  expect(await textOf(await roundTrip(entry))).toBe('x')
  expect(entry.tags).toEqual(['t'])
})

test('each get has a stream of its own', async () => {
  const key = newKey()
  const first = await roundTrip(entryOf('shared'), key)
  const second = await Tiercel.get(key, [])
  expect(first.value).not.toBe(second.value)
  const readers = [first.value.getReader(), second.value.getReader()]
  const reads = await Promise.all(readers.map((reader) => reader.read()))
  expect(reads.map(({ value }) => Buffer.from(value).toString())).toEqual(['shared', 'shared'])
  await readers[0].cancel()
  expect(await textOf(await Tiercel.get(key, []))).toBe('shared')
})

test('a reader that forks or cancels takes nothing from the cache', async () => {
  const key = newKey()
  const [one, two] = (await roundTrip(entryOf('x'.repeat(20_000)), key)).value.tee()
  two.cancel()
  expect((await readAll(one)).length).toBe(20_000)
  await (await Tiercel.get(key, [])).value.cancel()
  expect((await textOf(await Tiercel.get(key, []))).length).toBe(20_000)
})

test('a root-param redirect and the entry it leads to are both kept', async () => {
  const key = newKey()
  const redirect = entryOf('\0', { tags: ['a', '_N_RP_lang'] })
  await Promise.all([put(key, redirect), put(`${key}{"lang":"en"}`, entryOf('real'))])
  expect(await readAll((await Tiercel.get(key, [])).value)).toEqual(Buffer.from([0]))
  expect((await Tiercel.get(key, [])).tags).toContain('_N_RP_lang')
  expect(await textOf(await Tiercel.get(`${key}{"lang":"en"}`, []))).toBe('real')
})

test.each([
  ['expire: 0', { expire: 0 }],
  ['revalidate: 0', { revalidate: 0 }],
])('an entry with %s is not stored', async (_, more) => {
  expect(await roundTrip(entryOf('x', more))).toBe(undefined)
})

test('an entry that is past its expire is a miss', async () => {
  expect(await roundTrip(entryOf('x', { timestamp: now() - 61_000, expire: 60 }))).toBe(undefined)
})

test('an entry that is past its revalidate is served as it is: Next.js sees its age', async () => {
  const timestamp = now() - 61_000
  const found = await roundTrip(entryOf('x', { timestamp, revalidate: 60 }))
  expect([found.revalidate, found.timestamp]).toEqual([60, timestamp])
})

test('a miss is undefined, never null', async () => {
  expect(await Tiercel.get(newKey(), [])).toBe(undefined)
  expect(await Tiercel.get(newKey(), undefined)).toBe(undefined)
})

test('getExpiration leaves soft tags to get, and refreshTags has nothing to do', async () => {
  expect(await Tiercel.getExpiration(['a'])).toBe(Number.POSITIVE_INFINITY)
  expect(await Tiercel.getExpiration([])).toBe(Number.POSITIVE_INFINITY)
  expect(await Tiercel.refreshTags()).toBe(undefined)
})

test('a stream that fails half-way is discarded', async () => {
  const key = newKey()
  const value = new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from('half')),
    pull: (controller) => controller.error(new Error('the generation failed')),
  })
  await put(key, entryOf('', { value }))
  expect(await Tiercel.get(key, [])).toBe(undefined)
  await put(key, entryOf('whole'))
  expect(await textOf(await Tiercel.get(key, []))).toBe('whole')
})

test('a generation that is rejected leaves what was there', async () => {
  const key = newKey()
  await put(key, entryOf('before'))
  await Tiercel.set(key, Promise.reject(new Error('the generation failed')))
  expect(await textOf(await Tiercel.get(key, []))).toBe('before')
})

test('a stream that somebody else reads is not stored', async () => {
  const entry = entryOf('x')
  entry.value.getReader()
  expect(await roundTrip(entry)).toBe(undefined)
})

test('the same key in both interfaces is two keys', async () => {
  const key = newKey()
  await put(key, entryOf('plural'))
  for (const kind of ['FETCH', 'APP_PAGE', 'IMAGE']) {
    expect(await new Tiercel().get(key, { kind })).toBe(null)
  }
})
