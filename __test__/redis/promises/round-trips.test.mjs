import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { pause, timed, until } from '../../unit/support.mjs'
import { connected, newName } from '../instances.mjs'
import { kinds } from '../kinds.mjs'
import { direct, proxied } from './support.mjs'
import { Lane, PATIENT } from './visits.mjs'

// Round trips: a memory hit 0, a hit in Redis 1, a miss 2, a set 1 that nobody waits for, an
// invalidation 1 and its acknowledgements, however much is stored. Counted by the server itself.

/** What comes by itself: polls, probes, the end of a wait. They are scripts and EXISTS. */
const OF_ENTRIES = ['get', 'mget', 'set']

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server.stop())

/** How often each command was carried out while `work` ran. */
async function counted(work) {
  const before = await calls()
  await work()
  const after = await calls()
  const more = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)])
  return Object.fromEntries(more.filter(([, count]) => count > 0))
}

async function calls() {
  const lines = Object.entries(await server.info('commandstats'))
  return Object.fromEntries(
    lines.map(([name, line]) => [
      name.replace('cmdstat_', ''),
      Number(/calls=(\d+)/.exec(line)[1]),
    ]),
  )
}

const ofEntries = (counts) =>
  Object.fromEntries(Object.entries(counts).filter(([name]) => OF_ENTRIES.includes(name)))

let hasBuild = false

/** Two instances, once nothing but entries is read or written: snapshots are SETs, too. */
async function quiet(test) {
  const begun = await calls()
  const { fleet } = await direct(test, server, 2, { TIERCEL_SNAPSHOT_SECONDS: '0' })
  // Each leaves word of its namespace, and all but the first of the server read what is there.
  const expected = { set: fleet.length, get: fleet.length - (hasBuild ? 0 : 1) }
  hasBuild = true
  await until('they have left word', async () => {
    const now = await calls()
    const more = (name) => (now[name] ?? 0) - (begun[name] ?? 0)
    return (more('set') === expected.set && more('get') === expected.get) || undefined
  })
  return fleet
}

test.for(Object.entries(kinds))('a get or a set of one entry: %s', async ([, kind], test) => {
  const [here, there] = await quiet(test)
  const count = 20
  const keys = Array.from({ length: count }, () => newName('key'))
  const all = async (call) => {
    for (const key of keys) await call(key)
  }
  const before = (await calls()).set ?? 0
  const written = await counted(async () => {
    await all((key) => kind.set(here, key, 'x', ['t']))
    await until('all are written', async () => (await calls()).set >= before + count || undefined)
  })
  expect(ofEntries(written)).toEqual({ set: count })
  const read = (by) => counted(() => all(async (key) => expect(await kind.read(by, key)).toBe('x')))
  expect(ofEntries(await read(here))).toEqual({})
  expect(ofEntries(await read(there))).toEqual({ get: count })
  expect(ofEntries(await read(there))).toEqual({})
  const begun = performance.now()
  const missed = await counted(() =>
    all(async (key) => expect(await kind.read(there, `${key}-none`)).toBe(undefined)),
  )
  // The read, and one script, whatever it does on the server: looks for a lease, and takes it.
  const { get, ...others } = ofEntries(missed)
  expect(others).toEqual({ set: count })
  expect(get).toBeGreaterThanOrEqual(2 * count)
  // Once in a second the leases that go on are looked at, too.
  const renewals = count * Math.ceil((performance.now() - begun) / 1_000)
  expect(get).toBeLessThanOrEqual(2 * count + renewals)
  expect(missed.evalsha).toBeGreaterThanOrEqual(count)
})

test('a set does not wait for the server', async (test) => {
  const { fleet } = await direct(test, server, 1)
  server.pause()
  try {
    for (const kind of Object.values(kinds)) await kind.set(fleet[0], newName('key'), 'x')
  } finally {
    server.resume()
  }
})

test('gets of one tick travel together', async (test) => {
  const fleet = await quiet(test)
  const keys = Array.from({ length: 50 }, () => newName('key'))
  for (const key of keys) await kinds.fetch.set(fleet[0], key, 'x')
  await until('the last one is written', () => kinds.fetch.read(fleet[0], keys[49]))
  await pause(50)
  const packets = async () => Number((await server.info('stats')).total_reads_processed)
  const before = await packets()
  const read = await counted(async () => {
    const found = await fleet[1].run(
      ({ Tiercel, keys }) =>
        Promise.all(
          keys.map((key) => new Tiercel().get(key, { kind: 'FETCH', tags: [], softTags: [] })),
        ),
      { keys },
    )
    expect(found.every((one) => one?.value.data.body === 'x')).toBe(true)
  })
  expect(ofEntries(read)).toEqual({ get: keys.length })
  // Polls and probes come in packets of their own.
  expect((await packets()) - before).toBeLessThan(keys.length)
})

