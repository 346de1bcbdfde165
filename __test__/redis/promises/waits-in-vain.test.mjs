import { expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { kinds } from '../kinds.mjs'
import { direct } from './support.mjs'

const PATIENT = { TIERCEL_FETCH_WAIT_MS: '1200', TIERCEL_WAIT_MS: '2200' }

/** Gets of one key at one moment, in one instance. */
async function asksAtOnce({ Tiercel, count }) {
  const ask = async () => {
    const begun = performance.now()
    const found = await new Tiercel().get('fetch', { kind: 'FETCH', tags: [], softTags: [] })
    // Whoever is to generate does, for a while.
    if (!found) {
      await new Promise((wake) => setTimeout(wake, 300))
      const value = { kind: 'FETCH', data: { headers: {}, body: 'x', status: 200, url: '' } }
      await new Tiercel().set('fetch', { ...value, revalidate: 60 }, { fetchCache: true, tags: [] })
    }
    return { isGenerated: !found, ms: performance.now() - begun }
  }
  return Promise.all(Array.from({ length: count }, ask))
}

test('of those who waited for another process in vain one fetches, and the others wait for that', async (test) => {
  const server = await start('single')
  test.onTestFinished(() => server.stop())
  const { fleet } = await direct(test, server, 2, PATIENT)
  const [leader, other] = fleet
  expect(await kinds.fetch.read(leader, 'fetch')).toBe(undefined)
  const answers = await other.run(asksAtOnce, { count: 20 })
  expect(answers.filter(({ isGenerated }) => isGenerated)).toHaveLength(1)
  expect(Math.min(...answers.map(({ ms }) => ms))).toBeGreaterThan(1_100)
  expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(2_500)
})
