import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { freePort } from '../../tools/ports.mjs'
import { serve } from './servers.mjs'
import { directory, pause, timed, until, write } from './support.mjs'

const { warm } = createRequire(import.meta.url)('../../js/warm/warm.js')

const numbered = (count) => Array.from({ length: count }, (_, n) => `/${n}`)

/** Answers with what the path says: `/500`, `/HIT`. */
function asNamed({ url }, response) {
  const name = url.slice(1)
  if (/^[A-Z]+$/.test(name)) response.setHeader('x-nextjs-cache', name)
  if (/^\d{3}$/.test(name)) response.statusCode = Number(name)
  response.end('body')
}

test('every path is asked for once, however often it is listed', async (test) => {
  const { base, paths } = await serve(test)
  const result = await warm({ base, paths: ['/a', '/b?c=d', '/a', '/b?c=d'] })
  expect(paths().sort()).toEqual(['/a', '/b?c=d'])
  expect(result).toMatchObject({ total: 2, done: 2, ok: 2, failed: 0, failures: [] })
})

test('no more are under way at once than the bound, and as many', async (test) => {
  let underWay = 0
  let most = 0
  const { base, server } = await serve(test, async (_, response) => {
    most = Math.max(most, ++underWay)
    await pause(20)
    underWay--
    response.end()
  })
  let connections = 0
  server.on('connection', () => connections++)
  await warm({ base, paths: numbered(40), concurrency: 4 })
  expect(most).toBe(4)
  expect(connections).toBe(4)
})

test('answers are counted by status and by what the cache said', async (test) => {
  const { base } = await serve(test, asNamed)
  const paths = [
    '/HIT',
    '/STALE',
    '/MISS',
    '/BYPASS',
    '/200',
    '/204',
    '/307',
    '/308',
    '/404',
    '/500',
  ]
  const { statuses, cache, bytes, ok, failed, failures } = await warm({ base, paths })
  expect(statuses).toEqual({ '2xx': 6, '3xx': 2, '4xx': 1, '5xx': 1 })
  expect(cache).toEqual({ hit: 1, stale: 1, miss: 1, other: 7 })
  // A 204 has no body.
  expect(bytes).toBe(9 * 'body'.length)
  expect([ok, failed]).toEqual([8, 2])
  expect(failures).toEqual(
    expect.arrayContaining([
      { path: '/404', status: 404 },
      { path: '/500', status: 500 },
    ]),
  )
})

test('a redirect is not followed', async (test) => {
  const { base, paths } = await serve(test, (_, response) => {
    response.writeHead(307, { location: '/elsewhere' }).end()
  })
  expect((await warm({ base, paths: ['/'] })).statuses['3xx']).toBe(1)
  expect(paths()).toEqual(['/'])
})

test('a large body is read to its end and not kept', async (test) => {
  const size = 256 << 20
  const chunk = Buffer.alloc(1 << 20)
  const { base } = await serve(test, async (_, response) => {
    for (let sent = 0; sent < size; sent += chunk.length) {
      if (!response.write(chunk)) await new Promise((drained) => response.once('drain', drained))
    }
    response.end()
  })
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }, 1)
  const { bytes } = await warm({ base, paths: ['/'] })
  clearInterval(watch)
  expect(bytes).toBe(size)
  expect(most).toBeLessThan(size / 2)
})

test('what does not end in time, breaks off or breaks the protocol fails, and nothing else', async (test) => {
  const { base } = await serve(test, (request, response) => {
    if (request.url === '/silent') return
    if (request.url === '/endless') return response.write('x')
    if (request.url === '/cut') return response.write('x', () => request.socket.destroy())
    if (request.url === '/nonsense') return request.socket.end('nonsense\r\n\r\n')
    response.end('fine')
  })
  const paths = ['/first', '/silent', '/endless', '/cut', '/nonsense', '/last']
  const { value, ms } = await timed(warm({ base, paths, timeoutMs: 300 }))
  expect(value).toMatchObject({ done: 6, ok: 2, failed: 4, isAborted: false })
  const reasons = Object.fromEntries(value.failures.map(({ path, reason }) => [path, reason]))
  expect(reasons).toEqual({
    '/silent': 'no answer within 0.3 s',
    '/endless': 'no answer within 0.3 s',
    '/cut': 'connection closed',
    '/nonsense': expect.stringContaining('Parse Error'),
  })
  expect(value.latencyMs.max).toBeGreaterThanOrEqual(299)
  expect(ms).toBeLessThan(300 + 2_000)
})

