import { afterAll, beforeAll, expect, test } from 'vitest'
import { lockRounds } from '../../../tools/locks/rounds.mjs'
import { start } from '../../../tools/redis/servers.mjs'
import { until } from '../../unit/support.mjs'
import { connected, newName, team } from '../instances.mjs'
import { APP } from './support.mjs'

// What only several processes can show.

let server
let fleet
const namespace = newName('app')
const settings = () => ({
  TIERCEL_REDIS_URL: server.url,
  TIERCEL_NAMESPACE: namespace,
  TIERCEL_COMMAND_TIMEOUT_MS: '2000',
})

beforeAll(async () => {
  server = await start('single')
  fleet = await team(4, settings())
  await Promise.all([...fleet].map(connected))
}, 60_000)
afterAll(async () => {
  await fleet?.stop()
  await server?.stop()
})

/** Runs the same in each of some processes at the same moment, give or take some ms. */
const inEach = (instances, body, given) =>
  Promise.all(instances.map((one) => one.run(body, { APP, ...given })))

test('of four processes that use a token at once one gets it, 1000 times', async () => {
  const name = newName('tokens')
  const issued = await fleet[0].run(
    async ({ require, APP, name }) => {
      const { issue } = require(APP).tokens({ name })
      return Promise.all(Array.from({ length: 1_000 }, (_, n) => issue(n)))
    },
    { APP, name },
  )
  const consume = async ({ require, APP, name, issued }) => {
    const { consume } = require(APP).tokens({ name })
    return Promise.all(issued.map((token) => consume(token)))
  }
  const all = await inEach([...fleet], consume, { name, issued })
  for (let n = 0; n < 1_000; n++) {
    expect(all.map((one) => one[n]).filter((won) => won !== null)).toEqual([{ data: n }])
  }
})

test.for(['fixed-window', 'sliding-window', 'token-bucket'])(
  'a limit of 100 across four processes admits 100: %s',
  async (algorithm) => {
    const body = async ({ require, APP, name, algorithm }) => {
      const limiter = require(APP).rateLimit({ name, limit: 100, window: '1d', algorithm })
      const all = await Promise.all(Array.from({ length: 60 }, () => limiter.limit('id')))
      return all.filter(({ success }) => success).length
    }
    const admitted = await inEach([...fleet], body, { name: newName('limit'), algorithm })
    expect(admitted.reduce((one, other) => one + other)).toBe(100)
  },
)

test('a fast limit of 1000 across four processes admits 1000, mostly without asking', async () => {
  const body = async ({ require, APP, name, algorithm }) => {
    const mode = 'fast'
    const limiter = require(APP).rateLimit({ name, limit: 1_000, window: '31d', algorithm, mode })
    const told = { admitted: 0, share: 0 }
    // Longer than anything is held, so that what one gives back another gets.
    for (const until = performance.now() + 8_000; performance.now() < until; ) {
      const { success, source } = await limiter.limit('id')
      if (success) told.admitted++
      if (success && source === 'share') told.share++
      await new Promise((end) => setTimeout(end, success ? 1 : 50))
    }
    return told
  }
  const algorithms = ['fixed-window', 'sliding-window', 'token-bucket']
  // All at once: each waits for most of its time.
  const of = (algorithm) => inEach([...fleet], body, { name: newName('limit'), algorithm })
  for (const all of await Promise.all(algorithms.map(of))) {
    const sum = (what) => all.map((one) => one[what]).reduce((one, other) => one + other)
    expect(sum('admitted')).toBe(1_000)
    expect(sum('share')).toBeGreaterThan(500)
  }
}, 30_000)

