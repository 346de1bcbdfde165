import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFixture, startOrigin } from '../../tools/next/support.mjs'

// `tiercel/app` in a route handler, a Server Component, proxy.js and an edge route of a real app.

const ways = [
  ['turbopack', 'start'],
  ['turbopack', 'standalone'],
  ['webpack', 'start'],
]

describe.each(ways)('the code of an app, %s, %s', (bundler, mode) => {
  let origin
  let server

  beforeAll(async () => {
    origin = await startOrigin()
    const app = await openFixture('full-16.4', origin)
    await app.build({ bundler })
    server = await app.start({ bundler, mode })
  })
  afterAll(async () => {
    await server?.stop()
    await origin?.stop()
  })

  const from = (address, more) => ({ 'x-forwarded-for': address, ...more })

  it('a route handler and a page see the same, and a session is found by its cookie', async () => {
    const first = await server.get('/api/own', from('192.0.2.1'))
    expect([first.status, JSON.parse(first.text)]).toEqual([200, { count: 1 }])
    expect((await server.get('/own', from('192.0.2.1'))).text).toContain('data-count="1"')
    const [cookie] = first.headers.get('set-cookie').split(';')
    const second = await server.get('/api/own', from('192.0.2.1', { cookie }))
    expect(JSON.parse(second.text).session).toMatchObject({ userId: 'user', data: { count: 1 } })
  })

  it.each(['/api/own', '/own'])(
    '%s answers 429 beyond its limit, to that client only',
    async (path) => {
      const replies = []
      for (let n = 0; n < 5; n++) replies.push(await server.get(path, from('6.6.6.6, 192.0.2.2')))
      expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429])
      expect(replies.map(({ headers }) => headers.get('x-ratelimit-remaining'))).toEqual([
        '2',
        '1',
        '0',
        '0',
        '0',
      ])
      expect(Number(replies[4].headers.get('retry-after'))).toBeGreaterThan(1_000)
      expect((await server.get(path, from('192.0.2.2, 192.0.2.3'))).status).toBe(200)
    },
  )

  it('the adapters are in bundles what they are elsewhere', async () => {
    const reply = await server.post('/api/adapters?value=kept')
    expect(JSON.parse(reply.text)).toEqual(['kept', 'kept', 'kept'])
  })

  it('an edge route is told that there is none, and no adapter either', async () => {
    const { codes, runtime } = JSON.parse((await server.get('/api/own-edge')).text)
    expect([codes, runtime]).toEqual([Array(4).fill('TIERCEL_EDGE_RUNTIME'), 'edge'])
  })
})