test('a kept connection that the server has given up costs nothing', async (test) => {
  // Every connection ends as soon as its second request arrives.
  const used = new WeakSet()
  let ended = 0
  const { base } = await serve(test, ({ socket }, response) => {
    if (used.has(socket)) {
      ended++
      return socket.destroy()
    }
    used.add(socket)
    response.end()
  })
  const result = await warm({ base, paths: numbered(30), concurrency: 3 })
  expect(result).toMatchObject({ ok: 30, failed: 0, failures: [] })
  expect(ended).toBeGreaterThan(5)
})

test('all failures are counted, and the first hundred are named', async (test) => {
  const { base } = await serve(test, (_, response) => response.writeHead(500).end())
  const { failed, failures } = await warm({ base, paths: numbered(150), concurrency: 10 })
  expect(failed).toBe(150)
  expect(failures).toHaveLength(100)
})

test('percentiles are those of the requests', async (test) => {
  const { base } = await serve(test, async ({ url }, response) => {
    if (url === '/19') await pause(300)
    response.end()
  })
  const { latencyMs } = await warm({ base, paths: numbered(20) })
  expect(latencyMs.max).toBeGreaterThanOrEqual(299)
  expect(latencyMs.p50).toBeLessThanOrEqual(latencyMs.p95)
  expect(latencyMs.p95).toBeLessThan(latencyMs.max)
})

test('progress is told after every path', async (test) => {
  const { base } = await serve(test, asNamed)
  const told = []
  await warm({ base, paths: ['/HIT', '/500'], onProgress: (progress) => told.push(progress) })
  expect(told).toEqual([
    {
      ...{ path: '/HIT', status: 200, cache: 'HIT', isFailed: false, bytes: 4 },
      ...{ ms: expect.any(Number), done: 1, failed: 0, total: 2 },
    },
    expect.objectContaining({ path: '/500', status: 500, isFailed: true, done: 2, failed: 1 }),
  ])
})

test('what onProgress throws ends the run', async (test) => {
  const { base, paths } = await serve(test)
  const onProgress = () => {
    throw new Error('enough')
  }
  await expect(warm({ base, paths: numbered(50), onProgress })).rejects.toThrow('enough')
  expect(paths().length).toBeLessThan(10)
})

test('an abort resolves to the figures so far, and nothing is under way any more', async (test) => {
  const { base, server, seen } = await serve(test, ({ url }, response) => {
    if (Number(url.slice(1)) < 10) response.end()
  })
  const controller = new AbortController()
  const running = warm({ base, paths: numbered(100), concurrency: 3, signal: controller.signal })
  await until('three hang', () => (seen.length === 13 ? true : undefined))
  controller.abort()
  expect(await running).toMatchObject({ total: 100, done: 10, ok: 10, failed: 0, isAborted: true })
  await until('all connections are closed', async () => {
    const open = await new Promise((told) => server.getConnections((_, count) => told(count)))
    return open === 0 ? true : undefined
  })
  expect(seen).toHaveLength(13)
})

test('a signal that was aborted before asks for nothing', async (test) => {
  const { base, seen } = await serve(test)
  const result = await warm({ base, paths: ['/'], signal: AbortSignal.abort() })
  expect(result).toMatchObject({ total: 1, done: 0, isAborted: true })
  expect(seen).toEqual([])
})

test('an abort also ends the wait for a server', async () => {
  const base = `http://127.0.0.1:${await freePort()}`
  const signal = AbortSignal.timeout(200)
  const { value, ms } = await timed(warm({ base, paths: ['/'], waitMs: 60_000, signal }))
  expect(value).toMatchObject({ done: 0, isAborted: true })
  expect(ms).toBeLessThan(5_000)
})

test('without a server it rejects at once, or after the wait', async () => {
  const base = `http://user:secret@127.0.0.1:${await freePort()}`
  const refused = await warm({ base, paths: numbered(3) }).catch((error) => error)
  expect(refused).toMatchObject({ code: 'TIERCEL_NO_SERVER' })
  expect(refused.message).toMatch(
    /^tiercel: no server answers at http:\/\/127.*connection refused$/,
  )
  const begun = performance.now()
  const late = await warm({ base, paths: numbered(3), waitMs: 500 }).catch((error) => error.code)
  expect(late).toBe('TIERCEL_NO_SERVER')
  expect(performance.now() - begun).toBeGreaterThanOrEqual(499)
})

