import { expect, test } from 'vitest'
import { appWith, inChild } from './support.mjs'

// One user call arrives as two handler calls, and a server action repeats both once it has
// rendered: taken at their word, they would kill what the action has just generated.

/** In an app: runs the calls of one request, `[tag, durations, revalidatedAt]`, with a generation
 * after the `at`th; tells how many counted, and whether what was generated is served. */
async function request({ index, calls, at }) {
  const Tiercel = require(index)
  const path = 'dist/server/app-render/work-async-storage.external.js'
  const { workAsyncStorage } = require(`${process.cwd()}/node_modules/next/${path}`)
  const value = { kind: 'FETCH', data: { headers: {}, body: 'x', status: 200 }, revalidate: 60 }
  const pendingRevalidatedTags = []
  const before = Tiercel.stats().invalidations
  await workAsyncStorage.run({ pendingRevalidatedTags }, async () => {
    const handler = new Tiercel()
    for (const [n, [tag, durations, revalidatedAt]] of calls.entries()) {
      if (n === at) {
        await handler.get('key', { kind: 'FETCH', tags: ['a'] })
        await handler.set('key', value, { tags: ['a'] })
      }
      const isSame = (one) => one.tag === tag && one.revalidatedAt === revalidatedAt
      if (!pendingRevalidatedTags.some(isSame)) pendingRevalidatedTags.push({ tag, revalidatedAt })
      await Tiercel.updateTags([tag], durations ?? undefined)
      await handler.revalidateTag([tag], durations ?? undefined)
    }
  })
  const found = await new Tiercel().get('key', { kind: 'FETCH', tags: ['a'] })
  const is = found ? (found.lastModified === -1 ? 'stale' : 'fresh') : 'gone'
  return [Tiercel.stats().invalidations - before, is]
}

const run = async (test, version, calls, at) => {
  const { answer } = await inChild(request, { cwd: appWith(test, version), given: { calls, at } })
  return answer
}

for (const version of ['16.0.11', '16.2.12', '16.3.8', '16.4.6']) {
  // The moment of the user's call is told from 16.4 on.
  const when = version >= '16.4' ? 1 : undefined

  test.concurrent(`what an action generates survives the repeat of its calls: ${version}`, async (test) => {
    const calls = [
      ['a', null, when],
      ['a', null, when],
    ]
    expect(await run(test, version, calls, 1)).toEqual([1, 'fresh'])
  })
}

test.concurrent('a call for another tag counts', async (test) => {
  const calls = [
    ['b', null, 1],
    ['a', null, 2],
  ]
  expect(await run(test, '16.4.6', calls, 1)).toEqual([2, 'gone'])
})

test.concurrent('a call with other durations counts', async (test) => {
  const calls = [
    ['a', { expire: 31_536_000 }, 1],
    ['a', null, 1],
  ]
  expect(await run(test, '16.4.6', calls, 1)).toEqual([2, 'gone'])
  expect(
    await run(
      test,
      '16.2.12',
      [
        ['a', { expire: 60 }],
        ['a', { expire: 0 }],
      ],
      1,
    ),
  ).toEqual([2, 'gone'])
})

test.concurrent('a call without durations counts after one without an end', async (test) => {
  expect(
    await run(
      test,
      '16.2.12',
      [
        ['a', {}],
        ['a', null],
      ],
      0,
    ),
  ).toEqual([2, 'gone'])
})

test.concurrent('a second call of the user counts from 16.4 on', async (test) => {
  const calls = [
    ['a', null, 1],
    ['a', null, 2],
  ]
  expect(await run(test, '16.4.6', calls, 1)).toEqual([2, 'gone'])
})

test.concurrent('the repeat of two calls of the user is a repeat of both', async (test) => {
  const calls = [
    ['a', null, 1],
    ['a', null, 2],
    ['a', null, 1],
    ['a', null, 2],
  ]
  expect(await run(test, '16.4.6', calls, 2)).toEqual([2, 'fresh'])
})

