import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../tools/redis/servers.mjs'
import { inChild } from '../unit/support.mjs'
import { newName } from './instances.mjs'

// What decisions and statistics say about the shared tier. Each process is one that a test starts.

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

const settings = (more) => ({
  TIERCEL_REDIS_URL: server.url,
  TIERCEL_NAMESPACE: newName('decisions'),
  TIERCEL_SECRET: 'a secret of the first process',
  ...more,
})

/** Connects, does as `steps` say, and waits as long for each as it may take. */
async function script({ index, steps }) {
  const Tiercel = require(index)
  const pause = (ms) => new Promise((wake) => setTimeout(wake, ms))
  const done = async (is) => {
    for (let n = 0; !(await is()); n++) {
      if (n === 200) throw new Error('not within 10 s')
      await pause(50)
    }
  }
  let printed = ''
  const { write } = process.stderr
  process.stderr.write = (text, ...rest) => {
    printed += text
    return write.call(process.stderr, text, ...rest)
  }
  await done(async () => (await Tiercel.ready({ timeoutMs: 100 })).shared === 'connected')
  const fetched = { kind: 'FETCH', data: { body: 'x'.repeat(5_000), headers: {} }, revalidate: 60 }
  const acts = {
    get: () => new Tiercel().get('key', { kind: 'FETCH', tags: [] }),
    set: async () => {
      // Before: the write may have ended by the time the set has.
      const { shared } = Tiercel.stats()
      await new Tiercel().set('key', fetched, { fetchCache: true, tags: ['tag'] })
      await done(() => {
        const { entriesWritten, queuedWrites } = Tiercel.stats().shared
        return entriesWritten > shared.entriesWritten && queuedWrites === 0
      })
      // It is on its way.
      await pause(500)
    },
    invalidate: () => Tiercel.updateTags(['tag']),
    hear: () =>
      done(() => Tiercel.decisions({ key: 'tag' }).some(({ call }) => call === 'invalidate')),
    told: () => done(() => printed.includes('invalidate TAG')),
    // What does not come has had the time to.
    settled: () => pause(500),
  }
  for (const step of steps) await acts[step]()
  const { shared, fetch } = Tiercel.stats()
  return { pid: process.pid, decisions: Tiercel.decisions(), shared, fetch }
}

const run = (env, ...steps) => inChild(script, { env, given: { steps } })
const total = ({ counts }) => counts.reduce((sum, count) => sum + count, 0)

test.concurrent('a value is told as written to both tiers, and as read from the server', async () => {
  const env = settings()
  const one = (await run(env, 'set')).answer
  expect(one.decisions[0]).toMatchObject({ call: 'set', tier: 'memory+shared', outcome: 'stored' })
  expect(one.shared.compressionRatio).toBeGreaterThan(2)
  expect(one.shared.bytesWritten).toBeGreaterThan(0)
  const two = (await run(env, 'get')).answer
  const [read] = two.decisions
  expect(read).toMatchObject({ call: 'get', tier: 'shared', outcome: 'fresh', tags: ['tag'] })
  expect(read.waitedFor).toContain('redis')
  expect(read.ms).toBeGreaterThan(0)
  expect(two.shared).toMatchObject({ state: 'connected', entriesRead: 1, appRefusals: 0 })
  expect(two.shared.bytesRead).toBe(one.shared.bytesWritten)
  expect(two.shared.position).toBeGreaterThan(1e15)
  expect(two.shared.lagMs).toBeLessThan(5_000)
  expect(total(two.shared.roundTrip)).toBeGreaterThan(0)
  expect(total(two.fetch.latency.shared)).toBe(1)
  expect(two.fetch.hitRate).toBe(1)
})

test.concurrent('an invalidation by another process says by which, once, in a line, too', async () => {
  const env = settings()
  const hears = run({ ...env, TIERCEL_DEBUG: '1' }, 'hear', 'told')
  let isOver = false
  const heard = hears.finally(() => {
    isOver = true
  })
  const by = []
  // The other process has to listen by then.
  do by.push((await run(env, 'invalidate')).answer.pid)
  while (!isOver)
  const { answer, stderr } = await heard
  const told = answer.decisions.filter(({ call }) => call === 'invalidate').at(-1)
  expect(told).toMatchObject({ key: 'tag', outcome: 'hard', kind: 'TAG' })
  const [, pid] = /^from [\w.-]*:(\d+)$/.exec(told.reason)
  expect(by).toContain(Number(pid))
  expect(stderr).toMatch(new RegExp(`^tiercel: invalidate TAG tag hard from [\\w.-]*:${pid}$`, 'm'))
  // The process that invalidates does not hear itself.
  const own = (await run(env, 'invalidate', 'settled')).answer.decisions
  expect(own.map(({ reason }) => reason)).toEqual([''])
})

test.concurrent('what another secret signed, and nobody, is told as such', async () => {
  const env = settings()
  await run(env, 'set')
  const other = await run({ ...env, TIERCEL_SECRET: 'a secret of another process' }, 'get')
  expect(other.answer.decisions[0].reason).toBe('absent: stored in Redis with another secret')
  const unsigned = settings({ TIERCEL_SECRET: undefined })
  await run(unsigned, 'set')
  const signing = await run({ ...unsigned, TIERCEL_SECRET: 'a secret of another process' }, 'get')
  expect(signing.answer.decisions[0].reason).toBe('absent: stored in Redis without a signature')
})

test.concurrent('nothing found in a server that is away is no key that was never stored', async () => {
  const { answer } = await inChild(
    async ({ index }) => {
      const Tiercel = require(index)
      await new Tiercel().get('key', { kind: 'FETCH' })
      const pause = (ms) => new Promise((wake) => setTimeout(wake, ms))
      while (!Tiercel.stats().shared.isAway) await pause(50)
      await new Tiercel().get('key', { kind: 'FETCH' })
      return { last: Tiercel.decisions()[0], shared: Tiercel.stats().shared }
    },
    { env: settings({ TIERCEL_REDIS_URL: 'redis://127.0.0.1:1' }) },
  )
  expect(answer.last.reason).toBe('absent: not in memory, and Redis is away')
  expect(answer.shared.state).toBe('away')
})