test('no more run at the same time than a limit says, in four processes, some of them killed', async () => {
  const key = newName('permit')
  const doomed = await team(1, settings())
  const body = async ({ require, APP, key, rounds, hangs }) => {
    const { kv, rateLimit } = require(APP)
    const limiter = rateLimit.concurrency({ name: key, limit: 3, ttl: '1s' })
    const inside = kv('inside')
    let most = 0
    for (let n = 0; n < rounds; n++) {
      await limiter.run('id', { waitMs: 20_000 }, async () => {
        // Whoever is killed leaves nothing behind that others take for a holder.
        if (hangs) {
          await kv('hanging').set(key, 'yes')
          await new Promise(() => setInterval(() => {}, 1_000))
        }
        most = Math.max(most, await inside.increment(key))
        await inside.increment(key, -1)
      })
    }
    return most
  }
  const given = { APP, key }
  const hanging = doomed[0].run(body, { ...given, rounds: 1, hangs: true }).catch(() => 'killed')
  const work = () => inEach([...fleet, ...fleet], body, { key, rounds: 25, hangs: false })
  const working = work()
  const isHeld = ({ require, APP, key }) => require(APP).kv('hanging').get(key)
  await until('it is held', async () => (await fleet[0].run(isHeld, { APP, key })) ?? undefined)
  await doomed.stop()
  expect(await hanging).toBe('killed')
  const most = await working
  expect(Math.max(...most)).toBeLessThanOrEqual(3)
  expect(Math.max(...most)).toBeGreaterThan(1)
}, 60_000)

test('a holder that stands still for too long counts no more, and is told when it goes on', async () => {
  const key = newName('permit')
  const [frozen, other] = fleet
  const hold = async ({ require, APP, key }) => {
    const limiter = require(APP).rateLimit.concurrency({ name: key, limit: 1, ttl: '1s' })
    const { signal } = await limiter.acquire('id')
    await new Promise((end) => {
      signal.addEventListener('abort', end)
      setTimeout(end, 8_000)
    })
    return signal.aborted && signal.reason.code
  }
  const held = frozen.run(hold, { APP, key })
  const limiterOf = ({ require, APP, key, waitMs }) =>
    require(APP)
      .rateLimit.concurrency({ name: key, limit: 1 })
      .acquire('id', { waitMs })
      .then(({ success }) => success)
  const peek = ({ require, APP, key }) =>
    require(APP)
      .rateLimit.concurrency({ name: key, limit: 1 })
      .peek('id')
      .then((one) => one.remaining)
  await until('it is held', async () => (await other.run(peek, { APP, key })) === 0 || undefined)
  frozen.pause()
  expect(await other.run(limiterOf, { APP, key, waitMs: 5_000 })).toBe(true)
  frozen.resume()
  expect(await held).toBe('TIERCEL_PERMIT_LOST')
})

test('counts of four processes add up, also of one that ends, and one reset gets all of them', async () => {
  const name = newName('views')
  const body = async ({ require, APP, name }) => {
    const views = require(APP).counter(name, { flushMs: 50 })
    for (let n = 0; n < 1_000; n++) views.add(`id-${n % 10}`)
    for (let n = 0; n < 100; n++) views.unique('id-0', `visitor-${n}`)
    return views.get('id-0')
  }
  for (const own of await inEach([...fleet], body, { name }))
    expect(own).toBeGreaterThanOrEqual(100)
  const read = async ({ require, APP, name }) => {
    const views = require(APP).counter(name, { flushMs: 50 })
    return [
      await views.get('id-0'),
      await views.uniques('id-0'),
      (await views.top(3)).map((one) => one.count),
    ]
  }
  await until('all have sent', async () => {
    const [sum] = await fleet[0].run(read, { APP, name })
    return sum === 400 || undefined
  })
  // How many different ones is an estimate, by about a hundredth.
  const seen = await fleet[1].run(read, { APP, name })
  expect(seen).toEqual([400, expect.any(Number), [400, 400, 400]])
  expect(Math.abs(seen[1] - 100)).toBeLessThan(5)
  const reset = ({ require, APP, name }) =>
    require(APP).counter(name, { flushMs: 50 }).reset('id-0')
  const got = await inEach([...fleet], reset, { name })
  expect(got.sort((one, other) => one - other)).toEqual([0, 0, 0, 400])
})

test('an id over its limit costs no command', async () => {
  const name = newName('limit')
  const flood = async ({ require, APP, name }) => {
    const limiter = require(APP).rateLimit({ name, limit: 1, window: '1h' })
    await limiter.limit('id')
    await limiter.limit('id')
    const all = await Promise.all(Array.from({ length: 10_000 }, () => limiter.limit('id')))
    return [...new Set(all.map(({ source }) => source))]
  }
  const scripts = async () => {
    const info = await server.command('INFO', 'commandstats')
    return Number(/cmdstat_evalsha:calls=(\d+)/.exec(info)?.[1] ?? 0)
  }
  const before = await scripts()
  expect(await fleet[0].run(flood, { APP, name })).toEqual(['known'])
  // The members of the fleet poll meanwhile: on a busy machine, for long.
  expect((await scripts()) - before).toBeLessThan(1_000)
})