/** In an app: two requests that invalidate the same tag. */
async function requests({ index }) {
  const Tiercel = require(index)
  const path = 'dist/server/app-render/work-async-storage.external.js'
  const { workAsyncStorage } = require(`${process.cwd()}/node_modules/next/${path}`)
  for (let n = 0; n < 2; n++) {
    await workAsyncStorage.run({}, () => Tiercel.updateTags(['a']))
    await Tiercel.updateTags(['a'])
  }
  return Tiercel.stats().invalidations
}

test.concurrent('each request counts for itself, and so does each call outside of one', async (test) => {
  const { answer } = await inChild(requests, { cwd: appWith(test, '16.2.12') })
  expect(answer).toBe(4)
})

/** In an app: a request in which somebody calls the handler themselves, twice. */
async function direct({ index }) {
  const Tiercel = require(index)
  const path = 'dist/server/app-render/work-async-storage.external.js'
  const { workAsyncStorage } = require(`${process.cwd()}/node_modules/next/${path}`)
  await workAsyncStorage.run({ pendingRevalidatedTags: [{ tag: 'other' }] }, async () => {
    await Tiercel.updateTags(['a'])
    await Tiercel.updateTags(['a'])
  })
  return Tiercel.stats().invalidations
}

test.concurrent('a call that Next.js did not make counts each time', async (test) => {
  const { answer } = await inChild(direct, { cwd: appWith(test, '16.4.6') })
  expect(answer).toBe(2)
})

/** In an app whose Next.js has both interfaces of ours: the calls of a server action, with calls that
 * its own code makes. `user` is a call of the user for the tag, `next` what Next.js makes of all so
 * far, `direct` and `handler` are calls by the app. Tells how many counted after each. */
async function action({ index, steps }) {
  const Tiercel = require(index)
  const path = 'dist/server/app-render/work-async-storage.external.js'
  const { workAsyncStorage } = require(`${process.cwd()}/node_modules/next/${path}`)
  globalThis[Symbol.for('@next/cache-handlers-set')] = new Set([{ updateTags() {} }, Tiercel])
  const cacheHandler = new Tiercel()
  const pendingRevalidatedTags = []
  const store = { pendingRevalidatedTags, incrementalCache: { cacheHandler } }
  const does = {
    user: (at) => pendingRevalidatedTags.push({ tag: 'a', revalidatedAt: at }),
    next() {
      const tags = pendingRevalidatedTags.map(({ tag }) => tag)
      return Promise.all([Tiercel.updateTags(tags), cacheHandler.revalidateTag(tags, undefined)])
    },
    direct: () => Tiercel.updateTags(['a']),
    handler: () => new Tiercel().revalidateTag(['a']),
  }
  const before = Tiercel.stats().invalidations
  const counted = []
  await workAsyncStorage.run(store, async () => {
    for (const [n, step] of steps.entries()) {
      await does[step](n)
      counted.push(Tiercel.stats().invalidations - before)
    }
  })
  return counted
}

test.concurrent.for([
  // What Next.js repeats counts once, and what an app calls by itself counts each time.
  [
    ['user', 'next', 'direct', 'next'],
    [0, 1, 2, 2],
  ],
  [
    ['user', 'direct', 'next', 'next'],
    [0, 1, 2, 2],
  ],
  [
    ['user', 'direct', 'direct', 'handler'],
    [0, 1, 2, 3],
  ],
  [
    ['user', 'next', 'handler', 'direct', 'next'],
    [0, 1, 2, 3, 3],
  ],
])(
  'a call of the app beside one of Next.js for the same tag counts: %j',
  async ([steps, counted], test) => {
    for (const version of ['16.0.11', '16.4.6']) {
      const { answer } = await inChild(action, { cwd: appWith(test, version), given: { steps } })
      expect(answer, version).toEqual(counted)
    }
  },
)
