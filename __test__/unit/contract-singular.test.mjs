import { expect, test } from 'vitest'
import { deepFreeze, fetched, hour, load, now, ofFetch, ofPage, page } from './support.mjs'
import {
  bodies,
  everyByte,
  fetches,
  image,
  pages,
  pagesRouter,
  routes,
  texts,
  textual,
} from './values.mjs'

const Tiercel = load()

let keys = 0
const newKey = () => `/key/${++keys}`

/** What a get returns for `value`, in a handler of its own as in a request of its own. */
async function roundTrip(value, setContext, getContext, key = newKey()) {
  await new Tiercel().set(key, value, setContext)
  return new Tiercel().get(key, getContext)
}

test.each(Object.entries(pages))('a page comes back in the types it had: %s', async (_, value) => {
  const found = await roundTrip(value, hour, ofPage)
  expect(found.value).toEqual(value)
  for (const part of [found.value.rscData, ...(found.value.segmentData?.values() ?? [])]) {
    if (typeof part === 'object') expect(Buffer.isBuffer(part)).toBe(true)
  }
  expect(found.value.segmentData instanceof Map).toBe(value.segmentData instanceof Map)
  expect(Object.keys(found.value).filter((name) => !(name in value))).toEqual([])
})

test('a null among the parts of a page is as good as none', async () => {
  const { value } = await roundTrip(page({ rscData: null, segmentData: null }), hour, ofPage)
  expect(value.rscData ?? undefined).toBe(undefined)
  expect(value.segmentData ?? undefined).toBe(undefined)
})

test.each(Object.entries(routes))(
  'a route comes back in the types it had: %s',
  async (_, value) => {
    const found = await roundTrip(value, hour, { kind: 'APP_ROUTE', isFallback: false })
    expect(found.value).toStrictEqual(value)
    expect(Buffer.isBuffer(found.value.body)).toBe(true)
  },
)

test.each(Object.entries(pagesRouter))('the pages router gets back: %s', async (_, value) => {
  const found = await roundTrip(value, hour, { kind: 'PAGES', isFallback: false })
  expect(found.value).toStrictEqual(value)
})

test.each(Object.entries(fetches))('a fetch comes back as it was: %s', async (_, value) => {
  const found = await roundTrip(value, { fetchCache: true, tags: [] }, ofFetch())
  expect(found.value).toStrictEqual(value)
})

test('unstable_cache of undefined comes back without a body', async () => {
  const found = await roundTrip(fetched(undefined), { fetchCache: true, tags: [] }, ofFetch())
  expect(found.value.data.body).toBe(undefined)
  expect(found.value).toEqual(fetched(undefined))
})

test.each(Object.entries(bodies))('an image comes back as it was: %s', async (_, body) => {
  const value = image(body)
  const found = await roundTrip(value, hour, { kind: 'IMAGE', isFallback: false })
  expect(found.value).toStrictEqual(value)
  expect(Buffer.isBuffer(found.value.buffer)).toBe(true)
})

test.each(Object.entries(texts))('text survives wherever it stands: %s', async (_, text) => {
  const { value, entry } = textual(text)
  expect((await roundTrip(value, hour, ofPage, `/t/${text}`)).value).toEqual(value)
  const context = { fetchCache: true, tags: [text] }
  expect((await roundTrip(entry, context, ofFetch([text], [text]), text)).value).toEqual(entry)
})

test('null answers for a page or route of either router, and for nothing else', async () => {
  const key = newKey()
  await new Tiercel().set(key, null, hour)
  for (const kind of ['APP_PAGE', 'PAGES', 'APP_ROUTE', 'APP_PAGE']) {
    const found = await new Tiercel().get(key, { kind })
    expect(found, kind).toMatchObject({ value: null, cacheControl: hour.cacheControl })
  }
  for (const kind of ['FETCH', 'IMAGE']) expect(await new Tiercel().get(key, { kind })).toBe(null)
})

test('keys that look alike stay apart', async () => {
  const long = 'k'.repeat(10_240)
  const alike = [
    '',
    ' ',
    '/',
    '\\',
    '\0',
    ',',
    ':',
    '|',
    '\n',
    '"',
    '%',
    '{}',
    '..',
    '/a/../b',
    '/b',
  ]
  alike.push('\uD800', '\uD801', '\uDC00', '\uFFFD', '\uD800\uD800', 'é', 'e\u0301', 'É')
  alike.push(
    long,
    `${long}x`,
    `x${long}`,
    '__proto__',
    'constructor',
    'x'.repeat(511),
    'x'.repeat(512),
  )
  const handler = new Tiercel()
  for (const [n, key] of alike.entries()) {
    await handler.set(`apart${key}`, fetched(String(n)), { fetchCache: true, tags: [] })
  }
  for (const [n, key] of alike.entries()) {
    const found = await new Tiercel().get(`apart${key}`, ofFetch())
    expect(found?.value.data.body, JSON.stringify(key.slice(0, 20))).toBe(String(n))
  }
})