// `npm run soak:lock` does ten thousand of them.
test('a lock has one holder at a time, and its numbers grow: also when holders are killed or frozen', async () => {
  const tally = await lockRounds(settings(), { rounds: 150, processes: 3, disturbEvery: 50 })
  expect(tally).toMatchObject({ overlaps: 0, backwards: 0, killed: 1, frozen: 1 })
  // What it wrote after all would be refused by its number, and it knew.
  expect(tally).toMatchObject({ refused: 1, untold: 0 })
  expect(tally.handovers).toBeGreaterThan(10)
}, 60_000)

test('a holder that stands still for too long is told when it goes on', async () => {
  const key = newName('lock')
  const [frozen, other] = fleet
  const hold = async ({ require, APP, key }) =>
    require(APP).lock(key, { ttl: '1s' }, async ({ signal }) => {
      await require(APP).kv('held').set(key, 'x')
      await new Promise((end) => {
        signal.addEventListener('abort', end)
        setTimeout(end, 8_000)
      })
      return signal.aborted && signal.reason.code
    })
  const held = frozen.run(hold, { APP, key })
  const isHeld = async ({ require, APP, key }) => require(APP).kv('held').get(key)
  await until('it is held', async () => (await other.run(isHeld, { APP, key })) ?? undefined)
  frozen.pause()
  const take = ({ require, APP, key }) => require(APP).lock(key, { waitMs: 5_000 }, () => 'taken')
  expect(await other.run(take, { APP, key })).toBe('taken')
  frozen.resume()
  expect(await held).toBe('TIERCEL_LOCK_LOST')
})

test('the sessions of a user have ended everywhere by the time destroyAll resolves', async () => {
  const name = newName('sessions')
  const create = async ({ require, APP, name }) => {
    const store = require(APP).sessions({ name })
    return Promise.all(Array.from({ length: 5 }, () => store.create('user')))
  }
  const ids = (await inEach([...fleet], create, { name })).flat()
  const read = async ({ require, APP, name, ids }) => {
    const store = require(APP).sessions({ name })
    const all = await Promise.all(ids.map((id) => store.get(id)))
    return all.filter((one) => one !== null).length
  }
  expect(await inEach([...fleet], read, { name, ids })).toEqual([20, 20, 20, 20])
  const end = ({ require, APP, name }) => require(APP).sessions({ name }).destroyAll('user')
  expect(await fleet[0].run(end, { APP, name })).toBe(20)
  expect(await inEach([...fleet], read, { name, ids })).toEqual([0, 0, 0, 0])
})

test('nothing that lies on the server says an id, a token, a code, a user or an address', async () => {
  const body = async ({ require, APP }) => {
    const { codes, rateLimit, sessions, tokens } = require(APP)
    const id = await sessions().create('user@h.example')
    const token = await tokens().issue()
    const { code } = await codes().issue('person@h.example')
    await rateLimit({ name: 'ip', limit: 5, window: '1h' }).limit('203.0.113.77')
    return [id, id.slice(16), token, code, 'person@h.example', '203.0.113.77']
  }
  const secrets = await fleet[0].run(body, { APP })
  const keys = await server.command('KEYS', `${namespace}:{*`)
  const dump = []
  for (const key of keys) {
    const type = await server.command('TYPE', key)
    const read = { string: ['GET', key], hash: ['HGETALL', key] }[type] ?? ['EXISTS', key]
    dump.push(key, JSON.stringify(await server.command(...read)))
  }
  const text = dump.join('\n')
  expect(text).toContain('limit:ip:')
  for (const secret of secrets.slice(0, 3)) expect(text).not.toContain(secret)
  for (const secret of secrets.slice(4)) expect(text).not.toContain(secret)
  expect(text).not.toMatch(new RegExp(`[^0-9a-f]${secrets[3]}[^0-9a-f]`))
})
