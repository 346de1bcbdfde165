import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyBuild } from '../../tools/next/builds.mjs'
import { openBuilt, startFleet } from '../../tools/next/fleet.mjs'
import { events, rush, subjects } from '../../tools/next/stampede.mjs'

const PROCESSES = 4
const GENERATION_MS = 300
/** How long the lease of something stale lives that nobody is seen to generate. */
const STALE_LEASE_MS = 1_500

/**
 * Hundreds of requests at once keep two cores busy for a second and more, which is how long a fetch
 * is waited for by default. Who waits in vain generates, and that is not what is counted here.
 */
const env = { TIERCEL_FETCH_WAIT_MS: '2200' }

const every = (layer) =>
  Object.entries(subjects)
    .filter(([, subject]) => subject.layer === layer)
    .flatMap(([name, of]) => (of.events ?? Object.keys(events)).map((event) => [name, event]))

/** What differs between minors of Next: how it renders pages, and how it asks for the rest. */
const some = [
  ['ISR page', 'cold'],
  ['fetch', 'cold'],
  ['fetch', 'stale'],
  ["'use cache'", 'cold'],
]

describe.each([
  ['full-16.4', 100, every('isr')],
  ['components-16.4', 100, every('use-cache')],
  ['minor-16.3', 25, some],
  ['minor-16.2', 25, some],
  ['minor-16.0', 25, some],
])(`%s, ${PROCESSES} processes, %i requests at each at once`, (name, requests, cases) => {
  let on
  let fleet

  beforeAll(async () => {
    on = await openBuilt(name)
    fleet = await startFleet(on.app, PROCESSES, on.redis, { env })
    on.origin.delayMs = GENERATION_MS
  })
  afterAll(async () => {
    await fleet?.stop()
    await on?.stop()
  })

  // Who waits in vain generates: one generation also says that nobody did.
  it.each(cases)('%s, %s: one generation, and everybody is answered', async (subject, event) => {
    const asked = await events[event](fleet, subjects[subject], `rush-${event}`)
    const { generations, old, newAt, replies } = await rush(fleet, on.origin, asked, requests)
    expect(replies.filter(({ status }) => status !== 200)).toEqual([])
    // A process that was held up for longer than its lease lives has lost it: once at most.
    const slowestMs = Math.max(...replies.map(({ tookMs }) => tookMs))
    const isServedStale = event === 'stale' || event === 'soft'
    expect(generations).toBeGreaterThan(0)
    expect(generations).toBeLessThanOrEqual(isServedStale && slowestMs > STALE_LEASE_MS ? 2 : 1)
    expect(newAt).toBe(PROCESSES)
    if (event === 'hard') expect(old).toBe(0)
  })

  it.runIf(name === 'full-16.4')(
    'after a deploy a page is generated once, and what was prerendered not at all',
    async () => {
      const { long } = subjects['ISR page']
      await fleet.primed(long('deployed'))
      const label = await copyBuild(on.app, {}, 'next')
      const after = await startFleet(on.app, PROCESSES, on.redis, { label })
      try {
        const onDemand = await rush(after, on.origin, long('deployed'), requests)
        expect(onDemand.generations).toBe(1)
        const prerendered = await rush(after, on.origin, long('built'), requests)
        expect(prerendered.generations).toBe(0)
        const replies = [...onDemand.replies, ...prerendered.replies]
        expect(replies.filter(({ status }) => status !== 200)).toEqual([])
      } finally {
        await after.stop()
      }
    },
  )

  it('nothing was logged but what Next says itself, and the line that names the server', () => {
    expect(fleet.log.match(/^tiercel \d[^:]*:/gm)).toHaveLength(PROCESSES)
    expect(fleet.log).not.toMatch(/^tiercel:/m)
    expect(fleet.log).not.toMatch(/unhandled|TypeError|panicked/i)
  })
})
