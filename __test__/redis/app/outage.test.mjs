import { afterAll, beforeAll, expect, test } from 'vitest'
import { startProxy } from '../../../tools/redis/proxy.mjs'
import { start } from '../../../tools/redis/servers.mjs'
import { until } from '../../unit/support.mjs'
import { connected, newName, team } from '../instances.mjs'
import { APP } from './support.mjs'

// The server is lost in each of the ways there are: what is promised then holds, and every promise
// settles.

/** One command, and what a busy machine adds. */
const SETTLED_MS = 3_000

let server
beforeAll(async () => {
  server = await start('single')
}, 60_000)
afterAll(() => server?.stop())

/** A process whose server can be taken away. */
async function behindProxy(onTestFinished) {
  const proxy = await startProxy(server)
  onTestFinished(() => proxy.stop())
  const fleet = await team(1, {
    TIERCEL_REDIS_URL: proxy.url,
    TIERCEL_NAMESPACE: newName('app'),
    TIERCEL_COMMAND_TIMEOUT_MS: '300',
  })
  onTestFinished(() => fleet.stop())
  await connected(fleet[0])
  return { proxy, one: fleet[0] }
}

const WAYS = {
  async refused(proxy) {
    await proxy.refuse()
    proxy.reset()
  },
  'black-holed': (proxy) => proxy.blackHole(),
}

const calls = async ({ require, APP, id, name, most }) => {
  const { codes, counter, kv, lock, rateLimit, sessions, tokens } = require(APP)
  const limit = (onError) => rateLimit({ name, limit: 3, window: '1h', onError }).limit(onError)
  const permit = async (onError) => {
    const limiter = rateLimit.concurrency({ name, limit: 1, onError })
    const [one, other] = [await limiter.acquire(onError), await limiter.acquire(onError)]
    await one.release()
    return { source: one.source, success: [one.success, other.success] }
  }
  const views = counter('views')
  views.add('id')
  const all = {
    flush: () => views.flush(),
    uniques: () => views.uniques('id'),
    get: () => views.get('id'),
    permitLocal: () => permit('local'),
    permitOpen: () => permit('open'),
    permitClosed: () => permit('closed'),
    kv: () => kv('a').get('x'),
    tokens: () => tokens().consume('x'.repeat(43)),
    codes: () => codes().issue('x'),
    lock: () => lock('x', { waitMs: 0 }, () => 'ran'),
    sessions: () => sessions().get(id),
    local: () => limit('local'),
    open: () => limit('open'),
    closed: () => limit('closed'),
  }
  const told = {}
  for (const [name, call] of Object.entries(all)) {
    const begun = performance.now()
    told[name] = await call().then(
      (value) => (value?.source ? [value.success, value.source] : value),
      ({ code, reason }) => (reason ? `${code} ${reason}` : code),
    )
    if (performance.now() - begun > most) told[name] = 'late'
  }
  return told
}

test.for(Object.keys(WAYS))('a server that is %s', async (way, { onTestFinished }) => {
  const { proxy, one } = await behindProxy(onTestFinished)
  const id = await until('a session', () =>
    one
      .run(({ require, APP }) => require(APP).sessions().create('user', 5), { APP })
      .catch(() => undefined),
  )
  const given = { APP, id, name: newName('limit'), most: SETTLED_MS }
  await WAYS[way](proxy)
  const AWAY = 'TIERCEL_STORE_AWAY'
  const away = {
    flush: AWAY,
    uniques: AWAY,
    get: AWAY,
    permitLocal: [[true, false], 'local'],
    permitOpen: [[true, true], 'nobody'],
    permitClosed: [[false, false], 'nobody'],
    kv: AWAY,
    tokens: AWAY,
    codes: AWAY,
    lock: AWAY,
    // Nobody is logged out by an outage, or in.
    sessions: AWAY,
    local: [true, 'local'],
    open: [true, 'nobody'],
    closed: [false, 'nobody'],
  }
  for (let round = 0; round < 3; round++) expect(await one.run(calls, given)).toEqual(away)
  // Each process counts by itself.
  expect((await one.run(calls, given)).local).toEqual([false, 'local'])
  await proxy.pass()
  await until('it answers', async () => {
    const told = await one.run(calls, given)
    return told.sessions?.data === 5 && told.local[1] === 'store' ? true : undefined
  })
  // Each call of `calls` has added one, and none is lost.
  const total = ({ require, APP }) => require(APP).counter('views').get('id')
  const before = await until('counts are read', () =>
    one.run(total, { APP }).catch(() => undefined),
  )
  expect(before).toBeGreaterThanOrEqual(5)
  const told = await until('counts have arrived', async () => {
    const told = await one.run(calls, given)
    return told.flush === undefined ? told : undefined
  })
  expect(told.get).toBe(await one.run(total, { APP }))
})

test('a lock that was taken, and said so too late, is given back', async ({ onTestFinished }) => {
  const { proxy, one } = await behindProxy(onTestFinished)
  const attempt = (of) =>
    one.run(
      ({ require, APP, of }) =>
        require(APP)
          [of]('late', { ttl: '60s', ...(of === 'lock' && { waitMs: 0 }) }, () => 'ran')
          .then(
            (told) => told.acquired ?? told,
            ({ code, maybeDone }) => [code, maybeDone],
          ),
      { APP, of },
    )
  for (const of of ['lock', 'tryLock']) {
    await until('the server answers', async () => {
      const told = await attempt('tryLock')
      return told === true || undefined
    })
    proxy.delay(400)
    expect(await attempt(of)).toEqual(['TIERCEL_STORE_AWAY', true])
    await proxy.pass()
    // Not after the 60 s that it would be held for.
    await until('it is free', async () => (await attempt('tryLock')) === true || undefined)
  }
})

test('what was taken while the server stood still is given back once it goes on', async ({
  onTestFinished,
}) => {
  const own = await start('single')
  onTestFinished(() => own.stop())
  const fleet = await team(1, {
    TIERCEL_REDIS_URL: own.url,
    TIERCEL_NAMESPACE: newName('still'),
    TIERCEL_COMMAND_TIMEOUT_MS: '100',
  })
  onTestFinished(() => fleet.stop())
  await connected(fleet[0])
  const lockAll = ({ require, APP, count }) => {
    const { tryLock } = require(APP)
    const attempt = (_, index) =>
      tryLock(`key ${index}`, { ttl: '10m' }, () => 'ran').then(
        ({ acquired }) => acquired,
        ({ maybeDone }) => (maybeDone ? 'perhaps' : 'no'),
      )
    return Promise.all(Array.from({ length: count }, attempt))
  }
  const given = { APP, count: 8 }
  const all = Array(given.count).fill(true)
  const succeed = async () => {
    const told = await fleet[0].run(lockAll, given)
    return told.every((acquired) => acquired === true) ? told : undefined
  }
  expect(await until('the server answers', succeed)).toEqual(all)
  own.pause()
  // Until the connection is given up, by when what was to undo the last of them has nowhere to go.
  const told = []
  await until('nothing is sent any more', async () => {
    told.push(await fleet[0].run(lockAll, given))
    return told.at(-1).every((each) => each === 'no') || undefined
  })
  expect(told[0]).toContain('perhaps')
  own.resume()
  // Not after the 10 minutes that they would be held for.
  expect(await until('all are free', succeed)).toEqual(all)
})
