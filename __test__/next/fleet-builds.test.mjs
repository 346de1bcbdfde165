import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { copyBuild } from '../../tools/next/builds.mjs'
import { startFleet } from '../../tools/next/fleet.mjs'
import { openFixture, startOrigin } from '../../tools/next/support.mjs'
import { start } from '../../tools/redis/servers.mjs'
import { settled } from './promises/watch.mjs'

describe('builds of an app that share a server', () => {
  let redis
  let origin
  let app
  const started = []

  beforeAll(async () => {
    redis = await start('single')
    origin = await startOrigin()
    app = await openFixture('full-16.4', origin)
    await app.build()
  })
  afterEach(async () => {
    for (const one of started.splice(0)) await one.stop()
    await redis.command('FLUSHALL')
  })
  afterAll(async () => {
    await origin?.stop()
    await redis?.stop()
  })

  const fleetOf = async (count, how) => {
    const fleet = await startFleet(app, count, redis, how)
    started.push(fleet)
    return fleet.servers
  }

  it('with an empty server the first request of what next build prerendered is a hit', async () => {
    const servers = await fleetOf(2)
    for (const server of servers) {
      for (const page of ['/', '/isr', '/blog/first', '/api/static', '/ssg']) {
        expect(await server.get(page)).toMatchObject({ status: 200, cache: 'HIT' })
      }
    }
  })

  it('a process that starts later does not show build output that was invalidated', async () => {
    const [one] = await fleetOf(1)
    const built = await settled(one, '/blog/first')
    await started[0].invalidate(one, { tag: 'blog-first', how: 0 }, 'blog-first')
    const [two] = await fleetOf(1)
    expect((await two.get('/blog/first')).generation).not.toBe(built.generation)
  })

  it('two builds beside each other: pages are kept apart, fetches are shared', async () => {
    const [before] = await fleetOf(1)
    const page = await before.get('/blog/deployed')
    expect(page.cache).toBe('MISS')
    await settled(before, '/blog/deployed')
    const data = await before.json('/api/data?name=deployed')

    const label = await copyBuild(app, {}, 'other')
    const [after] = await fleetOf(1, { label })
    const again = await after.get('/blog/deployed')
    expect(again.cache).toBe('MISS')
    expect(again.generation).not.toBe(page.generation)
    expect(await after.json('/api/data?name=deployed')).toEqual(data)
    expect((await before.get('/blog/deployed')).generation).toBe(page.generation)
  })

  it('an invalidation made in one build is in effect in the other', async () => {
    const [before] = await fleetOf(1)
    const [after] = await fleetOf(1, { label: await copyBuild(app, {}, 'other') })
    const read = (server) => server.json('/api/data?name=both')
    const old = await read(before)
    expect(await read(after)).toEqual(old)
    await started[0].invalidate(before, { tag: 'fetch-both', how: 0 }, 'fetch-both')
    expect((await read(after)).fetched).toBeGreaterThan(old.fetched)
  })

  it('standalone output uses the server too, and reads what next start has stored', async () => {
    const [plain] = await fleetOf(1)
    const page = await plain.get('/blog/alone')
    await settled(plain, '/blog/alone')
    const [alone] = await fleetOf(1, { mode: 'standalone' })
    expect(await alone.get('/blog/alone')).toMatchObject({
      cache: 'HIT',
      generation: page.generation,
    })
  })
})

it('with redisInBuild a process reads what next build has generated', { timeout: 300_000 }, async ({
  onTestFinished,
}) => {
  const redis = await start('single')
  onTestFinished(() => redis.stop())
  const origin = await startOrigin()
  onTestFinished(() => origin.stop())
  const app = await openFixture('components-16.4', origin)
  const label = 'warm'
  const env = { TIERCEL_REDIS_URL: redis.url, TIERCEL_REDIS_IN_BUILD: '1' }
  expect(await app.build({ label, env })).toMatchObject({ exit: 0, left: false })
  const fleet = await startFleet(app, 1, redis, { label })
  onTestFinished(() => fleet.stop())
  const [server] = fleet.servers
  const built = await server.json('/api/cached')
  const { value } = await server.json('/api/cache?of=plain&name=route')
  expect(value).toBe(built.generation)
  expect((await server.json('/api/stats')).stats.useCache.sharedFresh).toBe(1)
})
