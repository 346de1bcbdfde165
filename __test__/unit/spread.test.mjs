import { expect, test } from 'vitest'
import { inChild, index } from './support.mjs'

// Half of the time: what was stored together turns stale over the second half of it.
const jitter = { TIERCEL_JITTER_PERCENT: '50' }

/** Stores keys together, and tells which of them are stale after so many ms. */
async function turnsStale({ index, after }) {
  const Tiercel = require(index)
  const kind = 'APP_PAGE'
  const value = { kind, html: 'x', headers: {}, status: 200 }
  const keys = Array.from({ length: 60 }, (_, n) => `/page-${n}`)
  const cacheControl = { revalidate: 2, expire: 3_600 }
  for (const key of keys) await new Tiercel().set(key, value, { cacheControl })
  await new Promise((wake) => setTimeout(wake, after))
  const found = await Promise.all(keys.map((key) => new Tiercel().get(key, { kind })))
  const stale = keys.filter((_, n) => found[n].cacheControl.revalidate === 1)
  return { stale, lifetimes: [...new Set(found.map((one) => one.cacheControl.expire))] }
}

test('what is stored together turns stale apart, each key at its own moment everywhere', async () => {
  const [one, two] = await Promise.all(
    [1, 2].map(() => inChild(turnsStale, { given: { index, after: 1_400 }, env: jitter })),
  )
  const count = one.answer.stale.length
  // 40 of 100 by then; a busy machine asks later.
  expect(count).toBeGreaterThan(8)
  expect(count).toBeLessThan(60)
  const [fewer, more] = [one, two]
    .map(({ answer }) => answer.stale)
    .sort((a, b) => a.length - b.length)
  expect(more).toEqual(expect.arrayContaining(fewer))
  // Next.js goes on with the time it was given.
  expect(one.answer.lifetimes).toEqual([3_600])
})

test('without jitter none turns stale before its time', async () => {
  const env = { TIERCEL_JITTER_PERCENT: '0' }
  const { answer } = await inChild(turnsStale, { given: { index, after: 1_000 }, env })
  expect(answer.stale).toEqual([])
})

/** Asks for an entry in the last half of its time, again and again. */
async function asksOften({ index }) {
  const Tiercel = require(index)
  const now = () => performance.timeOrigin + performance.now()
  const set = (age) => {
    const value = new Blob(['x']).stream()
    const terms = { tags: [], stale: 1, expire: 3_600, revalidate: 60, timestamp: now() - age }
    return Tiercel.set('key', Promise.resolve({ value, ...terms }))
  }
  const ask = async () => {
    const told = []
    for (let n = 0; n < 20; n++) {
      const { timestamp, revalidate } = await Tiercel.get('key', [])
      told.push(timestamp + revalidate * 1_000 < now() ? 'stale' : 'fresh')
    }
    return told
  }
  await set(40_000)
  const before = await ask()
  await set(0)
  return { before, after: await ask() }
}

test('an entry that is asked for often is generated anew before it turns stale', async () => {
  const env = { TIERCEL_REFRESH_AHEAD_PERCENT: '50', TIERCEL_JITTER_PERCENT: '0' }
  const { answer } = await inChild(asksOften, { given: { index }, env })
  // One is told so, and the others are served what is fresh.
  expect(answer.before.filter((told) => told === 'stale')).toHaveLength(1)
  expect(answer.before.slice(0, 7)).toEqual(Array(7).fill('fresh'))
  expect(new Set(answer.before)).toEqual(new Set(['fresh', 'stale']))
  expect(new Set(answer.after)).toEqual(new Set(['fresh']))
})

test('by default nothing is generated before it turns stale', async () => {
  const env = { TIERCEL_JITTER_PERCENT: '0' }
  const { answer } = await inChild(asksOften, { given: { index }, env })
  expect(new Set(answer.before)).toEqual(new Set(['fresh']))
})
