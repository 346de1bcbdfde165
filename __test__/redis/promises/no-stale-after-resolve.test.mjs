import { expect, test } from 'vitest'
import { pause, timed } from '../../unit/support.mjs'
import { REPEATS } from '../instances.mjs'
import { invalidated, lanes, proxied, RESOLVED_MS, rounds, STRICT } from './support.mjs'

// Once an invalidation has resolved anywhere, no get that begins later, on any instance, returns
// what was generated before it.

const PATIENCE_MS = 60_000 * Math.max(1, REPEATS)

test(
  'whoever invalidates and whoever asks',
  async (test) => {
    const { fleet } = await proxied(test, 4, { env: STRICT })
    const told = await rounds(fleet, { count: 10, rounds: 30 })
    expect(told.old).toBe(0)
    expect(told.invalidations).toBe(300 * REPEATS)
  },
  PATIENCE_MS,
)

test(
  'when messages are lost, some or all',
  async (test) => {
    const { fleet, proxies } = await proxied(test, 3, { env: STRICT })
    proxies[0].dropMessages(0.5)
    proxies[1].dropMessages(1)
    const told = await rounds(fleet, { count: 40, rounds: 5 })
    expect(told.old).toBe(0)
    expect(proxies[0].dropped).toBeGreaterThan(0)
    // Invalidations that come together share a message.
    expect(proxies[1].dropped).toBeGreaterThanOrEqual(5)
  },
  PATIENCE_MS,
)

test(
  'when messages, answers or both are late',
  async (test) => {
    const { fleet, proxies } = await proxied(test, 3, { env: STRICT })
    proxies[0].delay(15, 'down')
    proxies[1].delay(25, 'up')
    const told = await rounds(fleet, { count: 20, rounds: 8 })
    expect(told.old).toBe(0)
  },
  PATIENCE_MS,
)

test(
  'when connections are cut again and again',
  async (test) => {
    const { fleet, server } = await proxied(test, 3, { env: STRICT })
    let [old, recorded, isOver] = [0, 0, false]
    const cutting = (async () => {
      for (let n = 0; !isOver; n++) {
        await server.command('CLIENT', 'KILL', 'TYPE', n % 2 ? 'pubsub' : 'normal')
        await pause(100 + 120 * (n % 5))
      }
    })()
    const run = async (lane, n) => {
      for (let round = 0; round < 6 * REPEATS; round++) {
        await lane.spread(fleet, fleet[(n + round) % 3])
        await invalidated(fleet[round % 3], [lane.tag])
        recorded++
        old += await lane.countOld(fleet)
      }
    }
    await Promise.all(lanes(10).map(run))
    isOver = true
    await cutting
    expect(old).toBe(0)
    expect(recorded).toBe(60 * REPEATS)
  },
  PATIENCE_MS,
)

test(
  'when an instance is frozen: it resolves nevertheless, and the thawed one knows',
  async (test) => {
    const { fleet } = await proxied(test, 3, { env: STRICT })
    const frozen = fleet[2]
    for (let round = 0; round < 3 * REPEATS; round++) {
      const all = lanes(10)
      await Promise.all(all.map((lane) => lane.spread(fleet)))
      frozen.pause()
      const { ms } = await timed(Promise.all(all.map(({ tag }) => fleet[0].invalidate([tag]))))
      expect(ms).toBeLessThan(RESOLVED_MS)
      for (const lane of all) expect(await lane.countOld([fleet[0], fleet[1]])).toBe(0)
      // Asked before it thaws, so that nothing it does comes before the answer.
      const answers = all.map((lane) => lane.countOld([frozen]))
      frozen.resume()
      expect(await Promise.all(answers)).toEqual(all.map(() => 0))
    }
  },
  PATIENCE_MS,
)

test(
  'when an instance is killed: at most the first two wait for it',
  async (test) => {
    const { fleet } = await proxied(test, 4, { env: STRICT })
    const [killed, ...left] = fleet
    const all = lanes(12)
    await Promise.all(all.map((lane) => lane.spread(fleet)))
    await killed.kill()
    const waits = []
    for (const [n, lane] of all.entries()) {
      const { ms } = await timed(left[n % 3].invalidate([lane.tag]))
      waits.push(ms)
      expect(await lane.countOld(left)).toBe(0)
    }
    expect(Math.max(...waits)).toBeLessThan(RESOLVED_MS)
    // Who is silent is waited for as long as a lease lasts.
    expect(waits.filter((ms) => ms >= 900).length).toBeLessThanOrEqual(2)
    expect(waits[0]).toBeGreaterThan(900)
  },
  PATIENCE_MS,
)
