import { describe, expect, test } from 'vitest'
import { inChild } from './support.mjs'

// What a bound costs in truth: how much more resident memory a process has that churns through many
// times its bound, storing and reading each entry, when the bound is larger. What the work itself
// takes on V8's heap is in both and goes away. Each is the greatest seen, not what is left.
const [SMALL_MB, LARGE_MB] = [64, 192]
const MOST_MB = (LARGE_MB - SMALL_MB) * 1.2

/** The greatest RSS in MiB of a process that stores `moveMb` of entries, and reads each. */
async function churn({ index, moveMb, memoryMb, load }) {
  const Tiercel = require(index).configure({ memoryMb })
  const filled = (size, n) => Buffer.alloc(size, `entry ${n};`)
  const text = (size, n) => filled(size, n).toString('latin1')
  const fetch = async (n, size, tags = ['a', `t${n % 99}`]) => {
    const value = { kind: 'FETCH', data: { headers: {}, body: text(size, n) }, revalidate: 60 }
    await new Tiercel().set(`key${n}`, value, { tags })
    return new Tiercel().get(`key${n}`, { kind: 'FETCH', tags })
  }
  const words = Array.from({ length: 64 }, (_, n) => `tag/${n}/`)
  const loads = {
    'pages of 63 kB': [
      63_000,
      async (n) => {
        const [rscData, tree] = [filled(20_000, n), filled(3_000, n)]
        const segmentData = new Map([
          ['/_full', rscData],
          ['/_tree', tree],
        ])
        const headers = { 'x-next-cache-tags': `a,b,t${n % 1_000}` }
        const value = { kind: 'APP_PAGE', html: text(40_000, n), rscData, headers, segmentData }
        await new Tiercel().set(`/key${n}`, value, { cacheControl: { revalidate: 60 } })
        return new Tiercel().get(`/key${n}`, { kind: 'APP_PAGE' })
      },
    ],
    'fetches of 400 bytes': [400, (n) => fetch(n, 400)],
    'fetches of 64 tags': [
      400,
      (n) =>
        fetch(
          n,
          400,
          words.map((word) => `${word}${n % 7}`),
        ),
    ],
    'fetches of 300 bytes to 1.5 MB': [
      366_000,
      (n) => fetch(n, [300, 3_000, 30_000, 300_000, 1_500_000][n % 5] - (n % 211)),
    ],
    "'use cache' entries of 30 kB": [
      30_000,
      async (n) => {
        const value = new Blob([filled(30_000, n)]).stream()
        const timestamp = performance.timeOrigin + performance.now()
        const entry = { value, tags: ['a'], stale: 1, timestamp, expire: 999, revalidate: 99 }
        await Tiercel.set(`key${n}`, Promise.resolve(entry))
        const found = await Tiercel.get(`key${n}`, [])
        return found && new Response(found.value).arrayBuffer()
      },
    ],
  }
  const [size, step] = loads[load]
  let most = 0
  for (let n = 0; n * size < moveMb * 2 ** 20; n++) {
    await step(n)
    // A server turns its event loop all the time; what left the cache is let go there.
    if (n % 16 === 0) await new Promise((wake) => setImmediate(wake))
    if (n % 64 === 0) most = Math.max(most, process.memoryUsage.rss())
  }
  const { bytes, capacityBytes } = Tiercel.stats().memory
  return { mostMb: most / 2 ** 20, isFull: bytes > 0.9 * capacityBytes }
}

const loads = [
  ['pages of 63 kB', 2_048],
  ['fetches of 400 bytes', 160],
  ['fetches of 64 tags', 48],
  ['fetches of 300 bytes to 1.5 MB', 2_048],
  ["'use cache' entries of 30 kB", 1_024],
]

describe.each(loads)('%s', (load, moveMb) => {
  test('a bound costs at most a fifth more than it says', { timeout: 210_000 }, async () => {
    const run = (memoryMb) => inChild(churn, { given: { load, moveMb, memoryMb }, within: 200_000 })
    const [small, large] = await Promise.all([run(SMALL_MB), run(LARGE_MB)])
    for (const { code, answer } of [small, large]) {
      expect({ code, ...answer }).toMatchObject({ code: 0, isFull: true })
    }
    const costMb = large.answer.mostMb - small.answer.mostMb
    if (process.env.TIERCEL_TEST_FIGURES) {
      const figures = [large.answer.mostMb, small.answer.mostMb, costMb].map(Math.round)
      console.log(`${load}: ${figures.join(', ')} MB: with the larger bound, the smaller, the cost`)
    }
    expect(costMb).toBeLessThan(MOST_MB)
  })
})
