import http from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  hour,
  load,
  ofFetch,
  ofPage,
  page,
  pause,
  setFetch,
  tagged,
  timed,
  until,
} from './support.mjs'

// Requests as a server of Node.js sees them: what is known of them says who generates.

const Tiercel = load()
/** Where Next.js keeps what it finds out about a request. */
const META = Symbol.for('NextInternalRequestMeta')

/** What the next request does. @type {(request: any, response: any) => Promise<unknown>} */
let act
let server
beforeAll(async () => {
  // An engine that has started notes each request.
  await new Tiercel().get('none', ofPage)
  server = http.createServer(async (request, response) => {
    const told = await act(request, response).catch((error) => ({ error: String(error) }))
    if (!response.destroyed) response.end(JSON.stringify(told ?? null))
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
})
afterAll(() => new Promise((closed) => server.close(closed)))

/** Has one request do something, and gives what that returned. */
async function visit(does, init) {
  act = does
  const response = await fetch(`http://127.0.0.1:${server.address().port}`, init)
  return response.json()
}

const isStale = async (key) => {
  const found = await new Tiercel().get(key, ofPage)
  return Date.now() - found.lastModified > 1_500
}

async function stalePage(key) {
  await new Tiercel().set(key, page(tagged(key)), hour)
  await Tiercel.updateTags([key], { expire: 600 })
}

const prefetches = (key) => async (request) => {
  request[META] = { isPrefetchRSCRequest: true }
  return isStale(key)
}

test('what Next.js takes for a prefetch never leads, and leaves the lead to others', async () => {
  await stalePage('/prefetched')
  for (let turn = 0; turn < 3; turn++) {
    expect(await visit(prefetches('/prefetched'))).toBe(false)
  }
  expect(await visit(() => isStale('/prefetched'))).toBe(true)
})

test('whose render is seen to begin leads for longer than a second', async () => {
  await stalePage('/seen')
  await stalePage('/unseen')
  const both = () => Promise.all([isStale('/seen'), isStale('/unseen')])
  expect(await visit(() => isStale('/unseen'))).toBe(true)
  const leads = visit(async () => {
    const told = await isStale('/seen')
    // As Next.js does when it begins to render.
    new Tiercel().resetRequestCache()
    return told
  })
  expect(await leads).toBe(true)
  await pause(1_300)
  expect(await both()).toEqual([false, true])
  await pause(1_300)
  expect(await isStale('/seen')).toBe(false)
  await new Tiercel().set('/seen', page(tagged('/seen')), hour)
  expect(await isStale('/seen')).toBe(false)
})

test('a thread that is busy for seconds leads on with what it has under way', async () => {
  await stalePage('/busy')
  const leads = visit(async () => {
    const told = await isStale('/busy')
    new Tiercel().resetRequestCache()
    // Other requests, one after another: no timer rings meanwhile.
    const others = []
    for (let part = 0; part < 4; part++) {
      const end = performance.now() + 600
      while (performance.now() < end);
      others.push(await isStale('/busy'))
    }
    return [told, ...others]
  })
  expect(await leads).toEqual([true, false, false, false, false])
})

const misses = (key) => async () => (await new Tiercel().get(key, ofFetch())) ?? null

test('a fetch that a request has not stored by its end is waited for no longer', async () => {
  expect(await visit(misses('not found'))).toBe(null)
  const waits = timed(new Tiercel().get('not found', ofFetch()))
  const { value, ms } = await waits
  expect(value).toBe(null)
  expect(ms).toBeLessThan(1_000)
  // It is not waited for again, for a while.
  const again = await Promise.all([1, 2, 3].map(() => timed(visit(misses('not found')))))
  for (const { ms } of again) expect(ms).toBeLessThan(1_000)
})

test('a fetch that is stored after the answer is out is found by those who wait', async () => {
  const stored = visit(async () => {
    const handler = new Tiercel()
    await handler.get('streamed', ofFetch())
    setTimeout(() => handler.set('streamed', fetchedOf('late'), setFetch()), 100)
  })
  await stored
  expect((await new Tiercel().get('streamed', ofFetch())).value.data.body).toBe('late')
})

const fetchedOf = (body) => ({
  kind: 'FETCH',
  data: { headers: {}, body, status: 200, url: '' },
  revalidate: 60,
})

test('a visitor who leaves says nothing of what is generated for it', async () => {
  const gone = new AbortController()
  let isStored = false
  const visited = visit(
    async (_, response) => {
      const handler = new Tiercel()
      await handler.get('left', ofFetch())
      gone.abort()
      await new Promise((closed) => response.once('close', closed))
      setTimeout(async () => {
        await handler.set('left', fetchedOf('for others'), setFetch())
        isStored = true
      }, 600)
    },
    { signal: gone.signal },
  )
  await expect(visited).rejects.toThrow()
  const waiting = new Tiercel().get('left', ofFetch())
  await until('it is stored', () => isStored || undefined)
  const found = await new Tiercel().get('left', ofFetch())
  expect(found.value.data.body).toBe('for others')
  expect((await waiting)?.value.data.body).toBe('for others')
})
