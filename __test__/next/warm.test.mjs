import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildOutput, openFixture, startOrigin, until } from '../../tools/next/support.mjs'
import { freePort } from '../../tools/ports.mjs'
import { start } from '../../tools/redis/servers.mjs'

const here = import.meta.dirname

/** The command as it is installed in an app; the figures. */
async function warm(app, args) {
  const program = path.join(app.folder, 'node_modules/.bin/tiercel')
  const run = promisify(execFile)(program, ['warm', '--json', ...args], { cwd: app.folder })
  const { stdout } = await run.catch((error) => error)
  return JSON.parse(stdout)
}

const distOf = (app, variant) => path.dirname(buildOutput(app, '', variant))

/** Paths of which more than a shell is prerendered, one of them with what a URL has to encode. */
const apps = [
  ['full-16.4', ['/blog/gr%C3%BCn%20%E4%BD%A0%E5%A5%BD', '/missing', '/moved', '/api/static']],
  ['components-16.4', ['/blog/first', '/api/cached', '/en']],
  ['minor-16.0', ['/locked/gr%C3%BCn%20%E4%BD%A0%E5%A5%BD', '/missing', '/moved', '/ssg']],
]

describe.each(apps)('%s is warmed', (name, some) => {
  let origin
  let app
  let server

  beforeAll(async () => {
    origin = await startOrigin()
    app = await openFixture(name, origin)
    await app.build()
    server = await app.start()
  })
  afterAll(async () => {
    await server?.stop()
    await origin?.stop()
  })

  it('from its manifest: all is answered as it was built, and none of it is generated', async () => {
    const result = await warm(app, ['--base', server.base, '--dir', distOf(app, {})])
    expect(result.failures).toEqual([])
    expect(result).toMatchObject({ ok: result.total, cache: { miss: 0 }, statuses: { '5xx': 0 } })
    expect(result.total).toBeGreaterThan(10)
    expect(result.cache.hit + result.cache.stale).toBeGreaterThan(result.total / 2)
  })

  it('what it asked for is held in memory from then on', async () => {
    const { stats: before } = await server.json('/api/stats')
    for (const one of some) {
      expect((await server.get(one)).cache, one).toMatch(/HIT|STALE/)
    }
    const { stats: after } = await server.json('/api/stats')
    const fromBuild = ({ appPage, appRoute, pages }) =>
      appPage.prerenderedFresh + appRoute.prerenderedFresh + pages.prerenderedFresh
    expect(fromBuild(before)).toBeGreaterThan(0)
    expect(fromBuild(after)).toBe(fromBuild(before))
  })

  it.skipIf(name.startsWith('components'))(
    'with paths that no build knew: generated once, and hits from then on',
    async () => {
      const paths = ['/blog/warmed-1', '/blog/warmed-2', '/blog/warmed-3']
      expect((await warm(app, ['--base', server.base, ...paths])).cache).toMatchObject({ miss: 3 })
      expect((await warm(app, ['--base', server.base, ...paths])).cache).toMatchObject({ hit: 3 })
    },
  )
})

describe('the readiness of full-16.4', () => {
  let origin
  let app

  beforeAll(async () => {
    origin = await startOrigin()
    app = await openFixture('full-16.4', origin)
    await app.build()
  })
  afterAll(() => origin?.stop())

  it('the route handler of docs/deploy.md is the one that is tested', async () => {
    const route = await readFile(path.join(here, 'apps/common/app/api/ready/route.js'), 'utf8')
    const page = await readFile(path.join(here, '../../docs/deploy.md'), 'utf8')
    expect(page.includes(route)).toBe(true)
  })

  it.for(['start', 'standalone'])(
    '%s: the first answer waits for the engine that the app uses',
    async (mode, test) => {
      const redis = await start('single')
      test.onTestFinished(() => redis.stop())
      const server = await app.start({ mode, env: { TIERCEL_REDIS_URL: redis.url } })
      test.onTestFinished(() => server.stop())
      const reply = await server.get('/api/ready')
      expect(JSON.parse(reply.text)).toEqual({ ready: true, shared: 'connected' })
      expect(reply.status).toBe(200)
      const { stats } = await server.json('/api/stats')
      expect(stats.shared.place).toContain(`:${redis.port}/`)
      // One engine says so once.
      expect(server.log().match(/^tiercel \d[^:]*: .*namespace/gm)).toHaveLength(1)
    },
  )

  it('an absent server holds an instance back for a while, and no page', async (test) => {
    const env = { TIERCEL_REDIS_URL: `redis://127.0.0.1:${await freePort()}` }
    const server = await app.start({ env })
    test.onTestFinished(() => server.stop())
    const first = await server.get('/api/ready')
    expect(first.status).toBe(503)
    const refused = { code: 'refused', message: expect.stringContaining('connection refused') }
    expect(JSON.parse(first.text)).toEqual({ ready: false, shared: 'away', reason: refused })
    expect(await server.get('/blog/first')).toMatchObject({ status: 200, cache: 'HIT' })
    const later = await until(
      'it is given up',
      async () => {
        const reply = await server.get('/api/ready')
        return reply.status === 200 ? reply : undefined
      },
      { within: 20_000 },
    )
    expect(JSON.parse(later.text)).toEqual({ ready: true, shared: 'away', reason: refused })
  })
})
