import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFixture, startOrigin } from '../../tools/next/support.mjs'
import { isrPromises } from './promises/isr.mjs'
import { useCachePromises } from './promises/use-cache.mjs'
import { answered } from './promises/watch.mjs'

describe.each(['16.0', '16.2', '16.3'])('Next %s', (minor) => {
  let app
  let origin
  let server

  beforeAll(async () => {
    origin = await startOrigin()
    app = await openFixture(`minor-${minor}`, origin)
    await app.build()
    server = await app.start()
  })
  afterAll(async () => {
    await server?.stop()
    await origin?.stop()
  })

  isrPromises(() => ({ app, server, origin }))
  useCachePromises(() => ({ server, origin }))

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
