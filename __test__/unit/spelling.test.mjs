import { expect, test } from 'vitest'
import {
  entryOf,
  fetched,
  hour,
  load,
  ofFetch,
  ofPage,
  page,
  setFetch,
  tagged,
} from './support.mjs'

// From 16.3.4 on Next.js percent-encodes what no header may hold, and before it does not. Whoever
// invalidates by themselves spells a tag as they like.

const Tiercel = load()

/** `encodeHeaderSafe` of Next.js. */
const encoded = (tag) => tag.replace(/[^\t\x20-\x7e]+/g, (run) => encodeURIComponent(run))

const stores = {
  'use cache': {
    set: (key, tag) => Tiercel.set(key, Promise.resolve(entryOf('x', { tags: ['other', tag] }))),
    get: (key) => Tiercel.get(key, []),
  },
  'use cache, by soft tag': {
    set: (key) => Tiercel.set(key, Promise.resolve(entryOf('x'))),
    get: (key, tag) => Tiercel.get(key, [tag]),
  },
  page: {
    set: (key, tag) => new Tiercel().set(key, page(tagged('other', tag)), hour),
    get: (key) => new Tiercel().get(key, ofPage),
  },
  fetch: {
    set: (key, tag) => new Tiercel().set(key, fetched('x'), setFetch([tag])),
    get: (key, tag) => new Tiercel().get(key, ofFetch([tag])),
  },
}

const tags = ['späti', 'spät 👍', '_N_T_/grün/[slug]/page', 'a\u007fb', '你好']
const calls = [(tags) => Tiercel.updateTags(tags), (tags) => new Tiercel().revalidateTag(tags)]

for (const [what, { set, get }] of Object.entries(stores)) {
  test.for(tags)(`a tag is one tag in whatever spelling: ${what}, %s`, async (tag) => {
    const key = `${what} ${tag}`
    for (const stored of [tag, encoded(tag)]) {
      for (const given of [tag, encoded(tag)]) {
        for (const invalidate of calls) {
          await set(key, stored)
          expect(await get(key, stored)).toBeTruthy()
          await invalidate([`${given}x`])
          expect(await get(key, stored), 'another tag').toBeTruthy()
          await invalidate([given])
          expect((await get(key, stored)) ?? null, `${stored} by ${given}`).toBe(null)
        }
      }
    }
  })
}

test('an entry shows its tags as they were spelled', async () => {
  for (const tag of ['späti', encoded('späti')]) {
    await stores['use cache'].set('as it was', tag)
    expect((await Tiercel.get('as it was', [])).tags).toEqual(['other', tag])
  }
})