test('an entry may have 128 tags, each of which invalidates it', async () => {
  const tags = Array.from({ length: 128 }, (_, n) => `many/${n}/${'t'.repeat(240)}`)
  for (const tag of [tags[0], tags[77], tags[127]]) {
    await new Tiercel().set('many', fetched('x'), { fetchCache: true, tags })
    expect(await new Tiercel().get('many', ofFetch())).not.toBe(null)
    await new Tiercel().revalidateTag(tag)
    expect(await new Tiercel().get('many', ofFetch())).toBe(null)
  }
})

test('tags that differ only in lone surrogates stay apart', async () => {
  const key = newKey()
  await new Tiercel().set(key, fetched('x'), { fetchCache: true, tags: ['lone\uD800'] })
  await new Tiercel().revalidateTag(['lone\uD801', 'lone\uFFFD'])
  expect(await new Tiercel().get(key, ofFetch())).not.toBe(null)
  await new Tiercel().revalidateTag('lone\uD800')
  expect(await new Tiercel().get(key, ofFetch())).toBe(null)
})

test('a value of another kind under the key is a miss', async () => {
  const values = {
    APP_PAGE: page(),
    APP_ROUTE: { kind: 'APP_ROUTE', body: Buffer.from('x'), status: 200, headers: {} },
    PAGES: { kind: 'PAGES', html: '', pageData: {}, headers: {}, status: 200 },
    FETCH: fetched('x'),
    IMAGE: { kind: 'IMAGE', buffer: everyByte, etag: '', upstreamEtag: '', extension: '' },
  }
  for (const [stored, value] of Object.entries(values)) {
    const key = newKey()
    await new Tiercel().set(key, value, { ...hour, tags: [] })
    for (const kind of Object.keys(values)) {
      const found = await new Tiercel().get(key, { kind })
      expect(found?.value.kind, `${stored} asked for as ${kind}`).toBe(
        kind === stored ? kind : undefined,
      )
    }
  }
})

test.each([
  [{ revalidate: false, expire: undefined }],
  [{ revalidate: 60, expire: undefined }],
  [{ revalidate: 60, expire: 3600 }],
  [{ revalidate: 4_294_967_294, expire: 31_536_000 }],
])('cacheControl is returned as it was given: %j', async (cacheControl) => {
  const found = await roundTrip(page(), { cacheControl }, ofPage)
  expect(found.cacheControl).toEqual(cacheControl)
})

test("lastModified is the moment of the set on Next's clock", async () => {
  const before = now()
  const found = await roundTrip(page(), hour, ofPage)
  // Two clocks are read one after the other: a millisecond of tolerance.
  expect(found.lastModified).toBeGreaterThan(before - 1)
  expect(found.lastModified).toBeLessThan(now() + 1)
  expect((await new Tiercel().get(`/key/${keys}`, ofPage)).lastModified).toBe(found.lastModified)
})

test('two hits return one object', async () => {
  const first = await roundTrip(page(), hour, ofPage)
  expect(await new Tiercel().get(`/key/${keys}`, ofPage)).toBe(first)
})

test('a replaced value is returned anew', async () => {
  const key = newKey()
  await roundTrip(page({ html: 'old' }), hour, ofPage, key)
  expect((await roundTrip(page({ html: 'new' }), hour, ofPage, key)).value.html).toBe('new')
})

test('nothing that is handed over is changed', async () => {
  const value = deepFreeze(structuredClone(pages.full))
  const context = deepFreeze({ ...hour, tags: ['a'] })
  const key = newKey()
  const handler = new Tiercel(deepFreeze({ dev: false, revalidatedTags: [] }))
  await handler.set(key, value, context)
  await handler.get(key, deepFreeze({ ...ofPage, tags: ['a'], softTags: ['b'] }))
  await handler.revalidateTag(deepFreeze(['nobody']), deepFreeze({ expire: 1 }))
  expect(value).toEqual({
    ...pages.full,
    rscData: new Uint8Array(everyByte),
    segmentData: value.segmentData,
  })
  expect([...value.segmentData.keys()]).toEqual([...pages.full.segmentData.keys()])
})

test('what its giver changes later changes no entry', async () => {
  const value = page({
    rscData: Buffer.from('rsc'),
    segmentData: new Map([['/a', Buffer.from('seg')]]),
  })
  const key = newKey()
  await new Tiercel().set(key, value, hour)
  value.rscData.fill(0)
  value.segmentData.get('/a').fill(0)
  value.segmentData.clear()
  value.headers['x-late'] = '1'
  const found = await new Tiercel().get(key, ofPage)
  expect(found.value).toEqual(page({ segmentData: new Map([['/a', Buffer.from('seg')]]) }))
})
