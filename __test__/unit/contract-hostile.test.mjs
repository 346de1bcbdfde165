import { afterAll, expect, test } from 'vitest'
import {
  entryOf,
  fetched,
  hour,
  load,
  ofFetch,
  ofPage,
  page,
  setFetch,
  streamOf,
  textOf,
} from './support.mjs'

// Next.js answers a rejection with a 500, and a pending promise with a request that never ends.
process.env.TIERCEL_WAIT_MS = '50'
process.env.TIERCEL_FETCH_WAIT_MS = '50'
const Tiercel = load()

const rejections = []
process.on('unhandledRejection', (reason) => rejections.push(reason))
afterAll(() => expect(rejections).toEqual([]))

const cycle = {}
cycle.self = cycle
const odd = [undefined, null, 0, NaN, -1, 1n, true, '', 'x', Symbol('s'), {}, [], () => {}]
odd.push(cycle, new Map(), Buffer.from('x'), new Date(0))
const kinds = ['APP_PAGE', 'APP_ROUTE', 'PAGES', 'FETCH', 'IMAGE', 'REDIRECT', '__proto__', 'x']

const name = (value) => {
  try {
    return String(value)
  } catch {
    return 'a value without a name'
  }
}

test('an instance get of anything is a miss', async () => {
  for (const key of odd) {
    for (const context of odd) {
      const found = await new Tiercel().get(key, context)
      expect(found, `${name(key)}, ${name(context)}`).toBe(null)
    }
    for (const kind of [...kinds, ...odd]) {
      const context = { kind, tags: key, softTags: [key, 'tag'] }
      expect(await new Tiercel().get(key, context), `${name(key)}, ${name(kind)}`).toBe(null)
    }
  }
}, 60_000)

test('an instance get of a context that throws is a miss', async () => {
  const thrower = () => {
    throw new Error('a trap')
  }
  const trap = new Proxy({}, { get: thrower })
  expect(await new Tiercel().get('x', trap)).toBe(null)
  expect(await new Tiercel().get('x', { kind: Object.create(null) })).toBe(null)
})

test('an instance set of anything resolves, and what cannot be written down is not stored', async () => {
  const handler = new Tiercel()
  for (const value of odd) {
    for (const kind of kinds) {
      const broken = { kind, html: value, body: value, data: value, buffer: value, props: value }
      Object.assign(broken, { rscData: value, segmentData: value, headers: value, pageData: value })
      for (const context of [undefined, null, value, { cacheControl: value, tags: value }]) {
        expect(await handler.set('broken', broken, context)).toBe(undefined)
        expect(await handler.set(value, broken, context)).toBe(undefined)
        expect(await handler.set('broken', value, context)).toBe(undefined)
      }
    }
  }
  expect((await new Tiercel().get('untouched', ofFetch())) ?? null).toBe(null)
})

test.each([
  ['a cycle', page({ headers: cycle }), ofPage],
  ['a BigInt', page({ status: 1n }), ofPage],
  [
    'a number for a body',
    { kind: 'APP_ROUTE', body: 1, status: 200, headers: {} },
    { kind: 'APP_ROUTE' },
  ],
  ['an object for a body', fetched({}), ofFetch()],
  ['a cycle in data', { kind: 'FETCH', data: cycle, revalidate: 1 }, ofFetch()],
  ['an object for segments', page({ segmentData: { '/a': Buffer.from('x') } }), ofPage],
  [
    'what throws when read',
    page({
      headers: {
        toJSON: () => {
          throw new Error('x')
        },
      },
    }),
    ofPage,
  ],
])('%s is not stored, and breaks nothing', async (what, value, context) => {
  await new Tiercel().set(what, value, { ...hour, tags: [] })
  expect(await new Tiercel().get(what, context)).toBe(null)
})

test('a kind that is not known is stored nowhere', async () => {
  const before = Tiercel.stats()
  for (const kind of ['APP_STREAM', 'toString', '__proto__', '', undefined, 4]) {
    await new Tiercel().set('unknown', { kind, html: 'x', body: 'x' }, hour)
    for (const asked of kinds)
      expect(await new Tiercel().get('unknown', { kind: asked })).toBe(null)
  }
  expect(Tiercel.stats().memory.entries).toBe(before.memory.entries)
  expect(Tiercel.stats().sets).toBe(before.sets)
})

test('invalidations of anything resolve', async () => {
  const handler = new Tiercel()
  for (const tags of [...odd, odd, [['a']], ['a', null, 'b']]) {
    for (const durations of [
      ...odd,
      { expire: NaN },
      { expire: '5' },
      { expire: -1 },
      { expire: null },
    ]) {
      expect(await handler.revalidateTag(tags, durations)).toBe(undefined)
      expect(await Tiercel.updateTags(tags, durations)).toBe(undefined)
      expect(await Tiercel.expireTags(tags, durations)).toBe(undefined)
    }
  }
})

test('a list of tags with strangers among them still invalidates the others', async () => {
  await new Tiercel().set('strangers', fetched('x'), setFetch(['b']))
  await new Tiercel().revalidateTag(['a', null, 1n, Symbol('s'), 'b'])
  expect(await new Tiercel().get('strangers', ofFetch())).toBe(null)
})

test('static calls with anything resolve', async () => {
  for (const value of odd) {
    expect(await Tiercel.get(value, value)).toBe(undefined)
    expect(await Tiercel.refreshTags(value)).toBe(undefined)
    expect(await Tiercel.getExpiration(value)).toBe(Number.POSITIVE_INFINITY)
    expect(await Tiercel.set(value, value)).toBe(undefined)
    expect(await Tiercel.set(value, Promise.resolve(value))).toBe(undefined)
    expect(await Tiercel.set('odd', Promise.resolve(entryOf('x', { value })))).toBe(undefined)
    expect(await Tiercel.set('odd', Promise.resolve(entryOf('x', { tags: value })))).toBe(undefined)
    for (const field of ['stale', 'timestamp', 'expire', 'revalidate']) {
      const entry = entryOf('x', { [field]: value })
      expect(await Tiercel.set(`odd ${field}`, Promise.resolve(entry))).toBe(undefined)
      await Tiercel.get(`odd ${field}`, value)
    }
  }
}, 60_000)

test('chunks that are no bytes are not stored', async () => {
  for (const chunk of ['text', 1, {}, null, cycle, [1, 2]]) {
    const value = streamOf(chunk)
    await Tiercel.set('chunks', Promise.resolve(entryOf('', { value })))
    expect(await Tiercel.get('chunks', [])).toBe(undefined)
  }
})

test('constructors take anything', () => {
  for (const context of odd) expect(new Tiercel(context)).toBeInstanceOf(Tiercel)
  expect(new Tiercel({ serverDistDir: 1, revalidatedTags: 'x' })).toBeInstanceOf(Tiercel)
  expect(new Tiercel().resetRequestCache()).toBe(undefined)
})

test('methods may be called without their object', async () => {
  const { get, set, updateTags, refreshTags, getExpiration } = Tiercel
  await set('loose', Promise.resolve(entryOf('x')))
  expect(await textOf(await get('loose', []))).toBe('x')
  await Promise.all([updateTags(['nobody']), refreshTags(), getExpiration([])])
})

test('nothing of this was a panic', () => {
  expect(Tiercel.stats().panics).toBe(0)
})