test('a server that comes up late is waited for, and one path asks until it does', async (test) => {
  const port = await freePort()
  const running = warm({ base: `http://127.0.0.1:${port}`, paths: numbered(9), waitMs: 20_000 })
  await pause(300)
  let isStarting = true
  const answer = (_, response) => response.writeHead(isStarting ? 503 : 200).end()
  const { seen, paths } = await serve(test, answer, port)
  await until('it was asked twice', () => (seen.length > 1 ? true : undefined))
  expect(new Set(paths())).toEqual(new Set(['/0']))
  isStarting = false
  expect(await running).toMatchObject({ total: 9, ok: 9, failed: 0 })
})

test('a server that is there, and speaks something else, is not waited for', async (test) => {
  const { base } = await serve(test, ({ socket }) => socket.end('nonsense\r\n\r\n'))
  const { value, ms } = await timed(warm({ base, paths: ['/a', '/b'], waitMs: 60_000 }))
  expect(value).toMatchObject({ done: 2, failed: 2 })
  expect(ms).toBeLessThan(5_000)
})

test('headers and the login of the URL are sent', async (test) => {
  const { base, seen } = await serve(test)
  const { port } = new URL(base)
  await warm({
    base: `http://user:p%40ss@127.0.0.1:${port}`,
    paths: ['/'],
    headers: { host: 'shop.example', 'x-many': ['a', 'b'] },
  })
  const login = `Basic ${Buffer.from('user:p@ss').toString('base64')}`
  expect(seen[0].headers).toMatchObject({
    ...{ host: 'shop.example', 'x-many': 'a, b', authorization: login },
    'user-agent': 'tiercel-warm',
  })
  await warm({ base, paths: ['/'], headers: new Headers({ cookie: 'a=b' }) })
  expect(seen[1].headers.cookie).toBe('a=b')
})

test.for([
  ['/shop', undefined, ['/shop', '/shop?a=b', '/shop/a']],
  ['/shop/', undefined, ['/shop', '/shop?a=b', '/shop/a']],
  ['', '/shop', ['/shop', '/shop?a=b', '/shop/a']],
  ['/shop', '/store', ['/store', '/store?a=b', '/store/a']],
  ['/shop', '/', ['/', '/?a=b', '/a']],
])('base path: a base of %s and an option of %s', async ([inBase, basePath, asked], test) => {
  const { base, paths } = await serve(test)
  await warm({ base: base + inBase, basePath, paths: ['/', '/?a=b', '/a'], concurrency: 1 })
  expect(paths()).toEqual(asked)
})

test('a path never leads to another server', async (test) => {
  const { base, paths } = await serve(test)
  const hostile = ['//evil.example/x', '/\\evil.example', '/@evil.example', '/a b', '/ü', '/a#b']
  await warm({ base, paths: hostile, concurrency: 1 })
  const asked = ['//evil.example/x', '//evil.example', '/@evil.example', '/a%20b', '/%C3%BC', '/a']
  expect(paths()).toEqual(asked)
})

test('nothing to ask for is fine', async () => {
  expect(await warm({ paths: [] })).toMatchObject({
    total: 0,
    done: 0,
    failed: 0,
    isAborted: false,
  })
})

test.for([
  ['base', ['x', 'ftp://user:secret@host', 'http://', 'http://h/?secret', 5]],
  ['basePath', ['secret', '/a?secret', 5]],
  ['paths', ['secret', '/secret', ['secret'], [5], 5]],
  ['dir', ['', 5]],
  ['concurrency', [0, 1.5, 257, '6', Number.NaN]],
  ['timeoutMs', [0, 3_600_001, '1', Number.NaN]],
  ['waitMs', [-1, 3_600_001, '1', Number.NaN]],
  ['headers', [{ 'a b': 'secret' }, { a: 'secret\n' }, { a: undefined }, 'secret', 5]],
  ['signal', [{}]],
  ['onProgress', ['secret']],
  ['unknown', ['secret']],
])('what %s cannot be is refused by its name, and never repeated', async ([option, values]) => {
  for (const value of values) {
    const error = await warm({ paths: ['/'], [option]: value }).catch((error) => error)
    const code = option === 'unknown' ? 'TIERCEL_UNKNOWN_OPTION' : 'TIERCEL_INVALID_OPTION'
    expect(error).toMatchObject({ code, option })
    expect(error.message).toContain(`\`${option}\``)
    expect(error.message).not.toContain('secret')
  }
})

