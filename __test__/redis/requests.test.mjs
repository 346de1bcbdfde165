import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../tools/redis/servers.mjs'
import { until } from '../unit/support.mjs'
import { connected, entriesOf, newName, team } from './instances.mjs'
import { kinds } from './kinds.mjs'

// Some requests never make Next.js generate what they ask for: nobody may wait for them.

const namespace = newName('requests')
let redis
let fleet

beforeAll(async () => {
  redis = await start('single')
  const env = {
    TIERCEL_REDIS_URL: redis.url,
    TIERCEL_NAMESPACE: namespace,
    TIERCEL_WAIT_MS: '2200',
  }
  fleet = await team(2, env)
  await Promise.all(fleet.map(connected))
})
afterAll(async () => {
  await fleet?.stop()
  await redis?.stop()
})

/** What one request with these headers gets of each question; every one has a handler of its own. */
const request = (by, _requestHeaders, ...questions) =>
  by.run(
    async ({ Tiercel, _requestHeaders, questions }) => {
      const answers = []
      for (const [key, context] of questions) {
        const ctx = { isFallback: false, isRoutePPREnabled: false, ...context }
        const found = await new Tiercel({ _requestHeaders }).get(key, ctx)
        answers.push(found && { revalidate: found.cacheControl.revalidate })
      }
      return answers
    },
    { _requestHeaders, questions },
  )

test('a prefetch by its purpose never leads', async () => {
  const [one] = fleet
  const key = newName('/prefetched')
  await kinds.page.set(one, key, 'old', [key])
  await one.invalidate([key], { expire: 600 })
  const question = [key, { kind: 'APP_PAGE' }]
  // It looks fresh, and for no longer than 2 s.
  expect(await request(one, { purpose: 'prefetch' }, question)).toEqual([{ revalidate: 2 }])
  // What comes next is told to generate.
  expect(await request(one, {}, question)).toEqual([{ revalidate: 1 }])
})

/** How many keys nobody need wait for. */
const passes = async () =>
  (await entriesOf(redis, namespace)).filter(({ key }) => key.endsWith(':p')).length

test('nobody waits for a page of which the shell was shown', async () => {
  const [one, other] = fleet
  const key = newName('/post')
  const page = [key, { kind: 'PAGES' }]
  const shell = ['/[slug]', { kind: 'PAGES', isFallback: true }]
  expect(await request(one, { accept: 'text/html' }, page, shell)).toEqual([null, null])
  await until('that is known', async () => (await passes()) === 1 || undefined)
  expect(await request(other, { 'x-nextjs-data': '1' }, page)).toEqual([null])
  expect((await other.stats()).leases.followed).toBe(0)
})

test('nor if the shell is held and was shown before', async () => {
  const [one, other] = fleet
  const value = { kind: 'PAGES', html: 'shell', pageData: {}, headers: {}, status: 200 }
  const shell = [newName('/[held]'), { kind: 'PAGES', isFallback: true }]
  await one.set(shell[0], value, { cacheControl: { revalidate: 600, expire: 6_000 } })
  for (let turn = 0; turn < 3; turn++) {
    const page = [newName('/post'), { kind: 'PAGES' }]
    const before = await passes()
    const answers = await request(one, { accept: 'text/html' }, page, shell)
    expect(answers).toEqual([null, { revalidate: 600 }])
    await until('that is known', async () => (await passes()) > before || undefined)
    expect(await request(other, { 'x-nextjs-data': '1' }, page)).toEqual([null])
  }
  expect((await other.stats()).leases.followed).toBe(0)
})
