import { afterAll, beforeAll, expect, test } from 'vitest'
import { pause, timed, until } from '../../unit/support.mjs'
import { arrives } from '../instances.mjs'
import { start } from '../servers.mjs'
import { counted, crowd, keysOfEntries, Lane } from './visits.mjs'

// An instance that is to generate may be killed, freeze, fail or take too long. Nobody waits for it
// for longer than they are told to, and nobody does so twice.

const KINDS = ['page', 'fetch', 'use cache', 'image']
/** How long gets wait for a generation; the rest is for the test's own machine. */
const waitedMs = (what) => (what === 'fetch' ? 1_200 : 2_200) + 500

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

test.for(KINDS)('killed: %s', async (what, test) => {
  const { fleet, lane, leader, others, answered } = await led(test, what)
  await leader.by.kill()
  await toldInTime(what, answered)
  await nobodyWaits(lane, others)
  await oneSetsForAll(fleet, lane, others)
})

test.for(KINDS)('frozen, and late when it goes on: %s', async (what, test) => {
  const { fleet, lane, leader, others, answered } = await led(test, what)
  leader.by.pause()
  await toldInTime(what, answered)
  await nobodyWaits(lane, others)
  await others[0].invalidate(lane.tags)
  await oneSetsForAll(fleet, lane, others)
  leader.by.resume()
  await leader.generate('from before')
  // Images have no tags: the last one set is as good as any.
  const allowed = what === 'image' ? ['new', 'from before'] : ['new']
  for (const by of [...fleet]) {
    await until('it answers', async () => (await lane.read(by)) && true)
    expect(allowed).toContain(await lane.read(by))
  }
})

test.for(KINDS)('without ever a set: %s', async (what, test) => {
  const { fleet, lane, others, answered } = await led(test, what)
  await toldInTime(what, answered)
  const [left] = await passes(fleet)
  expect(left).toBeGreaterThan(8_000)
  expect(left).toBeLessThanOrEqual(10_000)
  await nobodyWaits(lane, others)
  await oneSetsForAll(fleet, lane, others)
  await staleOnce(lane, fleet, what)
})

test.for(KINDS)('slower than the wait: %s', async (what, test) => {
  const { fleet, lane, leader, others, answered } = await led(test, what)
  await toldInTime(what, answered)
  await leader.generate('slow')
  for (const by of others) expect(await arrives(lane.kind, by, lane.key, lane.soft)).toBe('slow')
  await until('nothing is left of it', async () =>
    (await passes(fleet)).length ? undefined : true,
  )
  await staleOnce(lane, fleet, what)
})

test.for(KINDS)('that tells of its failure: %s', async (what, test) => {
  const { fleet, lane, leader, others, followers, answered } = await led(test, what)
  await fails(leader)
  // Long before they would give up.
  for (const { ms } of await answered) expect(ms).toBeLessThan(1_000)
  expect(followers.map(({ body }) => body)).toEqual([undefined, undefined, undefined])
  const [left] = await passes(fleet)
  expect(left).toBeGreaterThan(55_000)
  expect(left).toBeLessThanOrEqual(60_000)
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
    await holder.command('SET', `${key}:p`, '1', 'PX', '60000')
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

test.for(KINDS)(
  'who gives up without a word leaves nothing behind once another has set: %s',
  { timeout: 60_000 },
  async (what, test) => {
    const { fleet, lane, others, answered } = await led(test, what)
    await toldInTime(what, answered)
    await oneSetsForAll(fleet, lane, others)
    // Until all of them have forgotten that they were told to generate.
    await pause(12_000)
    expect(await passes(fleet)).toEqual([])
  },
)

test.for(KINDS)('far slower than anybody believes: %s', { timeout: 60_000 }, async (what, test) => {
  const { fleet, leader, answered } = await led(test, what)
  await answered
  await until(
    'it is believed to have failed',
    async () => {
      const [left = 0] = await passes(fleet)
      return left > 15_000 ? true : undefined
    },
    { within: 15_000 },
  )
  await leader.generate('at last')
  await until('it is over', async () => ((await passes(fleet)).length ? undefined : true))
})

/** One instance that is told to generate, and a visit at each of the others, which wait for it. */
async function led(test, what) {
  const fleet = await crowd(test, server, 4)
  const [by, ...others] = fleet
  const lane = new Lane(what)
  const leader = await lane.ask(by)
  expect(leader.body).toBe(undefined)
  const followers = await Promise.all(others.map((one) => lane.visit(one)))
  const answered = Promise.all(followers.map((one) => timed(one.ask())))
  await pause(200)
  expect((await counted(others)).followed).toBe(3)
  return { fleet, lane, leader, others, followers, answered }
}

/** All of them are told to generate, in time. */
async function toldInTime(what, answered) {
  for (const { value, ms } of await answered) {
    expect(value.body).toBe(undefined)
    expect(ms).toBeLessThan(waitedMs(what))
  }
}

/** Whoever asks generates, at once. */
async function nobodyWaits(lane, others) {
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
