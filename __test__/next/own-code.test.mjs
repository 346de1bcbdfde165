import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFixture, startOrigin } from '../../tools/next/support.mjs'

// `tiercel/app` in a route handler, a Server Component, proxy.js and an edge route of a real app.

const TOKEN = 'of the dashboard'
const bearer = { authorization: `Bearer ${TOKEN}` }

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
    server = await app.start({ bundler, mode, env: { TIERCEL_DASHBOARD_TOKEN: TOKEN } })
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

  it('a route tells the metrics of its process, in the format that is asked for', async () => {
    const typeOf = async (accept) => {
      const { status, headers, text } = await server.get('/api/metrics', { accept })
      expect([status, text]).toEqual([200, expect.stringContaining('\ntiercel_gets_total{')])
      return headers.get('content-type')
    }
    expect(await typeOf('text/plain')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await typeOf('application/openmetrics-text')).toMatch(/^application\/openmetrics-text;/)
  })

  it('the dashboard is below a folder of its own, for whoever has the token', async () => {
    expect((await server.get('/_cache')).status).toBe(401)
    const page = await server.get('/_cache', bearer)
    expect([page.status, page.text]).toEqual([
      200,
      expect.stringContaining('<script type="module" src="_cache/app.js">'),
    ])
    for (const file of ['app.js', 'app.css', 'icon.svg']) {
      expect((await server.get(`/_cache/${file}`, bearer)).status).toBe(200)
    }
    expect(await firstEvent(`${server.base}/_cache/events`)).toMatchObject({
      about: { namespace: expect.stringContaining(':production') },
      rows: [{ state: expect.any(String) }],
    })
    const given = { method: 'POST', headers: bearer, body: '{"name":"/own"}' }
    const why = await fetch(`${server.base}/_cache/why`, given)
    expect([why.status, await why.json()]).toEqual([
      200,
      expect.objectContaining({ said: expect.any(String) }),
    ])
  })

  it('an edge route is told that there is none, and no adapter either', async () => {
    const { codes, runtime } = JSON.parse((await server.get('/api/own-edge')).text)
    expect([codes, runtime]).toEqual([Array(4).fill('TIERCEL_EDGE_RUNTIME'), 'edge'])
  })
})

/** What a stream tells first, as soon as it is told. @param {string} url */
async function firstEvent(url) {
  const { body } = await fetch(url, { headers: { ...bearer, 'accept-encoding': 'gzip' } })
  let text = ''
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const [, data] = /^event: figures\ndata: (.*)\n\n/m.exec(text) ?? []
    if (data) return JSON.parse(data)
  }
  throw new Error(`the stream ended: ${text}`)
}

describe('the cache of an app with Cache Components', () => {
  let origin
  let server

  beforeAll(async () => {
    origin = await startOrigin()
    const app = await openFixture('components-16.4', origin)
    await app.build()
    server = await app.start()
  })
  afterAll(async () => {
    await server?.stop()
    await origin?.stop()
  })

  const TAG = 'products größe'
  const read = () => server.json('/api/own')
  const end = (how) => server.post(`/api/own?how=${how}`)
  const ALL = ['fetched', 'cached', 'around', 'own']
  /** What was generated anew. */
  const changed = (before, after) =>
    ALL.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))

  it.each([
    ['revalidateTag of Next.js', () => server.invalidate({ tag: TAG, how: 0 })],
    ['cache.invalidateTags', () => end('hard')],
  ])('%s ends a page, a fetch, a cached function and an entry', async (_, act) => {
    const before = await read()
    const generation = async () => (await server.get('/own')).generation
    let page = await generation()
    // What a build made a quarter of an hour ago is stale, and served once more.
    const isAsBefore = async () => {
      const last = page
      page = await generation()
      return page === last
    }
    await expect.poll(isAsBefore).toBe(true)
    expect(changed(before, await read())).toEqual([])
    await act()
    await expect.poll(async () => changed(before, await read())).toEqual(ALL)
    await expect.poll(generation).not.toBe(page)
    const after = await read()
    expect(after.around.inner).not.toEqual(before.around.inner)
  })

  it('softly, all of them are served once more', async () => {
    const before = await read()
    await end('soft')
    const served = await read()
    expect([served.own, served.fetched]).toEqual([before.own, before.fetched])
    await expect.poll(async () => changed(before, await read())).toEqual(ALL)
  })

  it('a deleted key ends the cached function that read it, and nothing else', async () => {
    const before = await read()
    await end('delete')
    await expect.poll(async () => changed(before, await read())).toEqual(['around', 'own'])
  })

  it('a cached function lives no longer than what it read', async () => {
    const before = await read()
    const isRenewed = async () => {
      const { brief } = await read()
      return brief.inner !== before.brief.inner && brief.outer !== before.brief.outer
    }
    await expect.poll(isRenewed, { timeout: 10_000 }).toBe(true)
  })

  it('a route tells metrics that no build has prerendered', async () => {
    const counted = async () => {
      const { text } = await server.get('/api/metrics')
      const row = 'tiercel_gets_total{kind="own",tier="memory",verdict="fresh"}'
      return Number(text.slice(text.indexOf(row) + row.length).split('\n', 1)[0])
    }
    await read()
    const before = await counted()
    await read()
    expect(await counted()).toBeGreaterThan(before)
  })

  it('no build has prerendered the dashboard', async () => {
    expect((await server.get('/_cache')).status).toBe(401)
    const given = { authorization: 'Bearer of the fixture' }
    expect((await server.get('/_cache', given)).text).toContain('src="_cache/app.js"')
  })

  it("React's cache reads once per request", async () => {
    const reads = async () =>
      Number(/data-reads="(\d+)"/.exec((await server.get('/own')).text)?.[1])
    const first = await reads()
    expect((await reads()) - first).toBe(1)
  })
})
