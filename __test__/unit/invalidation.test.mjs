import { expect, test } from 'vitest'
import {
  entryOf,
  fetched,
  hour,
  load,
  looksPast,
  now,
  ofFetch,
  ofPage,
  page,
  pause,
  setFetch,
  tagged,
  textOf,
  until,
} from './support.mjs'

// No waiting for a fetch under way: whether there is an answer is what counts here.
process.env.TIERCEL_FETCH_WAIT_MS = '0'
const Tiercel = load()

/** One tag in one of each: a page, a route, a fetch, a `'use cache'` entry. */
const stores = {
  page: {
    set: (key, tag) => new Tiercel().set(key, page(tagged('other', tag)), hour),
    get: (key, soft) => new Tiercel().get(key, { ...ofPage, softTags: soft }),
  },
  route: {
    set: (key, tag) => {
      const value = { kind: 'APP_ROUTE', body: Buffer.from('x'), status: 200, ...tagged(tag, 'b') }
      return new Tiercel().set(key, value, hour)
    },
    get: (key, soft) => new Tiercel().get(key, { kind: 'APP_ROUTE', softTags: soft }),
  },
  fetch: {
    set: (key, tag) => new Tiercel().set(key, fetched('x'), setFetch(['other', tag])),
    get: (key, soft) => new Tiercel().get(key, ofFetch([], soft)),
  },
  'use cache': {
    set: (key, tag) => Tiercel.set(key, Promise.resolve(entryOf('x', { tags: ['other', tag] }))),
    get: (key, soft = []) => Tiercel.get(key, soft),
  },
}

const calls = {
  revalidateTag: (...args) => new Tiercel().revalidateTag(...args),
  updateTags: (...args) => Tiercel.updateTags(...args),
  expireTags: (...args) => Tiercel.expireTags(...args),
}

const isStale = (found) =>
  found.lastModified === undefined ? looksPast(found) : found.lastModified < now() - 1_900

let names = 0
const newName = () => `name${++names}`

for (const [what, { set, get }] of Object.entries(stores)) {
  for (const [how, invalidate] of Object.entries(calls)) {
    test(`${how} without durations is a miss at once: ${what}`, async () => {
      const [key, tag] = [newName(), newName()]
      await set(key, tag)
      await invalidate([newName()])
      expect((await get(key)) ?? null).not.toBe(null)
      await invalidate([newName(), tag])
      expect((await get(key)) ?? null).toBe(null)
      await set(key, tag)
      expect(isStale(await get(key))).toBe(false)
    })

    test(`${how} with durations makes stale, and one tag may come alone: ${what}`, async () => {
      for (const durations of [{ expire: 31_536_000 }, { expire: 60 }, {}]) {
        const [key, tag] = [newName(), newName()]
        await set(key, tag)
        await invalidate(tag, durations)
        expect(isStale(await get(key)), JSON.stringify(durations)).toBe(true)
        await set(key, tag)
        expect(isStale(await get(key)), JSON.stringify(durations)).toBe(false)
      }
    })
  }

  test(`expire: 0 is a miss at once: ${what}`, async () => {
    for (const expire of [0, -1]) {
      const [key, tag] = [newName(), newName()]
      await set(key, tag)
      await Tiercel.updateTags([tag], { expire })
      expect((await get(key)) ?? null).toBe(null)
    }
  })

  test(`what is stale is a miss once its deadline is past: ${what}`, async () => {
    const [key, tag] = [newName(), newName()]
    await set(key, tag)
    await Tiercel.updateTags([tag], { expire: 0.3 })
    // A machine under load may come too late to see it stale.
    const found = await get(key)
    if (found) expect(isStale(found)).toBe(true)
    await until('it is a miss', async () => ((await get(key)) ? undefined : true), {
      within: 2_000,
    })
  })

  test(`a soft tag counts for who asks with it, and for nobody else: ${what}`, async () => {
    const [key, hard, soft] = [newName(), newName(), newName()]
    await set(key, newName())
    await Tiercel.updateTags([soft], { expire: 60 })
    expect(isStale(await get(key, [soft]))).toBe(true)
    await Tiercel.updateTags([hard])
    expect((await get(key, [soft, hard])) ?? null).toBe(null)
    expect(isStale(await get(key, ['untouched']))).toBe(false)
    await set(key, newName())
    expect(isStale(await get(key, [soft, hard]))).toBe(false)
  })
}

