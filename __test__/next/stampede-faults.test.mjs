import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ASKED_BY_BUILDS, openBuilt, startFleet } from '../../tools/next/fleet.mjs'
import { flood, quiet, rush, subjects } from '../../tools/next/stampede.mjs'
import { until } from '../../tools/next/support.mjs'

const PROCESSES = 3
const REQUESTS = 15

/** How long a follower waits in vain before it generates itself: the defaults of the options. */
const WAIT_MS = 2_200
const FETCH_WAIT_MS = 1_200
/** For requests of three processes on a busy machine; what is measured here takes seconds. */
const MARGIN_MS = 1_500

/**
 * What is asked for, how long it is waited for, and how many generations a process makes of it that
 * is slower than all waits: Next joins those who want the same page, but not those who want the same
 * fetch.
 */
const kinds = [
  ['an ISR page', subjects['ISR page'].long, WAIT_MS, 1],
  ['a fetch', subjects.fetch.long, FETCH_WAIT_MS, REQUESTS],
]

/** A fleet for each test: what happens to its processes is not for others. */
function fleetOf(name) {
  const on = {}
  beforeAll(async () => {
    Object.assign(on, await openBuilt(name))
  })
  beforeEach(async () => {
    on.origin.delayMs = 0
    on.origin.failures = 0
    on.fleet = await startFleet(on.app, PROCESSES, on.redis)
    on.leader = on.fleet.servers[0]
    on.others = on.fleet.servers.slice(1)
  })
  afterEach(() => on.fleet?.stop())
  afterAll(() => on.stop?.())
  return on
}

