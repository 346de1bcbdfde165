import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { pause, timed, until } from '../../unit/support.mjs'
import { arrives } from '../instances.mjs'
import { counted, crowd, keysOfEntries, Lane } from './visits.mjs'

// An instance that is to generate may be killed, freeze, fail or take too long. Nobody waits for it
// for longer than they are told to: what counts is when it began. One takes over, and after three in
// a row nobody waits any more.

/** Gets that wait for less than usual, so that three leaders in a row soon take too long. */
const HASTY = { TIERCEL_WAIT_MS: '600', TIERCEL_FETCH_WAIT_MS: '400' }
const KINDS = ['page', 'fetch', 'use cache', 'image']
let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

test.for(KINDS)('killed: %s', async (what, test) => {
  const { fleet, lane, leader, others, answered } = await led(test, what)
  await leader.by.kill()
  await oneTakesOver(what, answered)
  await oneSetsForAll(fleet, lane, others)
})

test.for(KINDS)('frozen, and late when it goes on: %s', async (what, test) => {
  const { fleet, lane, leader, others, answered } = await led(test, what)
  leader.by.pause()
  await oneTakesOver(what, answered)
  await others[0].invalidate(lane.tags)
  await oneSetsForAll(fleet, lane, others)
  leader.by.resume()
  await leader.generate('from before')
  // Images have no tags: the last one set is as good as any.
  const allowed = what === 'image' ? ['new', 'from before'] : ['new']
  for (const by of [...fleet]) {
    let misses = 0
    const found = await until('it answers', async () => {
      const found = await lane.read(by)
      // One that has not heard of the invalidation yet may store its value over the new one: nobody
      // is served it, and whoever misses generates, as an app does.
      if (found === undefined && ++misses % 20 === 0) await lane.store(by, 'new')
      return found
    })
    expect(allowed).toContain(found)
  }
})

test.for(KINDS)('without ever a set, three leaders are waited for: %s', async (what, test) => {
  const fleet = await crowd(test, server, 3, { env: HASTY })
  const lane = new Lane(what)
  await nothingComesOf(fleet, lane)
  expect(await passed(fleet)).toBeLessThanOrEqual(10_000)
  await nobodyWaits(lane, [...fleet])
  await oneSetsForAll(fleet, lane, [...fleet])
  await staleOnce(lane, fleet, what)
})

test.for(KINDS)('asked for later than it takes, nobody waits at all: %s', async (what, test) => {
  const fleet = await crowd(test, server, 3)
  const lane = new Lane(what)
  for (const by of [...fleet]) {
    const { value, ms } = await timed(lane.ask(by))
    expect(value.body).toBe(undefined)
    expect(ms).toBeLessThan(5_000)
    await pause(what === 'fetch' ? 1_300 : 2_300)
  }
  expect(await counted(fleet)).toMatchObject({ followed: 0, timedOut: 0 })
})

test.for(KINDS)('slower than the wait: %s', async (what, test) => {
  const { fleet, lane, leader, others, answered } = await led(test, what)
  await oneTakesOver(what, answered)
  await leader.generate('slow')
  for (const by of others) expect(await arrives(lane.kind, by, lane.key, lane.soft)).toBe('slow')
  expect(await passes(fleet)).toEqual([])
  await staleOnce(lane, fleet, what)
})

test.for(KINDS)('that tells of its failure: %s', async (what, test) => {
  const { fleet, lane, leader, others, followers, answered } = await led(test, what)
  await fails(leader)
  // Long before they would give up.
  for (const { ms } of await answered) expect(ms).toBeLessThan(1_000)
  expect(followers.map(({ body }) => body)).toEqual([undefined, undefined, undefined])
  const left = await passed(fleet)
  expect(left).toBeGreaterThan(5_000)
  expect(left).toBeLessThanOrEqual(10_000)
  expect((await counted(fleet)).timedOut).toBe(0)
  await nobodyWaits(lane, others)
  await oneSetsForAll(fleet, lane, others)
})

test.for(['page', 'fetch', 'use cache'])(
  'while nobody waits, one get of each instance is told of what is stale: %s',
  async (what, test) => {
    const fleet = await crowd(test, server, 4)
    const lane = new Lane(what)
    await lane.spread(fleet, 'old')
    const [{ key, holder }] = await keysOfEntries(fleet)
    await holder.command('SET', `${key}:p`, `${Date.now() + 60_000} 1`, 'PX', '120000')
    await fleet[0].invalidate(lane.tags, { expire: 600 })
    const visits = await lane.visits(fleet)
    expect(visits.map(({ body }) => body)).toEqual(Array(12).fill('old'))
    const told = visits.filter(({ isStale }) => isStale)
    expect(new Set(told.map(({ by }) => by)).size).toBe(4)
    expect(told.length).toBe(4)
    await told[0].generate('new')
    await until('it is over', async () => ((await passes(fleet)).length ? undefined : true))
  },
)

