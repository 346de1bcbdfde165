import { describe, expect, it } from 'vitest'
import { builtMetadata, until } from '../../../tools/next/support.mjs'
import {
  expectNewAtOnce,
  expectStaleThenNew,
  repliesUntilNew,
  settled,
  valuesUntilNew,
  waitFor,
} from './watch.mjs'

/** Every path that `next build` prerenders in the layer `isr`, with the status it answers. */
export const prerendered = [
  ['/', 200],
  ['/isr', 200],
  ['/proxied', 200],
  ['/action', 200],
  ['/blog/first', 200],
  ['/locked/first', 200],
  ['/blog/gr%C3%BCn%20%E4%BD%A0%E5%A5%BD', 200],
  ['/locked/gr%C3%BCn%20%E4%BD%A0%E5%A5%BD', 200],
  ['/api/static', 200],
  ['/api/binary', 200],
  ['/missing', 404],
  ['/moved', 307],
  ['/ssg', 200],
  ['/odd', 200],
  ['/posts/first', 200],
  ['/guides/first', 200],
  ['/_next/data/fixture/ssg.json', 200],
  ['/nowhere', 404],
  ['/locked/unknown', 404],
]

/**
 * What holds for the layer `isr` on every minor of Next.
 *
 * @param {() => { app: object, server: object, origin: object }} of
 */
export function isrPromises(of) {
  describe('first requests after a build, nothing cached', () => {
    it.each(prerendered)('%s is a hit with status %i', async (path, status) => {
      const reply = await of().server.get(path)
      expect(reply).toMatchObject({ status, cache: 'HIT' })
    })

    it('a path that no build knew is rendered once', async () => {
      const first = await of().server.get('/blog/unknown')
      expect(first).toMatchObject({ status: 200, cache: 'MISS' })
      const second = await of().server.get('/blog/unknown')
      expect(second).toMatchObject({ cache: 'HIT', generation: first.generation })
    })

    it('a path whose render says not found is rendered once', async () => {
      expect(await of().server.get('/blog/gone')).toMatchObject({ status: 404, cache: 'MISS' })
      expect(await of().server.get('/blog/gone')).toMatchObject({ status: 404, cache: 'HIT' })
    })
  })

  navigation(of)
  pagesRouter(of)
  time(of)
  tagsOfPages(of)
  tagsOfData(of)
  actions(of)
  drafts(of)
}

function navigation(of) {
  describe('navigation and conditional requests', () => {
    it('a client navigation gets the cached render', async () => {
      const { server } = of()
      const page = await settled(server, '/isr')
      const reply = await server.navigate('/isr')
      expect(reply).toMatchObject({ status: 200, cache: 'HIT', generation: page.generation })
      expect(reply.headers.get('content-type')).toContain('text/x-component')
    })

    it('every segment of a prerendered page can be prefetched', async () => {
      const { segmentPaths } = await builtMetadata(of().app, 'isr')
      expect(segmentPaths).toContain('/_tree')
      for (const segment of segmentPaths) {
        const reply = await of().server.prefetch('/isr', segment)
        expect([segment, reply.status, reply.cache]).toEqual([segment, 200, 'HIT'])
        expect(reply.headers.get('content-type')).toContain('text/x-component')
      }
    })

    it.each(['/isr', '/api/static', '/ssg'])('%s keeps its ETag between hits', async (path) => {
      const { server } = of()
      const first = await server.get(path)
      const second = await server.get(path)
      expect(second.headers.get('etag')).toBe(first.headers.get('etag'))
    })

    it.each(['/isr', '/ssg'])('%s answers 304 to its own ETag', async (path) => {
      const { server } = of()
      const etag = (await server.get(path)).headers.get('etag')
      const headers = { 'if-none-match': etag, 'cache-control': 'max-age=0' }
      expect((await server.get(path, headers)).status).toBe(304)
    })

    it('a cached fetch in proxy.js is made once', async () => {
      const { server, origin } = of()
      const first = await server.get('/proxied')
      const second = await server.get('/proxied')
      expect(first.headers.get('x-proxy-origin')).toMatch(/^\d+$/)
      expect(second.headers.get('x-proxy-origin')).toBe(first.headers.get('x-proxy-origin'))
      expect(origin.count('proxy')).toBe(Number(first.headers.get('x-proxy-origin')))
    })
  })
}