test('options that are no object are refused', async () => {
  for (const options of [null, 5, 'x']) {
    await expect(warm(options)).rejects.toMatchObject({ code: 'TIERCEL_INVALID_OPTIONS' })
  }
})

/** A build as Next.js leaves it, as far as it is read. */
function build(test, routes, { config = {}, meta = {} } = {}) {
  const dir = directory(test)
  write(dir, {
    'prerender-manifest.json': { version: 4, routes, dynamicRoutes: {}, notFoundRoutes: [] },
    'required-server-files.json': { version: 1, config },
    ...meta,
  })
  return dir
}

const route = { initialRevalidateSeconds: false, srcRoute: '/x', dataRoute: '/x.rsc' }

test('the paths of a build are those that a browser asks for', async (test) => {
  const names = [
    '/',
    '/isr',
    '/blog/grün 你好',
    '/blog/100%',
    '/blog/a%2Fb%3Fc%23d%5Ce',
    '/blog/a%252Fb',
    '/blog/@a;b=c&d+e',
    '/feed.xml',
    '/_not-found',
    '/_global-error',
    '/[lang]/about',
    '/blog/[[...slug]]',
  ]
  const dir = build(test, Object.fromEntries(names.map((name) => [name, route])))
  const { base, paths } = await serve(test)
  await warm({ base, dir, concurrency: 1 })
  expect(paths()).toEqual([
    '/',
    '/isr',
    '/blog/gr%C3%BCn%20%E4%BD%A0%E5%A5%BD',
    '/blog/100%25',
    '/blog/a%2Fb%3Fc%23d%5Ce',
    '/blog/a%252Fb',
    '/blog/@a;b=c&d+e',
    '/feed.xml',
    '/_not-found',
  ])
})

test('the build says what its base path is, and whether paths end in a slash', async (test) => {
  const routes = { '/': route, '/isr': route, '/feed.xml': route }
  const config = { basePath: '/shop', trailingSlash: true }
  const { base, paths } = await serve(test)
  await warm({ base, dir: build(test, routes, { config }), concurrency: 1 })
  expect(paths().splice(0)).toEqual(['/shop/', '/shop/isr/', '/shop/feed.xml'])
})

test('given paths and those of a build are asked for together', async (test) => {
  const { base, paths } = await serve(test)
  await warm({ base, dir: build(test, { '/b': route }), paths: ['/a', '/b'], concurrency: 1 })
  expect(paths()).toEqual(['/a', '/b'])
})

test('a status that the page has in the build is no failure', async (test) => {
  const routes = {
    '/_not-found': { ...route, initialStatus: 404 },
    '/gone': route,
    '/there': route,
  }
  const meta = { 'server/app/gone.meta': { status: 404, headers: {} } }
  const { base } = await serve(test, (_, response) => response.writeHead(404).end())
  const result = await warm({ base, dir: build(test, routes, { meta }) })
  expect(result).toMatchObject({ ok: 2, failed: 1, failures: [{ path: '/there', status: 404 }] })
})

test('what the Pages Router answers with an error by design is no failure', async (test) => {
  const dir = directory(test)
  const named = ['/gone', '/p/gone', '/404', '/500', '/de/404', '/de/gone', '/there', '/p/404']
  write(dir, {
    'prerender-manifest.json': {
      version: 4,
      routes: Object.fromEntries(named.map((path) => [path, route])),
      dynamicRoutes: {},
      notFoundRoutes: ['/gone', '/p/gone', '/de/gone'],
    },
    'required-server-files.json': { config: { i18n: { locales: ['de', 'en'] } } },
  })
  const { base } = await serve(test, ({ url }, response) => {
    response.writeHead(url === '/500' ? 500 : 404).end()
  })
  const { failures, ok } = await warm({ base, dir })
  expect(failures.map(({ path }) => path).sort()).toEqual(['/p/404', '/there'])
  expect(ok).toBe(6)
})

test('where there is no build it says so, and asks for nothing', async (test) => {
  const { base, seen } = await serve(test)
  const broken = directory(test)
  write(broken, { 'prerender-manifest.json': '{' })
  for (const dir of [directory(test), broken]) {
    const error = await warm({ base, dir }).catch((error) => error)
    expect(error).toMatchObject({ code: 'TIERCEL_NO_BUILD' })
    expect(error.message).toContain(dir)
  }
  expect(seen).toEqual([])
})
