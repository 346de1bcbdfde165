import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFixture, startOrigin, until } from '../../tools/next/support.mjs'

// A server says what it uses before anybody asks it, once, and does not start with a wrong option.

const LINE =
  /^tiercel \d\S*: memory only \(REDIS_URL is not set\), \d+ MiB, build fixture, next 16\.\S+$/

const said = (log) => log.split('\n').filter((line) => line.startsWith('tiercel'))

describe('with cacheHandlers', () => {
  let app
  let origin

  beforeAll(async () => {
    origin = await startOrigin()
    app = await openFixture('components-16.4', origin)
    await app.build()
  })
  afterAll(() => origin?.stop())

  it.each(['start', 'standalone'])('%s says so at the start, and only then', async (mode) => {
    const server = await app.start({ mode })
    try {
      await until('it says so', () => said(server.log()).length > 0 || undefined)
      await Promise.all([server.get('/'), server.get('/')])
      expect(said(server.log())).toEqual([expect.stringMatching(LINE)])
    } finally {
      await server.stop()
    }
  })

  it.each(['start', 'standalone'])('%s ends if an option cannot be used', async (mode) => {
    const env = { TIERCEL_WAIT_MS: 'lots' }
    const starting = app.start({ mode, env })
    const server = await starting.catch((error) => ({ log: () => error.message, stop() {} }))
    const ended = /`TIERCEL_WAIT_MS` must be .*; the server does not start/
    await until('it ends', () => ended.test(server.log()) || undefined)
    await server.stop()
    expect(server.log()).not.toMatch(/^tiercel \d/m)
  })
})