function pagesRouter(of) {
  describe('pages router', () => {
    it('fallback: true shows the shell, then what its data request generated', async () => {
      const { server } = of()
      expect((await server.get('/posts/later')).text).toContain('loading shell')
      const filled = await server.get('/_next/data/fixture/posts/later.json')
      const page = await server.get('/posts/later')
      expect(page).toMatchObject({ status: 200, cache: 'HIT', generation: filled.generation })
    })

    it('fallback: blocking renders an unknown path once', async () => {
      const { server } = of()
      const first = await server.get('/guides/later')
      expect(first).toMatchObject({ status: 200, cache: 'MISS' })
      const second = await server.get('/guides/later')
      expect(second).toMatchObject({ cache: 'HIT', generation: first.generation })
    })

    it('notFound stays a 404', async () => {
      expect((await of().server.get('/guides/none')).status).toBe(404)
      expect((await of().server.get('/guides/none')).status).toBe(404)
    })

    it('a redirect is cached', async () => {
      const { server } = of()
      expect(await server.get('/guides/old')).toMatchObject({ status: 307, cache: 'MISS' })
      const second = await server.get('/guides/old')
      expect(second).toMatchObject({ status: 307, cache: 'HIT' })
      expect(second.headers.get('location')).toBe('/guides/first')
    })

    it('res.revalidate replaces the page', async () => {
      const { server } = of()
      const before = await settled(server, '/ssg')
      expect((await server.get('/api/revalidate?path=/ssg')).status).toBe(200)
      const after = await server.get('/ssg')
      expect(after).toMatchObject({ status: 200, cache: 'HIT' })
      expect(after.generation).not.toBe(before.generation)
      const data = await server.get('/_next/data/fixture/ssg.json')
      expect(data.generation).toBe(after.generation)
    })

    it('res.revalidate of generated paths only generates nothing else', async () => {
      const { server } = of()
      const path = '/api/revalidate?path=/guides/never&only=generated'
      expect((await server.get(path)).status).toBe(200)
      expect((await server.get('/guides/never')).cache).toBe('MISS')
    })
  })
}

function time(of) {
  it('past its revalidate a page is served stale, then renewed', async () => {
    const { server } = of()
    await repliesUntilNew(server, '/short', (await server.get('/short')).generation)
    const fresh = await until('a hit', async () => {
      const reply = await server.get('/short')
      return reply.cache === 'HIT' ? reply : undefined
    })
    await waitFor(1100)
    const stale = await server.get('/short')
    expect(stale).toMatchObject({ cache: 'STALE', generation: fresh.generation })
    const [renewed] = (await repliesUntilNew(server, '/short', stale.generation)).slice(-1)
    expect(renewed.cache).toBe('HIT')
  })
}

