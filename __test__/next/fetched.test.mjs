import { rm } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { distOf, openFixture, startOrigin } from '../../tools/next/support.mjs'

// What next build has fetched is there for the requests after a deploy. Keys of fetches name the origin:
// the build must have asked the same one.

const label = 'fetched'

describe.each(['tiercel', 'builtin'])('with the cache %s', (handler) => {
  it('the first request for data that a prerendered page read is a hit', {
    timeout: 300_000,
  }, async ({ onTestFinished }) => {
    const origin = await startOrigin()
    onTestFinished(() => origin.stop())
    const app = await openFixture('full-16.4', origin)
    const dist = path.join(app.folder, distOf({ handler, label }))
    await rm(dist, { recursive: true, force: true })
    await app.build({ handler, label })
    const server = await app.start({ handler, label })
    onTestFinished(() => server.stop())
    const built = await server.get('/fetched')
    expect(built.cache).toBe('HIT')
    for (let turn = 0; turn < 2; turn++) {
      expect(await server.get('/api/fetched')).toMatchObject({
        origin: built.origin,
        generation: built.generation,
      })
    }
    expect(origin.count('of-build')).toBe(1)

    // As standalone output has it.
    await rm(path.join(dist, 'cache'), { recursive: true })
    const bare = await app.start({ handler, label })
    onTestFinished(() => bare.stop())
    expect(await bare.get('/api/fetched')).toMatchObject({ origin: 2 })
  })
})
