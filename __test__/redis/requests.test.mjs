import { afterAll, beforeAll, expect, test } from 'vitest'
import { connected, newName, team } from './instances.mjs'
import { kinds } from './kinds.mjs'
import { start } from './servers.mjs'

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