function tagsOfPages(of) {
  describe.each(['blog', 'locked'])('invalidation of /%s/…', (section) => {
    const invalidate = (query) => () => of().server.invalidate(query)

    it('revalidateTag(tag, "max"): stale once, then new', async () => {
      const how = invalidate({ tag: `${section}-max`, how: 'max' })
      await expectStaleThenNew(of().server, `/${section}/max`, how)
    })

    it('revalidateTag(tag, "max") twice in a row works twice', async () => {
      const how = invalidate({ tag: `${section}-two`, how: 'max' })
      await expectStaleThenNew(of().server, `/${section}/two`, how)
      await expectStaleThenNew(of().server, `/${section}/two`, how)
    })

    it('revalidateTag(tag, { expire: 2 }): never the old page after two seconds', async () => {
      const { server } = of()
      const page = `/${section}/seconds`
      const before = await settled(server, page)
      await server.invalidate({ tag: `${section}-seconds`, how: 2 })
      await waitFor(2200)
      const after = await server.get(page)
      expect(after.status).toBe(200)
      if (isShownInsteadOf404(section)) await repliesUntilNew(server, page, before.generation)
      else expect(after.generation).not.toBe(before.generation)
    })

    it.each([
      ['revalidateTag(tag, { expire: 0 })', 'zero', { tag: `${section}-zero`, how: 0 }],
      ['revalidateTag(tag)', 'bare', { tag: `${section}-bare`, how: 'bare' }],
      ['revalidatePath(path)', 'path', { path: `/${section}/path` }],
      ['revalidatePath(pattern, "page")', 'page', { path: `/${section}/[slug]`, how: 'page' }],
      ['revalidatePath(section, "layout")', 'layout', { path: `/${section}`, how: 'layout' }],
    ])('%s: new at once', async (_call, slug, query) => {
      const { server } = of()
      const page = `/${section}/${slug}`
      if (isShownInsteadOf404(section)) await expectNewWithout404(server, page, query)
      else await expectNewAtOnce(server, page, invalidate(query))
    })
  })

  it('an invalidated route handler is generated anew', async () => {
    const { server } = of()
    const how = () => server.invalidate({ tag: 'static', how: 0 })
    const after = await expectNewAtOnce(server, '/api/static', how)
    expect(after.origin).toBe(of().origin.count('static'))
  })

  /** Before 16.4 a miss is a 404 for ever where `dynamicParams` is false, so the old page is better. */
  function isShownInsteadOf404(section) {
    return section === 'locked' && !of().app.next.startsWith('16.4')
  }

  async function expectNewWithout404(server, page, query) {
    const before = await settled(server, page)
    await server.invalidate(query)
    const replies = await repliesUntilNew(server, page, before.generation)
    expect(replies.map((reply) => reply.status)).not.toContain(404)
    expect((await settled(server, page)).generation).not.toBe(before.generation)
  }
}

function tagsOfData(of) {
  describe.each(['fetched', 'unstable'])('invalidation of data (%s)', (field) => {
    const prefix = { fetched: 'fetch', unstable: 'unstable' }[field]
    const reader = (name) => async () =>
      (await of().server.json(`/api/data?name=${field}-${name}`))[field]

    it('a second request finds it cached', async () => {
      const read = reader('twice')
      expect(await read()).toBe(await read())
    })

    it.each(['max', '0', 'bare', '5'])('revalidateTag with %s brings new data', async (how) => {
      const read = reader(how)
      const old = await read()
      await of().server.invalidate({ tag: `${prefix}-${field}-${how}`, how })
      const fresh = (await valuesUntilNew(read, old)).at(-1)
      await waitFor(50)
      expect(await read()).toBe(fresh)
    })
  })

  it('a tag outside ASCII is invalidated', async () => {
    const { server } = of()
    const read = async () => (await server.json(`/api/data?name=${encodeURI('grün-你好')}`)).fetched
    const old = await read()
    expect(await read()).toBe(old)
    await server.invalidate({ tag: 'fetch-grün-你好', how: 0 })
    await valuesUntilNew(read, old)
  })

  it('a soft-invalidated fetch is answered from the cache while it is refreshed', async () => {
    const { server, origin } = of()
    const read = async () => (await server.json('/api/data?name=behind')).fetched
    const old = await read()
    await server.invalidate({ tag: 'fetch-behind', how: 'max' })
    const asked = await until('the refresh is under way', async () => {
      const value = await read()
      return origin.count('fetch-behind') > old ? value : undefined
    })
    expect(asked).toBe(old)
  })
}

function actions(of) {
  it('what an action with updateTag shows is never followed by older data', async () => {
    const { server, origin } = of()
    await settled(server, '/action')
    const count = origin.count('action')
    const shown = await server.submit('/action')
    expect(shown).toMatchObject({ status: 200, origin: count + 1 })
    const next = await server.get('/action')
    expect(next.origin).toBeGreaterThanOrEqual(shown.origin)
    expect((await settled(server, '/action')).origin).toBe(next.origin)
  })
}

function drafts(of) {
  it('draft mode neither reads nor writes the cache', async () => {
    const { server } = of()
    const before = await settled(server, '/isr')
    const [cookie] = (await server.get('/api/draft')).headers.get('set-cookie').split(';')
    const first = await server.get('/isr', { cookie })
    const second = await server.get('/isr', { cookie })
    expect(new Set([before, first, second].map((reply) => reply.generation)).size).toBe(3)
    expect(first.control).toContain('no-store')
    expect(await server.get('/isr')).toMatchObject({ cache: 'HIT', generation: before.generation })
  })
}
