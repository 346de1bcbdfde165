import { describe, test } from 'vitest'
import { appWith, inChild } from './support.mjs'

// Images as Next's optimizer takes them (`ImageOptimizerCache.get` of 16.2 to 16.4): it compares
// `lastModified` with `Date.now()`, which may be set, and runs on while the machine sleeps.
const versions = ['16.2.12', '16.3.8', '16.4.6']

/** In an app: stores images, and tells how the optimizer sees each of `asks`, after so many ms. */
async function look({ index, revalidate, count, asks, after, stepMs = 0 }) {
  const Tiercel = require(index)
  const handler = new Tiercel({ _requestHeaders: {} })
  const keys = Array.from({ length: count }, (_, n) => `image-${n}`)
  const set = async (key) => {
    const value = { kind: 'IMAGE', buffer: Buffer.alloc(9_000, key), extension: 'webp', revalidate }
    const context = { kind: 'IMAGE', cacheControl: { revalidate, expire: undefined } }
    await handler.set(key, { ...value, etag: 'e', upstreamEtag: 'u' }, context)
  }
  const seen = async (key) => {
    const found = await handler.get(key, { kind: 'IMAGE', isFallback: false })
    if (!found?.value) return 'miss'
    const now = Date.now()
    const lastModified = found.lastModified || now
    return found.value.revalidate * 1_000 + lastModified < now ? 'stale' : 'fresh'
  }
  const round = async () => {
    const told = []
    for (const key of keys) for (let n = 0; n < asks; n++) told.push(await seen(key))
    return told
  }
  for (const key of keys) await set(key)
  const first = await round()
  await new Promise((wake) => setTimeout(wake, after))
  const real = Date.now
  Date.now = () => real() + stepMs
  const second = await round()
  // As the optimizer does for what it sees as stale.
  for (const key of keys) await set(key)
  return { first, second, third: await round() }
}

const all = (what, count) => Array(count).fill(what)
const stale = (told) => told.filter((one) => one === 'stale').length
const STEADY = { TIERCEL_JITTER_PERCENT: '0' }

describe.concurrent.each(versions)('Next.js %s', (version) => {
  /** @param {import('vitest').TestContext} context */
  const looked = async (context, given, env) => {
    const { answer, stderr } = await inChild(look, { cwd: appWith(context, version), given, env })
    context.expect(stderr).toBe('')
    return answer
  }

  test('an image is fresh until its time is over, whatever the wall clock says', async (context) => {
    for (const stepMs of [86_400_000, -86_400_000]) {
      const given = { revalidate: 60, count: 1, asks: 3, after: 0, stepMs }
      const fresh = all('fresh', 3)
      context
        .expect(await looked(context, given, STEADY))
        .toEqual({ first: fresh, second: fresh, third: fresh })
    }
  })

  test('of those who ask for one past its time, one generates, whatever the wall clock says', async (context) => {
    for (const stepMs of [0, 86_400_000, -86_400_000]) {
      const given = { revalidate: 1, count: 1, asks: 5, after: 1_100, stepMs }
      const { first, second, third } = await looked(context, given, STEADY)
      context.expect([first, third]).toEqual([all('fresh', 5), all('fresh', 5)])
      context.expect(second).toEqual(['stale', ...all('fresh', 4)])
    }
  })

  test('images that were stored together are generated anew apart', async (context) => {
    const given = { revalidate: 2, count: 60, asks: 1, after: 1_400 }
    const { first, second } = await looked(context, given, { TIERCEL_JITTER_PERCENT: '50' })
    context.expect(stale(first)).toBe(0)
    // 40 of 100 by then; a busy machine asks later.
    context.expect(stale(second)).toBeGreaterThan(8)
    context.expect(stale(second)).toBeLessThan(60)
  })

  test('an image that is asked for often is generated anew before it turns stale', async (context) => {
    const given = { revalidate: 4, count: 1, asks: 12, after: 2_200 }
    const env = { ...STEADY, TIERCEL_REFRESH_AHEAD_PERCENT: '50' }
    const { first, second, third } = await looked(context, given, env)
    context.expect([stale(first), stale(second), stale(third)]).toEqual([0, 1, 0])
  })
})