describe('Next 16.4, a generation that does not go well', () => {
  const on = fleetOf('full-16.4')

  /** Routes are loaded, so that what is measured is the wait. */
  const ready = async (long) => {
    await flood(on.fleet.servers, long('warm').path, 2)
    await quiet(on.origin)
  }

  /** One process generates; gives what it will answer. */
  const led = async (asked, delayMs) => {
    on.origin.delayMs = delayMs
    const before = on.origin.count(asked.key)
    const answer = flood([on.leader], asked.path, 1)
    const isAsked = () => on.origin.count(asked.key) > before || undefined
    await until('the origin is asked', isAsked)
    return { answer }
  }

  const expectAnswered = (replies, withinMs) => {
    expect(replies.filter(({ status }) => status !== 200)).toEqual([])
    const slowest = Math.max(...replies.map(({ tookMs }) => tookMs))
    expect(slowest).toBeLessThan(withinMs + MARGIN_MS)
  }

  const expectGenerations = (asked, known, most) => {
    const more = on.origin.count(asked.key) - known
    expect(more).toBeGreaterThanOrEqual(1)
    expect(more).toBeLessThanOrEqual(most)
  }

  /**
   * New data is shown by everybody who is asked. After a wait in vain nobody waits for another
   * process for ten seconds, so each may generate.
   */
  const expectAlive = async (servers, asked) => {
    on.origin.delayMs = 50
    const [one] = servers
    await on.fleet.invalidate(one, { tag: asked.tag, how: 0 }, asked.tag)
    const { generations, old, newAt } = await rush({ servers }, on.origin, asked, 5)
    expect({ old, newAt }).toEqual({ old: 0, newAt: servers.length })
    expect(generations).toBeGreaterThanOrEqual(1)
    expect(generations).toBeLessThanOrEqual(servers.length)
  }

  it.each(kinds)('%s, its leader killed: the others wait for a bound', async (_, long, waitMs) => {
    await ready(long)
    const asked = long('killed')
    const { answer } = await led(asked, 1_500)
    const known = on.origin.count(asked.key)
    const waiting = flood(on.others, asked.path, REQUESTS)
    on.leader.signal('SIGKILL')
    on.origin.delayMs = 300
    expectAnswered(await waiting, waitMs + 300)
    expect((await answer)[0].status).toBe(0)
    await quiet(on.origin)
    expectGenerations(asked, known, on.others.length)
    expect((await flood(on.others, asked.path, 2)).every(({ origin }) => origin > known)).toBe(true)
  })

  it.each(kinds)(
    '%s, its leader killed: once its lease is over one takes over',
    async (_, long) => {
      await ready(long)
      const asked = long('buried')
      const { answer } = await led(asked, 1_500)
      const known = on.origin.count(asked.key)
      on.leader.signal('SIGKILL')
      await answer
      const died = performance.now()
      await until('its lease is over', () => performance.now() - died > 3_100 || undefined)
      on.origin.delayMs = 300
      expectAnswered(await flood(on.others, asked.path, REQUESTS), 300)
      await quiet(on.origin)
      expect(on.origin.count(asked.key) - known).toBe(1)
    },
  )

  it.each(kinds)('%s, its leader frozen: the others wait for a bound', async (_, long, waitMs) => {
    await ready(long)
    const asked = long('frozen')
    const { answer } = await led(asked, 1_000)
    const known = on.origin.count(asked.key)
    on.leader.signal('SIGSTOP')
    on.origin.delayMs = 300
    expectAnswered(await flood(on.others, asked.path, REQUESTS), waitMs + 300)
    await quiet(on.origin)
    expectGenerations(asked, known, on.others.length)
    on.leader.signal('SIGCONT')
    expect((await answer)[0].status).toBe(200)
    await on.fleet.connected()
    await expectAlive(on.fleet.servers, asked)
  })

  it('a leader that was frozen over an invalidation brings nothing old back', async () => {
    const { long } = subjects.fetch
    await ready(long)
    const asked = long('thawed')
    const { answer } = await led(asked, 500)
    const known = on.origin.count(asked.key)
    on.leader.signal('SIGSTOP')
    on.origin.delayMs = 50
    await on.fleet.invalidate(on.others[0], { tag: asked.tag, how: 0 }, asked.tag)
    const during = await flood(on.others, asked.path, REQUESTS)
    on.leader.signal('SIGCONT')
    expect((await answer)[0].status).toBe(200)
    const after = await flood(on.fleet.servers, asked.path, REQUESTS)
    for (const replies of [during, after]) {
      expectAnswered(replies, FETCH_WAIT_MS)
      expect(replies.filter(({ origin }) => origin <= known)).toEqual([])
    }
  })

  it.each(kinds)('%s, its generation fails: nobody else does', async (_, long, waitMs) => {
    await ready(long)
    const asked = long('failed')
    on.origin.failures = 1
    const { answer } = await led(asked, 500)
    expectAnswered(await flood(on.others, asked.path, REQUESTS), waitMs + 500)
    expect((await answer)[0].status).toBe(500)
    expectAnswered(await flood(on.fleet.servers, asked.path, REQUESTS), waitMs)
    await expectAlive(on.fleet.servers, asked)
  })

  it.each(kinds)(
    '%s, slower than the wait: everybody is answered',
    async (_, long, waitMs, each) => {
      await ready(long)
      const asked = long('slow')
      const known = on.origin.count(asked.key)
      on.origin.delayMs = waitMs + 800
      expectAnswered(await flood(on.fleet.servers, asked.path, REQUESTS), 2 * waitMs + 800)
      await quiet(on.origin)
      expectGenerations(asked, known, each * PROCESSES)
      const later = await rush(on.fleet, on.origin, asked, 5)
      expect(later.generations).toBe(0)
      expectAnswered(later.replies, 0)
    },
  )

  it.each(kinds)(
    '%s, invalidated while others wait: nobody is shown it',
    async (_, long, waitMs) => {
      await ready(long)
      const asked = long('overlapped')
      const { answer } = await led(asked, 900)
      const waiting = flood(on.others, asked.path, REQUESTS)
      const known = on.origin.count(asked.key)
      await on.fleet.invalidate(on.others[0], { tag: asked.tag, how: 0 }, asked.tag)
      const late = await flood(on.others, asked.path, REQUESTS)
      expectAnswered([...(await waiting), ...(await answer)], waitMs + 900)
      expectAnswered(late, waitMs + 900)
      expect(late.filter(({ origin }) => origin <= known)).toEqual([])
      const later = await flood(on.fleet.servers, asked.path, 2)
      expect(later.filter(({ origin }) => origin <= known)).toEqual([])
    },
  )

  it.each([
    ['frozen', (redis) => redis.pause(), (redis) => redis.resume()],
    ['killed', (redis) => redis.kill(), (redis) => redis.restart()],
  ])('Redis %s while others wait: everybody is answered', async (_how, stop, resume) => {
    for (const [, long] of kinds) await ready(long)
    const places = kinds.map(([, long]) => long(`redis-${_how}`))
    await Promise.all(places.map((asked) => led(asked, 600)))
    const floods = places.map((asked) => flood(on.others, asked.path, REQUESTS))
    await stop(on.redis)
    try {
      for (const replies of await Promise.all(floods)) expectAnswered(replies, WAIT_MS + 600)
      for (const asked of places) {
        expectAnswered(await flood(on.fleet.servers, asked.path, 2), WAIT_MS)
      }
    } finally {
      await resume(on.redis)
    }
    await on.fleet.connected()
    for (const asked of places) await expectAlive(on.fleet.servers, asked)
  })
})

describe('Next 16.4 with Cache Components, functions that need each other', () => {
  const on = fleetOf('components-16.4')

  it('one process holds the outer and needs the inner, another holds the inner', async () => {
    const [outer, inner] = ['slowOuter', 'slow'].map((of) => `/api/cache?of=${of}&name=crossed`)
    for (const path of [outer, inner]) {
      await flood(on.fleet.servers, path.replace('crossed', 'warm'), 2)
    }
    await quiet(on.origin)
    on.origin.delayMs = 400
    const [one, two, three] = on.fleet.servers
    const floods = [flood([one, three], outer, REQUESTS), flood([two, three], inner, REQUESTS)]
    const replies = (await Promise.all(floods)).flat()
    expect(replies.filter(({ status }) => status !== 200)).toEqual([])
    expect(Math.max(...replies.map(({ tookMs }) => tookMs))).toBeLessThan(WAIT_MS + MARGIN_MS)
    await quiet(on.origin)
    expect(on.origin.count('slowOuter-crossed')).toBe(ASKED_BY_BUILDS + 1)
    expect(on.origin.count('slow-crossed')).toBe(ASKED_BY_BUILDS + 1)
  })
})
