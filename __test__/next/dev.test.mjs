import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { page, startFleet } from '../../tools/next/fleet.mjs'
import { openFixture, startOrigin } from '../../tools/next/support.mjs'

// In dev Next.js has a memory of its own in front of handlers for `'use cache'`, from 16.3 on.
describe.each(['components-16.4', 'minor-16.3', 'minor-16.2'])('%s, next dev', (name) => {
  let fleet
  let origin

  beforeAll(async () => {
    origin = await startOrigin()
    const app = await openFixture(name, origin)
    fleet = await startFleet(app, 1, undefined, { mode: 'dev' })
    // Compiling takes longer than anybody waits below.
    await fleet.servers[0].get('/cached-action')
    await fleet.servers[0].invalidate({ tag: 'nothing', how: 'bare' })
  })
  afterAll(async () => {
    await fleet?.stop()
    await origin?.stop()
  })

  it.each([
    ['revalidatePath(path)', '_N_T_/cached-action', { path: '/cached-action' }],
    ['revalidateTag(tag)', 'plain-action', { tag: 'plain-action', how: 'bare' }],
  ])('%s: the first read of a cached function is new, and stays', async (_call, tag, query) => {
    const place = page('/cached-action', tag)
    for (let turn = 0; turn < 3; turn++) {
      const before = await fleet.primed(place)
      await fleet.invalidate(fleet.servers[0], query, tag)
      const [first] = await fleet.all(place)
      expect(first.values.filter((value) => before.has(value))).toEqual([])
      const [second] = await fleet.all(place)
      expect(second.values).toEqual(first.values)
    }
  })
})
