import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFixture, startOrigin } from '../../tools/next/support.mjs'
import { isrPromises } from './promises/isr.mjs'
import { answered } from './promises/watch.mjs'

describe('Next 16.4 without Cache Components', () => {
  let app
  let origin
  let server
  let built

  beforeAll(async () => {
    origin = await startOrigin()
    app = await openFixture('full-16.4', origin)
    built = await app.build()
    server = await app.start()
  })
  afterAll(async () => {
    await server?.stop()
    await origin?.stop()
  })

  it('next build exits by itself, no process of it is left, and it connected to no server', () => {
    expect(built).toMatchObject({ exit: 0, left: false, connections: 0 })
  })

  isrPromises(() => ({ app, server, origin }))

  it('an image is optimized once', async () => {
    const path = '/_next/image?url=/picture.png&w=64&q=75'
    const first = await server.get(path, { accept: 'image/webp' })
    expect(first).toMatchObject({ status: 200, cache: 'MISS' })
    const second = await server.get(path, { accept: 'image/webp' })
    expect(second).toMatchObject({ status: 200, cache: 'HIT', text: first.text })
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'))
  })

  it('a fetch in an edge route is made once', async () => {
    const first = await server.json('/api/edge')
    expect(first.runtime).toBe('edge')
    expect(await server.json('/api/edge')).toEqual(first)
    expect(origin.count('edge')).toBe(first.fetched)
  })

  it('a page on the edge runtime is rendered', async () => {
    expect((await server.get('/edge-page')).text).toContain('rendered in')
  })

  it('every request goes through the addon of this process', async () => {
    const before = await server.json('/api/stats')
    await server.get('/isr')
    const after = await server.json('/api/stats')
    expect(after.pid).toBe(before.pid)
    expect(answered(after.stats.appPage)).toBe(answered(before.stats.appPage) + 1)
  })

  it('nothing was logged but what Next says itself', () => {
    expect(server.log()).not.toMatch(/unhandled|tiercel:|TypeError|panicked/i)
  })
})
