import { expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { pause } from '../../unit/support.mjs'
import { crowd, Lane } from './visits.mjs'

// A crawler that asks for what is never stored: more keys than any table of generations holds.

const KEYS = 12_000

/** Misses so many keys, some at a time, and stores none. */
async function misses({ Tiercel, count }) {
  for (let first = 0; first < count; first += 200) {
    const some = Array.from({ length: 200 }, (_, n) => `missing ${first + n}`)
    const ask = (key) => new Tiercel().get(key, { kind: 'FETCH', tags: [], softTags: [] })
    await Promise.all(some.map(ask))
  }
}

test('many keys that are never stored cost others nothing', { timeout: 120_000 }, async (test) => {
  const server = await start('single')
  test.onTestFinished(() => server.stop())
  const fleet = await crowd(test, server, 2)
  const [crawled, other] = fleet
  const [stored, stale] = [new Lane('fetch'), new Lane('page')]
  await stored.store(other, 'by another')
  await stale.spread(fleet, 'old')
  await crawled.run(misses, { count: KEYS })

  // What another has stored is read, and what is stale is generated.
  expect((await stored.ask(crawled)).body).toBe('by another')
  await other.invalidate(stale.tags, { expire: 600 })
  expect(await stale.ask(crawled)).toMatchObject({ body: 'old', isStale: true })

  // Nothing is renewed of what nobody waits for: scripts are those of the protocol alone.
  const before = await scripts(server)
  await pause(2_000)
  expect((await scripts(server)) - before).toBeLessThan(60)
})

/** How many scripts the server has run. */
async function scripts(server) {
  const stats = await server.command('INFO', 'commandstats')
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(String(stats))[1])
}
