import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { pause, until } from '../../unit/support.mjs'
import { counted, crowd, everyKind, Lane, WAYS } from './visits.mjs'

// Of all instances exactly one generates what is missing or stale, whatever the kind, and however
// many ask at once.

/** Who waits for another instance is told, or looks for what it stores every 500 ms. */
const SOON = { within: 1_000 }
const BRIEF = { revalidate: 1, expire: 3_600 }

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

test.for(everyKind)('cold, one generates and the others get that: %s', async ([what], test) => {
  const fleet = await crowd(test, server, 4)
  const lane = new Lane(what)
  // Tags that somebody has invalidated before are nothing new.
  await fleet[1].invalidate([lane.asked, lane.tag])
  const visits = await Promise.all([...fleet, ...fleet, ...fleet].map((by) => lane.visit(by)))
  const generating = new Set()
  const outcome = await Promise.all(
    visits.map(async (visit) => {
      await visit.ask()
      if (visit.terms) return visit.body
      if (generating.has(visit.by)) return 'joins'
      // Next.js has one generation of a key in a process, whoever asks.
      generating.add(visit.by)
      await pause(300)
      await visit.generate('once')
      return 'generates'
    }),
  )
  // Those at its own instance Next.js lets join, but for fetches.
  const own = what === 'fetch' ? ['once', 'once'] : ['joins', 'joins']
  const expected = ['generates', ...own, ...Array(9).fill('once')]
  expect(outcome.sort()).toEqual(expected.sort())
  const { taken, followed, saved, timedOut } = await counted(fleet)
  expect({ taken, followed, saved, timedOut }).toEqual({
    taken: 1,
    followed: 9,
    saved: what === 'fetch' ? 11 : 9,
    timedOut: 0,
  })
})

test.for(WAYS)('stale, one is told and nobody waits: %s, by %s', async ([what, way], test) => {
  const fleet = await crowd(test, server, 4)
  const lane = new Lane(what)
  // Half of them have it in memory, the others are yet to find it.
  const holders = [fleet[1]]
  await lane.spread(fleet, 'old', { holders, life: way === 'age' ? BRIEF : undefined })
  await becomesStale(lane, fleet, way)

  const visits = await lane.visits(fleet)
  // Nothing was set meanwhile, so nobody can have waited for that.
  expect(visits.map(({ body }) => body)).toEqual(Array(12).fill('old'))
  const [leader, ...more] = visits.filter(({ isStale }) => isStale)
  expect(more).toEqual([])
  for (const visit of visits) if (visit !== leader) looksFreshForNow(visit)
  const { taken, staleMeanwhile } = await counted(fleet)
  expect({ taken, staleMeanwhile }).toEqual({ taken: 1, staleMeanwhile: 11 })

  // It goes on like that until it is set.
  for (const { isStale } of await lane.visits(fleet)) expect(isStale).toBe(false)
  await leader.generate('new')
  for (const by of fleet) {
    await until(
      'it is there',
      async () => {
        const { body, isStale } = await lane.ask(by)
        expect(isStale).toBe(false)
        return body === 'new' ? true : undefined
      },
      SOON,
    )
  }
  for (const { isStale, body } of await lane.visits(fleet)) {
    expect({ isStale, body }).toEqual({ isStale: false, body: 'new' })
  }
  expect((await counted(fleet)).taken).toBe(1)
})

async function becomesStale(lane, fleet, way) {
  if (way === 'age') await pause(1_000 * BRIEF.revalidate + 200)
  else await fleet[2].invalidate([way === 'its tag' ? lane.tag : lane.asked], { expire: 600 })
}

/** Next.js takes it for fresh, and nobody keeps it for longer than the generation may take. Of a
 * `'use cache'` entry it takes the lifetime over, which must be the real one. */
function looksFreshForNow({ terms, began, lane }) {
  const { timestamp = terms.lastModified, revalidate = terms.cacheControl.revalidate } = terms
  const left = timestamp + revalidate * 1_000 - began
  expect(left).toBeGreaterThanOrEqual(lane.isPlural ? 250 * Math.min(4, revalidate) : 1_000)
  expect(left).toBeLessThanOrEqual(3_000)
  // Less is an error to Next.js.
  expect(revalidate).toBeGreaterThanOrEqual(1)
  if (!lane.isPlural) expect(revalidate).toBe(2)
}

// A fetch may be served however old it is.
const MORTAL = everyKind.filter(([what]) => what !== 'fetch')

test.for(MORTAL)('dead by age, one generates: %s', async ([what], test) => {
  const fleet = await crowd(test, server, 4)
  const lane = new Lane(what)
  await lane.spread(fleet, 'old', { holders: [fleet[1]], life: { revalidate: 1, expire: 1 } })
  await pause(1_200)
  await oneGenerates(lane, fleet)
})

const TAGGED = WAYS.filter(([, way]) => way !== 'age')

test.for(TAGGED)('dead by a tag, one generates: %s, by %s', async ([what, way], test) => {
  const fleet = await crowd(test, server, 4)
  const lane = new Lane(what)
  await lane.spread(fleet, 'old', { holders: [fleet[1]] })
  await fleet[2].invalidate([way === 'its tag' ? lane.tag : lane.asked])
  await oneGenerates(lane, fleet)
})

/** One visit at each instance: one generates, and all have what it sets. */
async function oneGenerates(lane, fleet) {
  const visits = await Promise.all([...fleet].map((by) => lane.visit(by)))
  const outcome = visits.map(async (visit) => {
    await visit.ask()
    // Some pages are handed out when they are dead: Next.js sees how old they are.
    if (visit.terms && !visit.isStale) return visit.body
    await pause(300)
    await visit.generate('new')
    return 'generates'
  })
  const told = await Promise.all(outcome)
  expect(told.sort()).toEqual(['generates', 'new', 'new', 'new'])
  expect((await counted(fleet)).taken).toBe(1)
}