test.for(KINDS)('what is set long after ends that nobody waits: %s', async (what, test) => {
  const fleet = await crowd(test, server, 3, { env: HASTY })
  const lane = new Lane(what)
  const leader = await lane.ask(fleet[0])
  await nothingComesOf(fleet, lane)
  await leader.generate('at last')
  await until('it is over', async () => ((await passes(fleet)).length ? undefined : true))
})

/** Asks again and again, so that somebody always waits, until nobody does any more. */
async function nothingComesOf(fleet, lane) {
  const asked = []
  await until(
    'nobody waits any more',
    async () => {
      asked.push(lane.ask(fleet[asked.length % fleet.length]))
      return (await passed(fleet)) > 0 || undefined
    },
    { within: 20_000, every: 40 },
  )
  for (const { body } of await Promise.all(asked)) expect(body).toBe(undefined)
}

/** One instance that is told to generate, and a visit at each of the others, which wait for it. */
async function led(test, what) {
  const fleet = await crowd(test, server, 4)
  const [by, ...others] = fleet
  const lane = new Lane(what)
  const leader = await lane.ask(by)
  expect(leader.body).toBe(undefined)
  const followers = await Promise.all(others.map((one) => lane.visit(one)))
  const answered = Promise.all(followers.map((one) => timed(one.ask())))
  await until('all wait', async () => ((await counted(others)).followed === 3 ? true : undefined))
  return { fleet, lane, leader, others, followers, answered }
}

/**
 * One of those who wait is told to generate once the leader takes too long. The others wait on for
 * that one, and generate when their own time is over.
 */
async function oneTakesOver(what, answered) {
  for (const { value, ms } of await answered) {
    expect(value.body).toBe(undefined)
    expect(ms).toBeGreaterThan(what === 'fetch' ? 1_000 : 1_900)
    expect(ms).toBeLessThan(3_700)
  }
}

/** Whoever asks generates, at once. */
async function nobodyWaits(lane, others) {
  // Each hears of it by asking once.
  await lane.visits(others, 1)
  const { followed } = await counted(others)
  const visits = await lane.visits(others, 1)
  expect(visits.map(({ body }) => body)).toEqual([undefined, undefined, undefined])
  expect((await counted(others)).followed).toBe(followed)
}

/** The first set is for all, and ends the exception. */
async function oneSetsForAll(fleet, lane, others) {
  await lane.store(others[1], 'new')
  for (const by of others) expect(await arrives(lane.kind, by, lane.key, lane.soft)).toBe('new')
  await until('the first set ends it', async () =>
    (await passes(fleet)).length ? undefined : true,
  )
}

/** From now on one generates again. */
async function staleOnce(lane, fleet, what) {
  if (what === 'image') return
  await fleet[0].invalidate(lane.tags, { expire: 600 })
  const visits = await lane.visits(fleet)
  expect(visits.filter(({ isStale }) => isStale).length).toBe(1)
}

/** The generation of a visit ends without anything to store. */
function fails({ lane, by, request }) {
  if (lane.isPlural) {
    return by.run(
      ({ Tiercel, key }) => Tiercel.set(key, Promise.reject(new Error('the render failed'))),
      { key: lane.key },
    )
  }
  // A value that cannot be written down.
  const none = { html: {}, buffer: {}, data: { body: {} } }
  const set = (key, value, context) => request.set(key, { ...value, ...none }, context)
  return lane.kind.set({ set }, lane.key, '', lane.tags)
}

/** How long the passes of a fleet last yet, in ms. */
async function passes(fleet) {
  const found = await keysOfEntries(fleet, ':p')
  return Promise.all(found.map(({ key, holder }) => holder.command('PTTL', key)))
}

/** For how many ms nobody waits yet; 0 if they do. */
async function passed(fleet) {
  const found = await keysOfEntries(fleet, ':p')
  const values = await Promise.all(found.map(({ key, holder }) => holder.command('GET', key)))
  return Math.max(0, ...values.map((value) => Number(String(value).split(' ')[0]) - Date.now()))
}
