import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFixture, startOrigin } from '../../tools/next/support.mjs'

/** The app holds a proxy.js, an edge route and an edge page: each bundles the handler's entry. */
const ways = [
  ['full-16.4', 'turbopack', 'standalone'],
  ['full-16.4', 'turbopack', 'dev'],
  ['full-16.4', 'webpack', 'start'],
  ['full-16.4', 'webpack', 'standalone'],
  ['full-16.4', 'webpack', 'dev'],
  ['components-16.4', 'turbopack', 'standalone'],
  ['minor-16.2', 'webpack', 'start'],
  ['minor-16.2', 'turbopack', 'standalone'],
  ['minor-16.0', 'turbopack', 'standalone'],
]

describe.each(ways)('%s, %s, %s', (name, bundler, mode) => {
  let origin
  let server

  beforeAll(async () => {
    origin = await startOrigin()
    const app = await openFixture(name, origin)
    if (mode !== 'dev') await app.build({ bundler })
    server = await app.start({ bundler, mode })
  })
  afterAll(async () => {
    await server?.stop()
    await origin?.stop()
  })

  it('proxy.js runs, and its fetch is cached', async () => {
    // The first request after the start may find Next without any cache for the proxy yet.
    const seen = [await server.get('/proxied'), await server.get('/proxied')]
    const later = await server.get('/proxied')
    expect([...seen, later].map((reply) => reply.status)).toEqual([200, 200, 200])
    expect(later.generation).toBeTruthy()
    expect(later.headers.get('x-proxy-origin')).toBe(seen[1].headers.get('x-proxy-origin'))
    expect(origin.count('proxy')).toBe(Number(later.headers.get('x-proxy-origin')))
  })

  it.runIf(name.startsWith('full'))('an edge route runs, and its fetch is made once', async () => {
    const first = await server.json('/api/edge')
    expect(first).toEqual({ runtime: 'edge', fetched: 1 })
    expect(await server.json('/api/edge')).toEqual(first)
  })

  it.runIf(name.startsWith('full'))('an edge page is rendered', async () => {
    const page = await server.get('/edge-page')
    expect(page.status).toBe(200)
    expect(page.text).toContain('rendered in')
  })

  it.skipIf(mode === 'dev')('a prerendered page is a hit on its first request', async () => {
    expect(await server.get('/blog/first')).toMatchObject({ status: 200, cache: 'HIT' })
  })

  it.skipIf(name.startsWith('components'))('a fetch and unstable_cache are cached', async () => {
    const first = await server.json('/api/data?name=bundled')
    expect(await server.json('/api/data?name=bundled')).toEqual(first)
    expect(origin.count('fetch-bundled')).toBe(1)
  })

  it.skipIf(name.startsWith('full'))("'use cache' is cached", async () => {
    const first = await server.json('/api/cache?of=outer&name=bundled')
    expect(await server.json('/api/cache?of=outer&name=bundled')).toEqual(first)
  })

  it.runIf(name.startsWith('full') && mode !== 'dev')('an image is optimized once', async () => {
    const path = '/_next/image?url=/picture.png&w=64&q=75'
    expect(await server.get(path)).toMatchObject({ status: 200, cache: 'MISS' })
    expect(await server.get(path)).toMatchObject({ status: 200, cache: 'HIT' })
  })

  it('a page can be invalidated', async () => {
    const tag = name.startsWith('components') ? 'plain-bundled' : 'fetch-again'
    const read = () =>
      server.json(
        name.startsWith('components') ? '/api/cache?of=plain&name=bundled' : '/api/data?name=again',
      )
    const old = await read()
    await server.invalidate({ tag, how: 0 })
    await expect.poll(read, { timeout: 10_000 }).not.toEqual(old)
  })

  it('the bundled entry answers for the engine of the process', async () => {
    const { stats } = await server.json('/api/stats')
    expect(JSON.stringify(stats)).toMatch(/[1-9]/)
  })

  it.runIf(name.startsWith('components'))('options of withTiercel are part of it', async () => {
    const { stats } = await server.json('/api/stats')
    expect(stats.memory.capacityBytes).toBe(48 << 20)
  })

  it('a readiness probe is answered at once, as there is no server to wait for', async () => {
    const reply = await server.get('/api/ready')
    expect(reply.status).toBe(200)
    expect(JSON.parse(reply.text)).toEqual({ ready: true, shared: 'none' })
  })

  it.runIf(mode === 'standalone')('standalone carries the addon', async () => {
    const files = await readdir(server.folder, { recursive: true })
    expect(files.filter((file) => file.endsWith('.node') && file.includes('tiercel'))).not.toEqual(
      [],
    )
  })

  it('nothing was logged but what Next says itself', () => {
    expect(server.log()).not.toMatch(/unhandled|tiercel:|TypeError|panicked/i)
  })
})
