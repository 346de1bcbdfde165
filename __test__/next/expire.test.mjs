import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFixture, startOrigin } from '../../tools/next/support.mjs'
import { repliesUntilNew, settled, waitFor } from './promises/watch.mjs'

/** Next enforces `expire` from 16.3 on; the page is stale after one second and gone after three. */
describe.each(['full-16.4', 'minor-16.3'])('%s with expireTime: 3', (name) => {
  let origin
  let server

  beforeAll(async () => {
    origin = await startOrigin()
    const app = await openFixture(name, origin)
    await app.build()
    server = await app.start({ env: { FIXTURE_EXPIRE: '3' } })
  })
  afterAll(async () => {
    await server?.stop()
    await origin?.stop()
  })

  it('past its expire a page is generated before it is answered', async () => {
    await repliesUntilNew(server, '/short', (await server.get('/short')).generation)
    const { generation } = await settled(server, '/short')
    await waitFor(3200)
    const reply = await server.get('/short')
    expect(reply.cache).toMatch(/MISS|REVALIDATED/)
    expect(reply.generation).not.toBe(generation)
  })
})
