import { expect, test } from 'vitest'
import {
  entryOf,
  hour,
  load,
  looksPast,
  now,
  ofPage,
  page,
  pause,
  readAll,
  tagged,
  textOf,
} from './support.mjs'

// Next.js hands the answer to one get to others that never asked, and takes lifetime and tags over
// into what they make of it. What is meant for one reader must not become part of that.

const Tiercel = load()
const HEADER = 'x-next-cache-tags'

let names = 0
const newName = () => `name${++names}`

const store = (key, body, more) => Tiercel.set(key, Promise.resolve(entryOf(body, more)))

/** What Next.js gives an outer entry that is made of these: `propagateCacheLifeAndTags...`. */
const madeOf = (...inner) => ({
  tags: [...new Set(inner.flatMap(({ tags }) => tags))],
  stale: Math.min(300, ...inner.map(({ stale }) => stale)),
  revalidate: Math.min(900, ...inner.map(({ revalidate }) => revalidate)),
  expire: Math.min(3_600, ...inner.map(({ expire }) => expire)),
})

/** Answers of a stale entry: of who is to generate, and of somebody else. */
async function stale(key, tag, durations = { expire: 600 }) {
  await store(key, 'old', { tags: [tag], revalidate: 800, expire: 4_000 })
  await Tiercel.updateTags([tag], durations)
  const [leader, other] = [await Tiercel.get(key, []), await Tiercel.get(key, [])]
  expect([looksPast(leader), looksPast(other)]).toEqual([true, false])
  return { leader, other }
}

const lifetimes = [
  { revalidate: 800, expire: 4_000 },
  { revalidate: 1, expire: 60 },
  { revalidate: 0.25, expire: 60 },
  { revalidate: 31_536_000, expire: 4_294_967_294 },
]

test.for(lifetimes)('who is told of something stale is told its own lifetime: %o', async (life) => {
  const [key, tag] = [newName(), newName()]
  await store(key, 'old', { tags: [tag], ...life })
  await Tiercel.updateTags([tag], {})
  for (const isPast of [true, false]) {
    const found = await Tiercel.get(key, [])
    expect(found).toMatchObject({ ...life, stale: 300 })
    expect(looksPast(found)).toBe(isPast)
    // Next.js shows nothing that is past its end.
    expect(found.timestamp + found.expire * 1_000).toBeGreaterThan(now())
    expect(found.timestamp).toBeGreaterThan(0)
  }
})

test.for([
  [{ revalidate: 60, expire: 60 }],
  [{ revalidate: 4_294_967_294, expire: 4_294_967_294 }],
  [{ revalidate: Number.POSITIVE_INFINITY, expire: Number.POSITIVE_INFINITY }],
])('one that dies when it turns stale can be shown as stale all the same: %o', async ([life]) => {
  const [key, tag] = [newName(), newName()]
  await store(key, 'old', { tags: [tag], ...life })
  await Tiercel.updateTags([tag], {})
  const found = await Tiercel.get(key, [])
  expect(looksPast(found)).toBe(true)
  expect(found.timestamp + found.expire * 1_000).toBeGreaterThan(now())
  // Less is an error to Next.js, and what is before its first moment is taken for dead.
  expect(found.revalidate).toBeGreaterThan(1)
  expect(found.timestamp).toBeGreaterThan(0)
})

test.for(['leader', 'other'])(
  "what is made of a stale entry is stale: 'use cache', %s",
  async (who) => {
    const [inner, outer, tag] = [newName(), newName(), newName()]
    const answers = await stale(inner, tag)
    await store(outer, 'made of old', madeOf(answers[who]))
    const found = await Tiercel.get(outer, [])
    expect([looksPast(found), await textOf(found)]).toEqual([true, 'made of old'])
    // Of what is made of it in turn, too.
    const outmost = newName()
    await store(outmost, 'made of that', madeOf(found))
    expect(looksPast(await Tiercel.get(outmost, []))).toBe(true)
    await store(outer, 'new', { tags: [tag] })
    const renewed = await Tiercel.get(outer, [])
    expect([looksPast(renewed), renewed.tags, await textOf(renewed)]).toEqual([false, [tag], 'new'])
  },
)

test.for(['leader', 'other'])('what is made of a stale entry is stale: a page, %s', async (who) => {
  const [inner, path, tag] = [newName(), `/${newName()}`, newName()]
  const answers = await stale(inner, tag)
  const { tags, revalidate, expire } = madeOf(answers[who])
  const shown = page({ html: 'made of old', ...tagged(...tags, '_N_T_/p') })
  await new Tiercel().set(path, shown, { cacheControl: { revalidate, expire } })
  const found = await new Tiercel().get(path, ofPage)
  expect(found.value.html).toBe('made of old')
  expect(found.lastModified).toBeLessThan(now() - 1_900)
  // Of the trace nothing is left in what Next.js is shown.
  expect(found.value.headers[HEADER]).toBe(`${tag},_N_T_/p`)
  await new Tiercel().set(path, page({ html: 'new', ...tagged(tag) }), hour)
  const renewed = await new Tiercel().get(path, ofPage)
  expect([renewed.value.html, renewed.lastModified > now() - 1_900]).toEqual(['new', true])
})

test('what is made of a stale entry dies with it', async () => {
  const [inner, outer, tag] = [newName(), newName(), newName()]
  const { leader } = await stale(inner, tag, { expire: 1 })
  await store(outer, 'made of old', madeOf(leader))
  expect(await Tiercel.get(outer, [])).toBeDefined()
  await pause(1_050)
  expect(await Tiercel.get(outer, [])).toBe(undefined)
})

test('what is made of an entry that is stale by age is so, too', async () => {
  const [inner, outer] = [newName(), newName()]
  const life = { revalidate: 60, expire: 3_600 }
  await store(inner, 'old', { ...life, timestamp: now() - 61_000 })
  const found = await Tiercel.get(inner, [])
  expect([looksPast(found), found.revalidate]).toEqual([true, 60])
  await store(outer, 'made of old', madeOf(found))
  const made = await Tiercel.get(outer, [])
  expect([looksPast(made), made.revalidate, await textOf(made)]).toEqual([true, 60, 'made of old'])
  await store(inner, 'new', life)
  await store(outer, 'new', madeOf(await Tiercel.get(inner, [])))
  expect(looksPast(await Tiercel.get(outer, []))).toBe(false)
})

test('what is made of a fresh entry is fresh, and no tag of ours is seen', async () => {
  const [inner, outer, tag] = [newName(), newName(), newName()]
  await store(inner, 'new', { tags: [tag] })
  const found = await Tiercel.get(inner, [])
  expect(found.tags).toEqual([tag])
  await store(outer, 'new', madeOf(found))
  expect(looksPast(await Tiercel.get(outer, []))).toBe(false)
})

test('what a later invalidation kills is not brought back by a trace', async () => {
  const [inner, outer, tag] = [newName(), newName(), newName()]
  const { leader } = await stale(inner, tag)
  await Tiercel.updateTags([tag])
  await store(outer, 'made of old', madeOf(leader))
  expect(await Tiercel.get(outer, [])).toBe(undefined)
  expect(await readAll(leader.value)).toEqual(Buffer.from('old'))
})
