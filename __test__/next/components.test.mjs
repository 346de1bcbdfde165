import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtMetadata, openFixture, startOrigin } from '../../tools/next/support.mjs'
import { useCachePromises } from './promises/use-cache.mjs'
import {
  answered,
  expectNewAtOnce,
  expectStaleThenNew,
  repliesUntilNew,
  settled,
} from './promises/watch.mjs'

describe('Next 16.4 with Cache Components', () => {
  let app
  let origin
  let server

  beforeAll(async () => {
    origin = await startOrigin()
    app = await openFixture('components-16.4', origin)
    await app.build()
    server = await app.start()
  })
  afterAll(async () => {
    await server?.stop()
    await origin?.stop()
  })

  it.each(['/', '/blog/first', '/en', '/fr', '/cached-action', '/proxied', '/api/cached'])(
    'the first request of %s after a build is a hit',
    async (path) => {
      expect(await server.get(path)).toMatchObject({ status: 200, cache: 'HIT' })
    },
  )

  it('options of withTiercel reach the build and the server', async () => {
    const capacityBytes = 48 << 20
    expect(await server.json('/api/cached')).toMatchObject({ capacityBytes })
    expect((await server.json('/api/stats')).stats.memory).toMatchObject({ capacityBytes })
  })

  it('a prerendered shell is kept while its hole is filled by every request', async () => {
    const first = await server.get('/ppr')
    const second = await server.get('/ppr')
    const hole = (reply) => /data-hole="([^"]+)"/.exec(reply.text)?.[1]
    expect(first.generation).toBe(second.generation)
    expect(hole(first)).toBeTruthy()
    expect(hole(first)).not.toBe(hole(second))
  })

  it('invalidating what a shell holds renews the shell', async () => {
    const { generation } = await server.get('/ppr')
    await server.invalidate({ tag: 'plain-ppr', how: 0 })
    const [renewed] = (await repliesUntilNew(server, '/ppr', generation)).slice(-1)
    expect((await server.get('/ppr')).generation).toBe(renewed.generation)
  })

  it('a path that no build knew is rendered, then the same for everybody', async () => {
    const first = await server.get('/blog/unknown')
    expect(first.status).toBe(200)
    expect((await server.get('/blog/unknown')).generation).toBe(first.generation)
  })

  it.each(['index', 'blog/first', 'ppr'])('all segments of %s can be prefetched', async (path) => {
    const { segmentPaths } = await builtMetadata(app, path)
    expect(segmentPaths).toContain('/_tree')
    for (const segment of segmentPaths) {
      const reply = await server.prefetch(`/${path.replace('index', '')}`, segment)
      expect([segment, reply.status]).toEqual([segment, 200])
      expect(reply.headers.get('content-type')).toContain('text/x-component')
    }
  })

  it('a client navigation gets the cached render', async () => {
    const page = await settled(server, '/blog/first')
    const reply = await server.navigate('/blog/first')
    expect(reply).toMatchObject({ status: 200, generation: page.generation })
  })

  it('a page of one cached entry: revalidateTag(tag, "max") is stale once, then new', async () => {
    const how = () => server.invalidate({ tag: 'blog-max', how: 'max' })
    await expectStaleThenNew(server, '/blog/max', how)
  })

  it.each([
    ['revalidateTag(tag, { expire: 0 })', '/blog/zero', { tag: 'blog-zero', how: 0 }],
    ['revalidatePath(path)', '/blog/path', { path: '/blog/path' }],
    ['revalidateTag(tag) of a route handler', '/api/cached', { tag: 'plain-route', how: 'bare' }],
  ])('a page of one cached entry: %s is new at once', async (_call, page, query) => {
    await expectNewAtOnce(server, page, () => server.invalidate(query))
  })

  it('a function that reads a root parameter has one entry for each of its values', async () => {
    const english = await settled(server, '/en')
    const french = await settled(server, '/fr')
    expect(english.generation).not.toBe(french.generation)
    await server.invalidate({ tag: 'greeting-en', how: 0 })
    await repliesUntilNew(server, '/en', english.generation)
    expect((await server.get('/fr')).generation).toBe(french.generation)
  })

  it('a value of a root parameter that no build knew is generated once', async () => {
    const first = await server.get('/de')
    expect(first.status).toBe(200)
    expect((await server.get('/de')).generation).toBe(first.generation)
  })

  useCachePromises(() => ({ server, origin }))

  it('every request goes through the addon of this process', async () => {
    const before = await server.json('/api/stats')
    await server.json('/api/cache?of=plain&name=once')
    const after = await server.json('/api/stats')
    expect(after.pid).toBe(before.pid)
    expect(answered(after.stats.useCache)).toBe(answered(before.stats.useCache) + 1)
  })

  it('nothing was logged but what Next says itself', () => {
    expect(server.log()).not.toMatch(/unhandled|tiercel:|TypeError|panicked/i)
  })
})