test('an invalidation through either interface counts in both', async () => {
  const tag = newName()
  const keys = Object.keys(stores).map(() => newName())
  const all = Object.values(stores)
  await Promise.all(all.map(({ set }, n) => set(keys[n], tag)))
  await new Tiercel().revalidateTag([tag])
  for (const [n, { get }] of all.entries()) expect((await get(keys[n])) ?? null).toBe(null)
})

test('an invalidation is in effect when it resolves, for gets that begin in the same turn', async () => {
  const [key, tag] = [newName(), newName()]
  await stores.fetch.set(key, tag)
  const invalidated = Tiercel.updateTags([tag])
  const get = stores.fetch.get(key)
  await invalidated
  expect(await get).toBe(null)
})

test('a hard invalidation is not softened by a later soft one', async () => {
  const [key, tag] = [newName(), newName()]
  await stores.page.set(key, tag)
  await Tiercel.updateTags([tag])
  await Tiercel.updateTags([tag], { expire: 60 })
  expect(await stores.page.get(key)).toBe(null)
})

test('the earlier of two deadlines holds', async () => {
  const [key, tag] = [newName(), newName()]
  await stores.fetch.set(key, tag)
  await Tiercel.updateTags([tag], { expire: 0.05 })
  await Tiercel.updateTags([tag], { expire: 3_600 })
  await until('it is a miss', async () => ((await stores.fetch.get(key)) ? undefined : true), {
    within: 2_000,
  })
})

test('a fetch is judged by the tags of who asks, which may be newer than its own', async () => {
  const key = newName()
  await new Tiercel().set(key, fetched('x'), setFetch(['old']))
  await new Tiercel().revalidateTag('newer')
  expect(await new Tiercel().get(key, ofFetch(['old']))).not.toBe(null)
  expect(await new Tiercel().get(key, ofFetch(['old', 'newer']))).toBe(null)
})

test('a page of the pages router has no tags', async () => {
  const value = { kind: 'PAGES', html: '', pageData: {}, ...tagged('pages-tag'), status: 200 }
  await new Tiercel().set('/pages', value, hour)
  await Tiercel.updateTags(['pages-tag'])
  expect(await new Tiercel().get('/pages', { kind: 'PAGES' })).not.toBe(null)
})

test('tags of a page are a list as Next.js writes it, implicit ones and their slashes included', async () => {
  const tags = ['_N_T_/layout', '_N_T_/blog/[slug]/page', '_N_T_/blog/b', 'ä b', '%C3%A4']
  for (const tag of tags) {
    await new Tiercel().set('/blog/b', page(tagged(...tags)), hour)
    await Tiercel.updateTags([tag.slice(1), `${tag}x`])
    expect(await new Tiercel().get('/blog/b', ofPage), tag).not.toBe(null)
    await Tiercel.updateTags([tag])
    expect(await new Tiercel().get('/blog/b', ofPage), tag).toBe(null)
  }
})

test('a stale entry is served until somebody stores a new one', async () => {
  const [key, tag] = [newName(), newName()]
  await stores['use cache'].set(key, tag)
  await Tiercel.updateTags([tag], { expire: 60 })
  const found = await Tiercel.get(key, [])
  expect([looksPast(found), await textOf(found)]).toEqual([true, 'x'])
  // To the others it looks fresh, and not for long.
  for (let n = 0; n < 3; n++) {
    const found = await Tiercel.get(key, [])
    expect([found.revalidate, await textOf(found)]).toEqual([900, 'x'])
    const left = found.timestamp + found.revalidate * 1_000 - now()
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(2_000)
  }
  await pause(2)
  await stores['use cache'].set(key, tag)
  expect((await Tiercel.get(key, [])).revalidate).toBe(900)
})
