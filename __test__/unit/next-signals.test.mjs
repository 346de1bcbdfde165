import { describe, test } from 'vitest'
import { appWith, hour, inChild, page, tagged } from './support.mjs'

// How each minor is told that a tag went stale. It reads its own version from the app's directory.
const versions = ['16.0.11', '16.2.12', '16.3.8', '16.4.6']

/** In an app: stores pages and fetches, makes them stale by tag or age, and tells what is found. */
async function ask({ index, value, fetched }) {
  const Tiercel = require(index)
  const now = () => performance.timeOrigin + performance.now()
  const kind = 'APP_PAGE'
  const set = (key, cacheControl) => new Tiercel().set(key, value, { cacheControl })
  await set('/numeric', { revalidate: 60, expire: 3_600 })
  await set('/forever', { revalidate: false, expire: undefined })
  await set('/by-age', { revalidate: 0.5, expire: 3_600 })
  await set('/expired', { revalidate: 0.01, expire: 0.02 })
  await new Tiercel().set('fetch', fetched, { tags: ['tag'] })
  const real = (await new Tiercel().get('/numeric', { kind })).lastModified
  const aged = (await new Tiercel().get('/by-age', { kind })).lastModified
  await new Promise((wake) => setTimeout(wake, 600))
  const byAge = await new Tiercel().get('/by-age', { kind })
  const expired = await new Tiercel().get('/expired', { kind })
  await Tiercel.updateTags(['tag'], { expire: 60 })
  const [numeric, forever] = [
    await new Tiercel().get('/numeric', { kind }),
    await new Tiercel().get('/forever', { kind }),
  ]
  const fetch = await new Tiercel().get('fetch', { kind: 'FETCH', tags: ['tag'] })
  await Tiercel.updateTags(['tag'])
  const gone = [
    await new Tiercel().get('/numeric', { kind }),
    await new Tiercel().get('fetch', { kind: 'FETCH', tags: ['tag'] }),
  ]
  return {
    age: now() - numeric.lastModified,
    numeric,
    forever,
    fetch,
    byAge: byAge.lastModified === aged && byAge.cacheControl,
    expired,
    gone,
    hasMoved: numeric.lastModified < real,
  }
}

const given = {
  hour,
  routeKey: '/route-cache/APP_PAGE/0123/$/index',
  value: page({ ...tagged('tag'), rscData: undefined }),
  fetched: { kind: 'FETCH', data: { headers: {}, body: 'x', status: 200 }, revalidate: 60 },
}

describe.concurrent.each(versions)('Next.js %s', (version) => {
  const isBrief = version >= '16.4'

  test('learns in its own words what is stale or dead', async (context) => {
    const { answer, stderr } = await inChild(ask, { cwd: appWith(context, version), given })
    const { expect } = context
    expect(stderr).toBe('')
    expect(answer.gone).toEqual([null, null])
    expect(answer.fetch).toMatchObject({ lastModified: -1, value: given.fetched })
    expect(answer.numeric.value.html).toBe(given.value.html)
    expect(answer.hasMoved).toBe(true)
    expect(answer.age).toBeGreaterThan(isBrief ? 1_990 : 60_990)
    expect(answer.numeric.cacheControl).toEqual({ revalidate: isBrief ? 1 : 60, expire: 3_600 })
    expect(answer.forever.cacheControl).toEqual({ revalidate: isBrief ? 1 : false })
    if (!isBrief) expect(answer.forever.lastModified).toBe(-2)
    // Age Next.js sees by itself, and from 16.3 on also the end of a life.
    expect(answer.byAge).toEqual({ revalidate: 0.5, expire: 3_600 })
    expect(answer.expired?.value.html).toBe(version >= '16.3' ? given.value.html : undefined)
  })

  test('learns the lifetime of a page it did not render, where it does not read the answer', async (context) => {
    const { answer } = await inChild(lifetimes, { cwd: appWith(context, version), given })
    const pages = answer.filter(([key]) => key !== 'image')
    context.expect(pages).toEqual(isBrief ? [] : remembered)
  })

  test('keeps its table of lifetimes to pages', async (context) => {
    const { answer } = await inChild(lifetimes, { cwd: appWith(context, version), given })
    context.expect(answer.filter(([key]) => key === 'image')).toEqual([])
  })

  test("lets who misses a 'use cache' entry wait where Next.js does not", async (context) => {
    const { answer } = await inChild(joins, { cwd: appWith(context, version), given })
    context.expect(answer).toEqual(version < '16.3' ? ['x', 'x'] : [null, null])
  })
})

const remembered = [
  ['/', hour.cacheControl],
  ['/blog/b', hour.cacheControl],
  [given.routeKey, hour.cacheControl],
]

/** In an app: what stands in Next's table of lifetimes after hits of pages, a fetch and an image. */
async function lifetimes({ index, value, fetched, routeKey, hour }) {
  const Tiercel = require(index)
  const path = 'dist/server/lib/incremental-cache/shared-cache-controls.external.js'
  const table = require(`${process.cwd()}/node_modules/next/${path}`)
  for (const key of ['/index', '/blog/b', routeKey]) {
    await new Tiercel().set(key, value, hour)
    await new Tiercel().get(key, { kind: 'APP_PAGE' })
  }
  await new Tiercel().set('fetch', fetched, hour)
  await new Tiercel().get('fetch', { kind: 'FETCH' })
  await new Tiercel().set('image', { kind: 'IMAGE', buffer: Buffer.from('x') }, hour)
  await new Tiercel().get('image', { kind: 'IMAGE' })
  return [...table.SharedCacheControls.cacheControls]
}

/** In an app: two that come while a first one generates, with nothing said of a set yet. */
async function joins({ index }) {
  const Tiercel = require(index)
  const first = await Tiercel.get('key', [])
  const others = [Tiercel.get('key', []), Tiercel.get('key', [])]
  await new Promise((wake) => setTimeout(wake, 20))
  const value = new Blob(['x']).stream()
  const timestamp = performance.timeOrigin + performance.now()
  const entry = { value, tags: [], stale: 1, timestamp, expire: 60, revalidate: 60 }
  await Tiercel.set('key', Promise.resolve(entry))
  const text = async (found) => (found ? new Response(found.value).text() : null)
  return first ? 'no miss' : Promise.all((await Promise.all(others)).map(text))
}
