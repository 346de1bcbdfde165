import { expect } from 'vitest'
import { until } from '../../../tools/next/support.mjs'

/** Asks for a page until it has an undisturbed hit, which is then what later replies are held to. */
export function settled(server, page) {
  return until(`${page} is a hit`, async () => {
    const reply = await server.get(page)
    expect(reply.status).toBeLessThan(400)
    return reply.cache === 'HIT' && reply.generation ? reply : undefined
  })
}

/** Every reply from now on until the page shows another generation than `old`, that one included. */
export async function repliesUntilNew(server, page, old) {
  const replies = []
  await until(`${page} shows a new generation`, async () => {
    const reply = await server.get(page)
    replies.push(reply)
    return reply.generation === old ? undefined : reply
  })
  return replies
}

/** Soft: the old page is served as stale, nobody waits, and the new one follows as a hit. */
export async function expectStaleThenNew(server, page, invalidate) {
  const before = await settled(server, page)
  await invalidate()
  const replies = await repliesUntilNew(server, page, before.generation)
  const caches = replies.map((reply) => reply.cache)
  expect(caches).toContain('STALE')
  expect(caches.at(-1)).toBe('HIT')
  expect(replies.every((reply) => reply.status === before.status)).toBe(true)
  return replies.at(-1)
}

/** Hard: once the invalidation has taken effect nobody is shown the old page, not even once. */
export async function expectNewAtOnce(server, page, invalidate) {
  const before = await settled(server, page)
  await invalidate()
  const replies = await repliesUntilNew(server, page, before.generation)
  const caches = replies.map((reply) => reply.cache)
  expect(caches).not.toContain('STALE')
  expect(caches.at(-1)).toMatch(/MISS|REVALIDATED/)
  const next = await settled(server, page)
  expect(next.generation).toBe(replies.at(-1).generation)
  return next
}

/** Values of a route that is itself never cached, until one is new; says how the new one came. */
export async function valuesUntilNew(read, old) {
  const values = []
  await until(`a value other than ${old}`, async () => {
    values.push(await read())
    return values.at(-1) === old ? undefined : true
  })
  return values
}

export function waitFor(ms) {
  const end = performance.now() + ms
  return until(`${ms} ms are over`, () => (performance.now() > end ? true : undefined), {
    within: ms + 5000,
  })
}

/** How many gets of one kind the addon has answered, from wherever. */
export function answered({ fresh, stale, misses, prerenderedFresh, prerenderedStale }) {
  return fresh + stale + misses + prerenderedFresh + prerenderedStale
}
