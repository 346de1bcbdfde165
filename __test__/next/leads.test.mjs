import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openBuilt, startFleet } from '../../tools/next/fleet.mjs'
import { until } from '../../tools/next/support.mjs'
import { waitFor } from './promises/watch.mjs'

// Whoever is told to generate something stale may not: then somebody else is, and soon.

let on
beforeAll(async () => {
  on = await openBuilt('full-16.4')
})
afterAll(() => on?.stop())

/** How long something stale may be shown on a busy machine once somebody has asked for it, in ms. */
const SOON = 4_000

describe.each([
  ['memory only', 1, false],
  ['with Redis', 1, true],
  ['with Redis, two processes', 2, true],
])('%s', (_name, count, isShared) => {
  let fleet
  let server
  beforeEach(async () => {
    on.origin.failures = 0
    fleet = await startFleet(on.app, count, isShared ? on.redis : undefined)
    server = fleet.servers[0]
  })
  afterEach(() => fleet?.stop())

  const renewed = (path, old) =>
    until(
      `${path} is renewed`,
      async () => {
        const shown = await server.get(path)
        return shown.generation === old ? undefined : shown
      },
      { within: SOON },
    )

  it('a prerendered page that is past its time at its first request is renewed at once', async () => {
    const first = await server.get('/short')
    expect(first).toMatchObject({ status: 200, cache: 'STALE' })
    await renewed('/short', first.generation)
  })

  it('one that was invalidated before its first request, too', async () => {
    await server.invalidate({ tag: '_N_T_/blog/page', how: 'max' })
    // In effect after the answer.
    await waitFor(300)
    const first = await server.get('/blog/page')
    expect(first).toMatchObject({ status: 200, cache: 'STALE' })
    await renewed('/blog/page', first.generation)
  })

  it('links in view prefetch a page, and it is renewed all the same', async () => {
    await server.get('/short')
    let isOver = false
    const visitors = fleet.servers.map(async (one) => {
      while (!isOver) {
        const seen = await one.navigate('/short', { 'next-router-prefetch': '1' })
        expect(seen.status).toBe(200)
        await waitFor(150)
      }
    })
    const generations = new Map()
    const end = performance.now() + 9_000
    while (performance.now() < end) {
      const { generation } = await server.get('/short')
      const now = performance.now()
      const { first } = generations.get(generation) ?? { first: now }
      generations.set(generation, { first, last: now })
      await waitFor(500)
    }
    isOver = true
    await Promise.all(visitors)
    expect(generations.size).toBeGreaterThan(2)
    for (const { first, last } of generations.values()) expect(last - first).toBeLessThan(SOON)
  })

  it('a fetch that Next.js does not store keeps nobody waiting', async () => {
    on.origin.failures = Number.POSITIVE_INFINITY
    const took = []
    for (let turn = 0; turn < 8; turn++) {
      const one = fleet.servers[turn % count]
      const begun = performance.now()
      expect((await one.get(`/api/data?name=broken-${count}`)).status).toBe(500)
      took.push(performance.now() - begun)
      await waitFor(400)
    }
    // The first loads the route.
    expect(took.slice(count).filter((ms) => ms > 1_000)).toEqual([])
  })
})
