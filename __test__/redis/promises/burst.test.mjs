import { afterAll, beforeAll, expect, test } from 'vitest'
import { fleet } from '../../../tools/instances/fleet.mjs'
import { start } from '../../../tools/redis/servers.mjs'
import { connected, newName } from '../instances.mjs'
import { kinds } from '../kinds.mjs'

// What an import of many products does: thousands of invalidations in one turn of the event loop.

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

const CALLS = 3_000
/** The entries are of some of the tags only. */
const EVERY = 100

/** Invalidates a tag of its own in each of many calls. Runs in an instance. */
async function invalidateMany({ Tiercel, calls }) {
  const handler = new Tiercel()
  const all = Array.from({ length: calls }, (_, nth) => handler.revalidateTag(`product-${nth}`))
  await Promise.all(all)
  return Tiercel.stats().shared.state
}

async function scripts() {
  const stats = await server.command('INFO', 'commandstats')
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)[1])
}

test('thousands of invalidations at once are recorded, known to all, and few commands', async (test) => {
  const env = { TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: newName('burst') }
  const instances = await fleet(2, env)
  test.onTestFinished(() => instances.stop())
  const [one, other] = instances
  await Promise.all(instances.map(connected))
  const products = Array.from({ length: CALLS / EVERY }, (_, nth) => `product-${nth * EVERY}`)
  for (const product of products) await kinds.fetch.set(other, product, 'old', [product])
  expect(await kinds.fetch.read(other, products[0])).toBe('old')
  const before = await scripts()
  expect(await one.run(invalidateMany, { calls: CALLS })).toBe('connected')
  for (const product of products) expect(await kinds.fetch.read(other, product)).toBeUndefined()
  // A command each would be as many as calls; the rest is polls and acknowledgements.
  expect((await scripts()) - before).toBeLessThan(CALLS / 4)
  expect(one.log() + other.log()).not.toMatch(/could not be recorded|is away/)
})