test('an invalidation, with few and with many entries stored', async (test) => {
  const { fleet, namespace } = await direct(test, server, 3)
  const costs = []
  for (const stored of [0, 20_000]) {
    for (let n = 0; n < stored; n += 1_000) {
      const sets = Array.from({ length: 1_000 }, (_, m) => ['SET', `${namespace}:{${n + m}}`, 'x'])
      await server.pipeline(sets)
    }
    // Past what a young list of instances asks for.
    await until('it is quick', async () => {
      const begun = performance.now()
      await fleet[0].invalidate(['warm'])
      return performance.now() - begun < 500 ? true : undefined
    })
    const rounds = 50
    const begun = performance.now()
    const counts = await counted(async () => {
      for (let n = 0; n < rounds; n++) {
        await fleet[0].run(({ Tiercel, n }) => Tiercel.updateTags([`tag-${n}`]), { n })
      }
    })
    const polls = 3 * (2 + Math.ceil((performance.now() - begun) / 500))
    // Its own script, and one of each of the others to say that they know.
    expect(counts.publish).toBe(rounds)
    expect(counts.evalsha).toBeGreaterThanOrEqual(rounds)
    expect(counts.evalsha).toBeLessThanOrEqual(3 * rounds + polls)
    expect(Object.keys(counts)).not.toContain('scan')
    expect(Object.keys(counts)).not.toContain('keys')
    costs.push(counts)
  }
  const [few, many] = costs
  // Polls come by the clock, hence the room.
  for (const name of ['zadd', 'zscore', 'publish']) {
    expect(many[name], name).toBeLessThan(few[name] * 1.5)
  }
})

/** What counts up when the server is taken for one that is away. */
const lateness = async (instance) => {
  const { timeouts, breaks, replacedConnections, isAway } = (await instance.stats()).shared
  return JSON.stringify([timeouts, breaks, replacedConnections, isAway])
}

/** By how much an answer of the server is late: not so much that it is taken for one that is away. */
const TURN_MS = 60

test.for(Object.keys(kinds))(
  'a hit takes one turn, and a get asks who generates only if it must: %s',
  async (what, test) => {
    const env = { ...PATIENT, TIERCEL_COMMAND_TIMEOUT_MS: '2000' }
    const { fleet, proxies, namespace } = await proxied(test, 2, { server, env })
    Object.assign(fleet, { server, namespace })
    const [here, there] = fleet
    const least = { missing: [], held: [], found: [] }
    proxies[1].delay(TURN_MS, 'down')
    for (let n = 0; n < 5; n++) {
      const [held, found, missing] = [new Lane(what), new Lane(what), new Lane(what)]
      await held.spread(fleet, 'old', { holders: [there] })
      await found.spread(fleet, 'old', { holders: [] })
      await here.invalidate([...held.tags, ...found.tags], { expire: 600 })
      for (const [name, lane] of Object.entries({ missing, held, found })) {
        await connected(there)
        const before = await lateness(there)
        const { value, ms } = await timed(lane.ask(there))
        expect(value.isStale || value.body === undefined).toBe(true)
        // On a busy machine the server may seem to be away: then nobody waits for it.
        if ((await lateness(there)) === before) least[name].push(ms)
      }
    }
    // A machine that is busy adds to some of them.
    const turns = Object.entries(least).map(([name, ms]) => [
      name,
      Math.floor(Math.min(...ms) / TURN_MS),
    ])
    expect(Object.fromEntries(turns)).toEqual({ missing: 2, held: 1, found: 2 })
  },
)

test.for(Object.entries(kinds))(
  'no lease costs a script of its own: %s',
  async ([, kind], test) => {
    const { fleet } = await direct(test, server, 2, { TIERCEL_COMMAND_TIMEOUT_MS: '1000' })
    const [here, there] = fleet
    const keys = Array.from({ length: 20 }, () => newName('key'))
    const all = async (call) => {
      for (const key of keys) await call(key)
    }
    // Those of leases look whether nobody need wait, and how long that is so yet.
    const ofLeases = async (work) => (await counted(work)).pttl ?? 0
    const idle = () => pause(300)
    expect(await ofLeases(() => all((key) => kind.read(here, key)))).toBe(20)
    expect(await ofLeases(() => all((key) => kind.set(here, key, 'x', ['t'])))).toBe(0)
    await idle()
    // Found in the store.
    expect(await ofLeases(() => all((key) => kind.read(there, key)))).toBe(0)
    expect(await ofLeases(() => all((key) => kind.read(there, key)))).toBe(0)
    expect(await ofLeases(() => all((key) => kind.read(here, key)))).toBe(0)
  },
)
