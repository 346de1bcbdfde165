import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { assets as made } from '../../scripts/dashboard.mjs'
import { entryOf, index, load } from './support.mjs'

process.env.TIERCEL_MEMORY_MB = '8'
const Tiercel = load()
const root = dirname(index)
const require = createRequire(index)
const { GET, POST, dashboard } = require('./dashboard.js')
const assets = require('./js/dashboard/assets.js')
const { routes } = require('./js/dashboard/route.js')
const { Sampler } = require('./js/dashboard/sampler.js')
const { Operator } = require('./js/operate/operator.js')
const { seriesOf } = require('./js/dashboard/series.js')
const { door, whole } = require('./js/dashboard/page.js')

const TOKEN = 'a token of the tests'
const HOSTILE = `</script><img src=x onerror=alert(1)>"'&`
const bearer = { authorization: `Bearer ${TOKEN}` }

beforeAll(async () => {
  await Tiercel.set('page', Promise.resolve(entryOf('x', { tags: [HOSTILE, 'posts'] })))
  for (let n = 0; n < 20; n++) await Tiercel.get('page', [])
})
afterEach(() => vi.unstubAllEnvs())

/** What a route handler of Next.js is given. */
const ask = (
  handlers,
  path = '',
  { method = 'GET', headers = {}, body, at = 'localhost' } = {},
) => {
  const parts = path.split('/').filter(Boolean)
  const url = `http://${at}/app/_cache${path ? `/${path}` : ''}`
  const request = new Request(url, { method, headers: { host: at, ...headers }, body })
  return handlers[method](request, { params: Promise.resolve({ path: parts }) })
}
const own = { GET, POST }
const same = { 'sec-fetch-site': 'same-origin' }
const post = (body, headers = same) => ({
  method: 'POST',
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
/** A browser at a page of which a part of the path is taken away before it is asked here. */
function browserAt(page, taken) {
  const to = (address) => new URL(address, `http://h${page}`)
  return {
    path: (address, handlers, { method = 'GET', ...more } = {}) => {
      const url = to(address)
      const rest = url.pathname.slice(page.replace(/\/$/, '').length)
      url.pathname = url.pathname.slice(taken.length)
      const request = new Request(url, { method, ...more })
      return handlers[method](request, {
        params: Promise.resolve({ path: rest.split('/').filter(Boolean) }),
      })
    },
    formOf: (html) => /<form method="post" action="([^"]*)">/.exec(html)[1],
    /** Where a cookie without a path belongs to: RFC 6265, 5.1.4. */
    folderOf: (address) => {
      const { pathname } = to(address)
      return pathname.slice(0, Math.max(1, pathname.lastIndexOf('/')))
    },
  }
}
const reader = { accept: 'text/html,*/*' }

describe('who is answered', () => {
  test.each(['', 'app.js', 'app.css', 'events', 'anything'])(
    'nobody in production without a token: %j',
    async (path) => {
      vi.stubEnv('NODE_ENV', 'production')
      for (const headers of [{}, bearer, { ...reader, cookie: 'tiercel_dashboard=1.x' }]) {
        const answer = await ask(own, path, { headers })
        expect([answer.status, await answer.text()]).toEqual([404, 'Not found\n'])
      }
    },
  )

  test.each(['production', 'test', ''])('nor by POST, where NODE_ENV is %j', async (env) => {
    vi.stubEnv('NODE_ENV', env)
    for (const path of ['purge', 'why', 'enter']) {
      const given = { what: 'tag', name: 'posts' }
      expect((await ask(own, path, post(given))).status).toBe(404)
    }
  })

  test('in development everybody who asks for this machine or an address', async () => {
    vi.stubEnv('NODE_ENV', 'development')
    for (const [at, status] of [
      ['localhost:3000', 200],
      ['shop.localhost:3000', 200],
      ['127.0.0.1:3000', 200],
      ['[::1]:3000', 200],
      ['192.168.1.7:3000', 200],
      ['shop.example', 404],
      ['abc.tunnel.example', 404],
    ]) {
      expect([at, (await ask(own, '', { at })).status]).toEqual([at, status])
    }
  })

  test.for([
    ['localhost:3000', 200],
    ['192.168.1.7, 127.0.0.1:3000', 200],
    ['abc.tunnel.example', 404],
    ['localhost, abc.tunnel.example', 404],
    ['', 404],
    ['no name', 404],
    ['localhost@abc.tunnel.example', 404],
    ['localhost#.tunnel.example', 404],
    ['[::', 404],
  ])('nor through a tunnel, which says of %j', async ([name, status]) => {
    vi.stubEnv('NODE_ENV', 'development')
    const headers = { 'x-forwarded-host': name }
    expect((await ask(own, '', { headers, at: 'localhost:3000' })).status).toBe(status)
    if (name !== '') {
      expect((await ask(own, '', { headers: { host: name } })).status).toBe(
        name.includes(',') ? 404 : status,
      )
    }
  })

  test('who has the token, whatever it is given in', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    vi.stubEnv('TIERCEL_DASHBOARD_TOKEN', TOKEN)
    for (const [headers, status] of [
      [{}, 401],
      [bearer, 200],
      [{ authorization: `Bearer ${TOKEN}2` }, 401],
      [{ authorization: TOKEN }, 401],
      [{ authorization: `Basic ${btoa(TOKEN)}` }, 401],
      [{ cookie: `tiercel_dashboard=${TOKEN}` }, 401],
      [{ cookie: `tiercel_dashboard=99999999999.${'a'.repeat(43)}` }, 401],
    ]) {
      for (const path of ['', 'app.js', 'events']) {
        const answer = await ask(own, path, { headers })
        expect([headers, answer.status]).toEqual([headers, status])
        await answer.body?.cancel()
      }
    }
  })

  test('a browser types it once', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    vi.stubEnv('TIERCEL_DASHBOARD_TOKEN', TOKEN)
    const first = await ask(own, '', { headers: reader })
    expect(first.status).toBe(200)
    expect(await first.text()).toContain('<form method="post" action="_cache/enter">')
    expect((await ask(own, 'app.css')).status).toBe(200)
    const form = (token) => post(new URLSearchParams({ token }).toString())
    const wrong = await ask(own, 'enter', form('wrong'))
    expect([wrong.status, wrong.headers.get('set-cookie')]).toEqual([403, null])
    expect(await wrong.text()).not.toContain(TOKEN)
    const right = await ask(own, 'enter', form(TOKEN))
    expect([right.status, right.headers.get('location')]).toEqual([303, '../_cache'])
    const set = right.headers.get('set-cookie')
    expect(set).toMatch(
      /^tiercel_dashboard=\d+\.[\w-]{43}; Max-Age=43200; HttpOnly; SameSite=Strict$/,
    )
    expect(set).not.toContain(TOKEN)
    const cookie = set.split(';')[0]
    expect((await ask(own, '', { headers: { cookie } })).status).toBe(200)
    // Not after its time, and not with another token.
    vi.useFakeTimers({ now: Date.now() + 13 * 3_600_000, toFake: ['Date'] })
    expect((await ask(own, '', { headers: { cookie } })).status).toBe(401)
    vi.useRealTimers()
    vi.stubEnv('TIERCEL_DASHBOARD_TOKEN', 'another')
    expect((await ask(own, '', { headers: { cookie } })).status).toBe(401)
    const left = await ask(dashboard({ token: TOKEN }), 'leave', post('', { ...same, cookie }))
    expect(left.headers.get('set-cookie')).toContain('tiercel_dashboard=; Max-Age=0')
  })

  // What the browser asks for, and what of it is left here: `basePath` and proxies take parts away.
  test.for([
    ['/_cache', ''],
    ['/shop/_cache', '/shop'],
    ['/shop/_cache/', '/shop'],
    ['/', ''],
    ['/shop/', '/shop'],
  ])('the cookie of a browser at %s comes back', async ([at, taken]) => {
    const { path, folderOf, formOf } = browserAt(at, taken)
    const handlers = dashboard({ token: TOKEN })
    const door = await path('', handlers, { headers: reader })
    const action = formOf(await door.text())
    const form = new URLSearchParams({ token: TOKEN }).toString()
    const wrong = await path(action, handlers, post('token=wrong'))
    expect(new URL(formOf(await wrong.text()), new URL(action, `http://h${at}`)).href).toBe(
      new URL(action, `http://h${at}`).href,
    )
    const right = await path(action, handlers, post(form))
    expect(right.status).toBe(303)
    const to = new URL(right.headers.get('location'), new URL(action, `http://h${at}`))
    expect(to.pathname).toBe(at)
    const set = right.headers.get('set-cookie')
    expect(set).not.toMatch(/path=/i)
    for (const asked of [at, new URL(`${at.replace(/\/?$/, '/')}events`, 'http://h').pathname]) {
      expect(`${asked}/`.startsWith(`${folderOf(action)}/`.replace('//', '/'))).toBe(true)
    }
    const cookie = set.split(';')[0]
    const page = await path('', handlers, { headers: { ...reader, cookie } })
    const leave = formOf(await page.text())
    expect(folderOf(leave)).toBe(folderOf(action))
    const left = await path(leave, handlers, post('', { ...same, cookie }))
    expect(left.headers.get('set-cookie')).toContain('Max-Age=0')
  })

  test('behind TLS the cookie is for TLS', async () => {
    const headers = { ...same, 'x-forwarded-proto': 'https' }
    const form = new URLSearchParams({ token: TOKEN }).toString()
    const answer = await ask(dashboard({ token: TOKEN }), 'enter', post(form, headers))
    expect(answer.headers.get('set-cookie')).toMatch(/; Secure$/)
  })

  test('tokens are not tried at will', async () => {
    const handlers = dashboard({ token: TOKEN })
    const form = (token) => post(new URLSearchParams({ token }).toString())
    const codes = []
    for (let n = 0; n < 22; n++) codes.push((await ask(handlers, 'enter', form(`${n}`))).status)
    expect(codes.slice(18)).toEqual([403, 403, 429, 429])
    // Who has it is let in whatever others try.
    expect((await ask(handlers, 'enter', form(TOKEN))).status).toBe(303)
    expect((await ask(handlers, '', { headers: bearer })).status).toBe(200)
  })

  test('nor by programs, which leave the door open to people', async () => {
    const handlers = dashboard({ token: TOKEN })
    const wrong = { authorization: 'Bearer of somebody' }
    const codes = []
    for (let n = 0; n < 22; n++) {
      codes.push((await ask(handlers, n % 2 ? 'events' : 'why', { headers: wrong })).status)
    }
    expect(codes.slice(18)).toEqual([401, 401, 429, 429])
    expect((await ask(handlers, 'why', post({ name: 'x' }, wrong))).status).toBe(429)
    expect((await ask(handlers, 'enter', post('token=wrong'))).status).toBe(429)
    expect((await ask(handlers, '', { headers: bearer })).status).toBe(200)
    expect((await ask(handlers, '', { headers: { ...wrong, ...reader } })).status).toBe(200)
    // Who gives none tries none.
    expect((await ask(handlers, 'events')).status).toBe(401)
  })

  test('nor by what says that it reads pages, to which the door stays open', async () => {
    const handlers = dashboard({ token: TOKEN })
    const headers = { authorization: 'Bearer of somebody', ...reader }
    for (let n = 0; n < 20; n++) expect((await ask(handlers, '', { headers })).status).toBe(200)
    expect((await ask(handlers, 'events', { headers })).status).toBe(429)
  })

  test('a login of a proxy is not in the way of a cookie, and is no program either', async () => {
    const handlers = dashboard({ token: TOKEN })
    const form = new URLSearchParams({ token: TOKEN }).toString()
    const proxy = { authorization: `Basic ${btoa('somebody:else')}` }
    const entered = await ask(handlers, 'enter', post(form, { ...same, ...proxy }))
    const cookie = entered.headers.get('set-cookie').split(';')[0]
    const why = (headers) => ask(handlers, 'why', post({ name: 'page' }, { ...headers, cookie }))
    for (const authorization of [proxy.authorization, 'Bearer of the proxy']) {
      const headers = { authorization, cookie }
      expect((await ask(handlers, 'app.js', { headers })).status).toBe(200)
      expect((await why({ ...same, authorization })).status).toBe(200)
      expect((await why({ authorization })).status).toBe(403)
    }
  })

  test('whom the app lets in, and nobody with a token of the environment', async () => {
    vi.stubEnv('NODE_ENV', 'development')
    vi.stubEnv('TIERCEL_DASHBOARD_TOKEN', TOKEN)
    const to = new Response(null, { status: 307, headers: { location: '/login' } })
    const handlers = dashboard({
      authorize: async (request) => {
        const who = request.headers.get('x-who')
        return who === 'guest' ? to : who === 'admin' || (who === 'truthy' && 'yes')
      },
    })
    const codes = []
    for (const who of ['admin', 'guest', 'truthy', 'nobody']) {
      codes.push((await ask(handlers, '', { headers: { 'x-who': who, ...bearer } })).status)
    }
    expect(codes).toEqual([200, 307, 404, 404])
  })

  test.each([{ tokens: 'x' }, { token: '' }, { token: 1 }, { authorize: true }, { viewers: 0 }])(
    'refuses %j',
    (options) => {
      expect(() => dashboard(options)).toThrow(
        expect.objectContaining({ code: 'TIERCEL_INVALID_ARGUMENT' }),
      )
    },
  )
})

describe('what is sent', () => {
  const handlers = dashboard({ token: TOKEN })
  const body = { what: 'tag', name: 'posts' }

  test.for([
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'none' }, 403],
    [{ 'sec-fetch-site': 'cross-site', origin: 'http://localhost' }, 403],
    [{ origin: 'http://localhost' }, 200],
    [{ origin: 'http://localhost:81' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'https://shop.example', 'x-forwarded-host': 'shop.example' }, 200],
  ])('from %j is answered with %i', async ([headers, status]) => {
    for (const act of ['why', 'preview']) {
      const answer = await ask(handlers, act, post(body, { ...headers, ...bearer }))
      expect(answer.status).toBe(status)
    }
  })

  test('a program with the token is no browser that another site makes use of', async () => {
    expect((await ask(handlers, 'why', post(body, bearer))).status).toBe(200)
    const form = await ask(handlers, 'enter', post('token=x', {}))
    expect(form.status).toBe(403)
  })

  test('is answered with what is wrong with it', async () => {
    for (const [act, given, error] of [
      ['purge', { what: 'all', name: 'x' }, 'what to purge is a tag, a path or a key'],
      ['purge', { what: 'tag', name: ' ' }, 'a tag is missing'],
      ['purge', { what: 'path', name: 'blog' }, 'a path begins with /'],
      ['purge', { what: 'tag', name: 'x'.repeat(3_000) }, 'a tag has 2048 characters at most'],
      ['why', 'no json', 'the body is no JSON'],
      ['why', 'x'.repeat(20_000), 'the body is too long'],
    ]) {
      const answer = await ask(handlers, act, post(given, { ...same, ...bearer }))
      expect([answer.status, await answer.json()]).toEqual([400, { error }])
    }
    expect((await ask(handlers, 'flush', post({}, { ...same, ...bearer }))).status).toBe(404)
  })
})

test('nothing may be loaded from elsewhere, framed, guessed or kept', async () => {
  const handlers = dashboard({ token: TOKEN })
  for (const [path, options] of [
    ['', { headers: bearer }],
    ['', { headers: reader }],
    ['app.js', { headers: bearer }],
    ['none', { headers: bearer }],
    ['why', post({ name: 'page' }, { ...same, ...bearer })],
  ]) {
    const { headers } = await ask(handlers, path, options)
    const policy = headers.get('content-security-policy')
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "base-uri 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ]) {
      expect(policy.split('; ')).toContain(part)
    }
    expect(policy).not.toMatch(/unsafe|http|\*|data:/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('cache-control')).toContain('no-store')
  }
})

test('the pages have no script or style of their own, and names in their addresses are text', () => {
  const of = (base) => ({ files: base, forms: base })
  for (const page of [whole(of('a/')), door(of('a/')), door(of(''), 'wrong')]) {
    expect(page).not.toMatch(/<style|<script(?! type="module" src=)|style=|\son\w+=/)
  }
  expect(whole(of(HOSTILE), true)).not.toContain('<img')
  expect(door(of(HOSTILE))).not.toContain('<img')
})

test('the script makes no HTML of texts', () => {
  const { content } = assets['app.js']
  expect(content).not.toMatch(
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/,
  )
})

test('script and style follow their source, and take less than 60 kB', async () => {
  expect(readFileSync(join(root, 'js/dashboard/assets.js'), 'utf8')).toBe(await made())
  const sizes = Object.values(assets).map(({ content }) => gzipSync(content).length)
  expect(sizes.reduce((all, one) => all + one)).toBeLessThan(60_000)
})

/** The messages of a stream, one after the other. */
async function* messages(answer) {
  let text = ''
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? []
      text = text.slice(end + 2)
      if (event) yield { event, ...JSON.parse(data) }
    }
  }
}

test('figures come as they are, and then what has changed', async () => {
  const handlers = dashboard({ token: TOKEN })
  const answer = await ask(handlers, 'events', { headers: bearer })
  expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  const stream = messages(answer)
  const { value: first } = await stream.next()
  expect(first).toMatchObject({ event: 'figures', about: { isFleet: false }, trouble: null })
  expect(first.rows).toHaveLength(1)
  expect(first.rows[0].state).toBe('none')
  expect(first.busiest.tags.map(({ name }) => name)).toContain(HOSTILE)
  expect(first.series.kinds.useCache.hits.at(-1)).toBeGreaterThanOrEqual(20)
  await Tiercel.updateTags(['of the stream'])
  const { value: second } = await stream.next()
  expect(second.event).toBe('figures')
  expect(second).not.toHaveProperty('about')
  expect(second.events).toMatchObject([{ tags: 'of the stream', isSoft: false }])
  await stream.return()
})

test('who reads no stream is no viewer', async () => {
  const over = new AbortController()
  const handlers = dashboard({
    viewers: 1,
    // Whoever asks leaves meanwhile.
    authorize: ({ method }) => {
      if (method === 'GET') over.abort()
      return true
    },
  })
  const asked = (method, signal) =>
    handlers.GET(new Request('http://h/_cache/events', { method, signal }), {
      params: { path: ['events'] },
    })
  for (let n = 0; n < 2; n++) {
    const head = await asked('HEAD')
    expect([head.status, head.body]).toEqual([200, null])
    expect(head.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect((await asked('GET', over.signal)).status).toBe(499)
  }
  const stream = messages(await asked('GET'))
  await stream.next()
  expect((await asked('HEAD')).status).toBe(503)
  await stream.return()
})

describe('a stream lasts some minutes', () => {
  const toFake = ['setTimeout', 'clearTimeout', 'performance']
  beforeEach(() => vi.useFakeTimers({ toFake, shouldAdvanceTime: true }))
  afterEach(() => vi.useRealTimers())

  test('and its reader is admitted anew, to what there was', async () => {
    let isIn = true
    const handlers = dashboard({ authorize: () => isIn })
    const first = messages(await ask(handlers, 'events'))
    await Tiercel.updateTags(['before the end'])
    const known = {}
    while (!known.events?.some(({ tags }) => tags === 'before the end') || !known.now.getsPerSec) {
      await Tiercel.get('page', [])
      Object.assign(known, (await first.next()).value)
    }
    await vi.advanceTimersByTimeAsync(5 * 60_000)
    const told = []
    for await (const one of first) told.push(one.event)
    expect(told.at(-1)).toBe('again')
    const second = messages(await ask(handlers, 'events'))
    const { value } = await second.next()
    expect(value.event).toBe('figures')
    expect(value.events.map(({ tags }) => tags)).toContain('before the end')
    // A rate needs two looks.
    expect(value.now.getsPerSec).toEqual(expect.any(Number))
    await second.return()
    isIn = false
    expect((await ask(handlers, 'events')).status).toBe(404)
  })

  test('and leaves no timer behind, whoever ends it', async () => {
    let nowMs = 0
    const source = {
      about: {},
      everyMs: 100,
      isFleet: false,
      fleet: async () => ({ nowMs: nowMs++, instances: [], silent: [] }),
      nodes: async () => [],
      history: async () => ({ nowMs, rows: [] }),
      rest: async () => {},
    }
    const handlers = routes(() => source, { authorize: () => true })
    const over = new AbortController()
    const request = new Request('http://h/_cache/events', { signal: over.signal })
    const before = vi.getTimerCount()
    await handlers.GET(request, { params: { path: ['events'] } })
    const cancelled = await ask(handlers, 'events')
    await ask(handlers, 'events')
    expect(vi.getTimerCount()).toBeGreaterThanOrEqual(before + 3)
    over.abort()
    await cancelled.body.cancel()
    expect(handlers.sampler.count).toBe(1)
    // The third does not read, and is let go of.
    await vi.advanceTimersByTimeAsync(10_000)
    expect([handlers.sampler.count, vi.getTimerCount()]).toEqual([0, before])
  })

  test('and says that it is alive', async () => {
    const sampler = new Sampler(
      () => ({
        about: {},
        everyMs: 2_000,
        isFleet: false,
        fleet: async () => ({ nowMs: 1_000, instances: [], silent: [] }),
        nodes: async () => [],
        history: async () => ({ nowMs: 1_000, rows: [] }),
        rest: async () => {},
      }),
      3,
    )
    const one = { send: vi.fn(() => true), end: vi.fn() }
    sampler.join(one)
    await vi.advanceTimersByTimeAsync(35_000)
    const told = one.send.mock.calls.map(([bytes]) => new TextDecoder().decode(bytes))
    expect(told.slice(2)).toEqual(['event: alive\ndata: {}\n\n', 'event: alive\ndata: {}\n\n'])
    sampler.leave(one)
  })
})

test('why, a dry run and a purge of a process alone', async () => {
  const handlers = dashboard({ token: TOKEN })
  const does = async (act, given) =>
    (await ask(handlers, act, post(given, { ...same, ...bearer }))).json()
  expect((await does('why', { name: 'page' })).said).toMatch(/^fresh: /)
  expect((await does('why', { name: 'never' })).said).toMatch(/^unknown: /)
  // A tag is not a part of another, and what was decided about it since hides nothing.
  const ofTag = async (name) => (await does('why', { what: 'tag', name })).said
  await Tiercel.updateTags(['a tag of why', 'one more'])
  await Tiercel.set('of why', Promise.resolve(entryOf('x', { tags: ['one more'] })))
  for (let n = 0; n < 20; n++) await Tiercel.get('of why', [])
  expect(await ofTag('a tag of')).toMatch(/^never: /)
  expect(await ofTag('one more')).toMatch(/^invalidated: hard/)
  await Tiercel.updateTags(['one, with a comma'])
  expect(await ofTag('one, with a comma')).toMatch(/^invalidated: hard/)
  const aim = { what: 'tag', name: HOSTILE }
  expect(await does('preview', aim)).toMatchObject({
    entries: 1,
    byKind: { USE_CACHE: { entries: 1 } },
  })
  expect(await Tiercel.get('page', [])).toBeDefined()
  expect(await does('purge', aim)).toMatchObject({ isEverywhere: true, acknowledged: 1 })
  expect(await Tiercel.get('page', [])).toBeUndefined()
})

test('who leaves ends the scan of a dry run', async () => {
  const over = new AbortController()
  const orders = []
  const operator = new Operator(
    { native: {}, serverDir: join(root, 'none'), label: '' },
    {
      about: () => '{}',
      run: async (order) => {
        const { do: what } = JSON.parse(order)
        orders.push(what)
        if (what === 'scan') return '{"total":1000}'
        over.abort()
        // It would go on for a while.
        return JSON.stringify({ entries: [], scanned: 250, isDone: orders.length > 10 })
      },
    },
  )
  const source = { isFleet: true, operator: () => operator, rest: async () => {} }
  const handlers = routes(() => source, { authorize: () => true })
  const preview = async (signal) => {
    const given = post({ what: 'tag', name: 'posts' })
    const request = new Request('http://h/_cache/preview', { ...given, signal })
    return (await handlers.POST(request, { params: { path: ['preview'] } })).status
  }
  expect([await preview(over.signal), orders]).toEqual([499, ['scan', 'page']])
  expect([await preview(), orders.length > 10]).toEqual([200, true])
})

describe('a sampler', () => {
  const fleet = { nowMs: 1_000, instances: [], silent: [] }
  const source = (more = {}) => ({
    about: {},
    everyMs: 100,
    isFleet: false,
    fleet: vi.fn(async () => fleet),
    nodes: async () => [],
    history: async () => ({ nowMs: 1_000, rows: [] }),
    rest: vi.fn(async () => {}),
    ...more,
  })
  const viewer = (takes = true) => ({ send: vi.fn(() => takes), end: vi.fn() })

  /** Looks are made when the test says so. */
  const stepped = ({ onTestFinished }) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => vi.useRealTimers())
    return (ms) => vi.advanceTimersByTimeAsync(ms)
  }

  test('opens nothing before somebody looks, and ends with the last one', async (test) => {
    const pass = stepped(test)
    const given = source()
    const open = vi.fn(() => given)
    const sampler = new Sampler(open, 3)
    expect(open).not.toHaveBeenCalled()
    const all = [viewer(), viewer(), viewer()]
    for (const one of all) sampler.join(one)
    expect([sampler.isFull, open.mock.calls.length]).toEqual([true, 1])
    await pass(350)
    expect(given.fleet.mock.calls.length).toBeGreaterThan(2)
    for (const one of all) sampler.leave(one)
    await vi.waitFor(() => expect(given.rest).toHaveBeenCalled())
    const looks = given.fleet.mock.calls.length
    await pass(60_000)
    expect(given.fleet.mock.calls.length).toBe(looks)
    // What was opened is kept: a thread belongs to it.
    for (let n = 0; n < 3; n++) {
      await sampler.ask(async (asked) => expect(asked).toBe(given))
      sampler.join(all[0])
      sampler.leave(all[0])
    }
    expect(open).toHaveBeenCalledTimes(1)
  })

  test('nothing is asked while what was opened is being closed', async () => {
    let isClosing = false
    const rest = vi.fn(async () => {
      isClosing = true
      await new Promise((pass) => setTimeout(pass, 20))
      isClosing = false
    })
    const sampler = new Sampler(() => source({ rest }), 3)
    for (let n = 0; n < 3; n++) await sampler.ask(async () => expect(isClosing).toBe(false))
    expect(rest).toHaveBeenCalledTimes(3)
  })

  /** A question that is answered when it is told to. */
  const held = () => {
    let answer
    const answered = new Promise((resolve) => {
      answer = resolve
    })
    return { ask: vi.fn(() => answered), answer }
  }

  test('answers one question after the other, and so many at most', async () => {
    const sampler = new Sampler(() => source(), 3)
    const [one, ...others] = Array.from({ length: 9 }, held)
    const answers = [one, ...others].map(({ ask: question }) => sampler.ask(question))
    await vi.waitFor(() => expect(one.ask).toHaveBeenCalled())
    await expect(sampler.ask(async () => {})).rejects.toThrow(/too many questions/)
    expect(others.every((other) => other.ask.mock.calls.length === 0)).toBe(true)
    // What takes long keeps nobody waiting but its own kind.
    const long = [held(), held()]
    const counts = long.map(({ ask: question }) => sampler.ask(question, { lane: 'preview' }))
    await vi.waitFor(() => expect(long[0].ask).toHaveBeenCalled())
    expect(long[1].ask).not.toHaveBeenCalled()
    // Nor does a purge, which is made again after a while, and waits for no question either.
    const made = held()
    const purged = sampler.ask(made.ask, { lane: 'purge' })
    await vi.waitFor(() => expect(made.ask).toHaveBeenCalled())
    for (const [n, { answer }] of [one, ...others].entries()) answer(n)
    expect(await Promise.all(answers)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    made.answer('purged')
    expect(await purged).toBe('purged')
    for (const { answer } of long) answer('counted')
    expect(await Promise.all(counts)).toEqual(['counted', 'counted'])
  })

  test('a question fails alone, and one that nobody waits for is not asked', async () => {
    const sampler = new Sampler(() => source(), 3)
    const first = held()
    const answer = sampler.ask(first.ask)
    const over = new AbortController()
    const second = held()
    const left = sampler.ask(second.ask, { signal: over.signal })
    const failing = sampler.ask(async () => {
      throw new Error('of its own')
    })
    const last = sampler.ask(async () => 'last')
    over.abort()
    await expect(left).rejects.toThrow(/abort/)
    first.answer('first')
    expect(await answer).toBe('first')
    await expect(failing).rejects.toThrow('of its own')
    expect(await last).toBe('last')
    expect(second.ask).not.toHaveBeenCalled()
    await expect(sampler.ask(second.ask, { signal: over.signal })).rejects.toThrow(/abort/)
    expect(await sampler.ask(async () => 'again')).toBe('again')
  })

  test('one look is for all, and nobody is told what is as it was', async () => {
    const given = source()
    const sampler = new Sampler(() => given, 50)
    const all = Array.from({ length: 50 }, () => viewer())
    for (const one of all) sampler.join(one)
    await vi.waitFor(() => expect(given.fleet.mock.calls.length).toBeGreaterThan(3))
    // How it comes back, and all figures once.
    for (const one of all) expect(one.send).toHaveBeenCalledTimes(2)
    for (const one of all) sampler.leave(one)
  })

  test('who is dismissed finds all as it was, but nothing is kept for long', async (test) => {
    const pass = stepped(test)
    const given = source()
    const sampler = new Sampler(() => given, 50)
    const [one, other] = [viewer(), viewer()]
    const told = ({ send }, at) => new TextDecoder().decode(send.mock.calls.at(at)[0])
    sampler.join(one)
    await vi.waitFor(() => expect(one.send).toHaveBeenCalledTimes(2))
    sampler.dismiss(one)
    sampler.dismiss(one)
    sampler.leave(one)
    expect([told(one, -1), one.end.mock.calls.length]).toEqual(['event: again\ndata: {}\n\n', 1])
    expect([sampler.count, given.rest.mock.calls.length]).toEqual([0, 0])
    sampler.join(other)
    expect(told(other, -1)).toBe(told(one, 1))
    sampler.dismiss(other)
    await pass(4_000)
    expect(given.rest).not.toHaveBeenCalled()
    await pass(2_000)
    expect(given.rest).toHaveBeenCalledTimes(1)
    const late = viewer()
    sampler.join(late)
    expect(late.send).toHaveBeenCalledTimes(1)
    sampler.leave(late)
  })

  test('who leaves during a look and comes back is told the last hour at once', async () => {
    for (const leaves of ['leave', 'dismiss']) {
      const look = held()
      const given = source({ fleet: vi.fn(look.ask) })
      const sampler = new Sampler(() => given, 50)
      const [one, other] = [viewer(), viewer()]
      sampler.join(one)
      await vi.waitFor(() => expect(given.fleet).toHaveBeenCalled())
      sampler[leaves](one)
      look.answer(fleet)
      await new Promise((pass) => setImmediate(pass))
      sampler.join(other)
      const told = () =>
        other.send.mock.calls.map(([bytes]) => new TextDecoder().decode(bytes)).join('')
      await vi.waitFor(() => expect(told()).toContain('"about"'))
      expect([leaves, told().includes('"series":{')]).toEqual([leaves, true])
      sampler.leave(other)
    }
  })

  test('who does not read is let go of', async () => {
    const given = source({ fleet: async () => ({ ...fleet, nowMs: Date.now() }) })
    const sampler = new Sampler(() => given, 50)
    const [slow, quick] = [viewer(false), viewer()]
    sampler.join(quick)
    sampler.join(slow)
    await vi.waitFor(() => expect(slow.end).toHaveBeenCalled())
    expect([sampler.count, quick.end.mock.calls.length]).toEqual([1, 0])
    sampler.leave(quick)
  })

  test('with the last one that does not read it ends', async (test) => {
    const pass = stepped(test)
    const given = source()
    const sampler = new Sampler(() => given, 50)
    const one = { send: vi.fn(() => false), end: vi.fn() }
    sampler.join(one)
    await vi.waitFor(() => expect(one.end).toHaveBeenCalled())
    await vi.waitFor(() => expect(given.rest).toHaveBeenCalled())
    await pass(60_000)
    expect(given.fleet).toHaveBeenCalledTimes(1)
  })

  test('what is told twice at once is one invalidation', async () => {
    const sampler = new Sampler(() => source(), 50)
    const made = { at: 1_000, tags: 'posts', isSoft: false, ms: 1, by: 'dashboard' }
    for (const at of [1_000, 1_000, 5_000]) sampler.record({ ...made, at })
    const one = viewer()
    sampler.join(one)
    await vi.waitFor(() => expect(one.send).toHaveBeenCalledTimes(2))
    sampler.leave(one)
    const [, data] = /\ndata: (.*)\n/.exec(new TextDecoder().decode(one.send.mock.calls[1][0]))
    expect(JSON.parse(data).events.map(({ at }) => at)).toEqual([5_000, 1_000])
  })

  test('what cannot be opened is told as well', async () => {
    const open = vi.fn(() => {
      throw new Error('tiercel: an option is refused')
    })
    const sampler = new Sampler(open, 50)
    const one = viewer()
    sampler.join(one)
    await vi.waitFor(() => expect(open.mock.calls.length).toBeGreaterThan(1), { timeout: 5_000 })
    const told = new TextDecoder().decode(one.send.mock.calls[1][0])
    expect(told).toContain('"trouble":"an option is refused"')
    sampler.leave(one)
  })

  test('what fails is told, and it goes on', async () => {
    let fails = true
    const given = source({
      fleet: async () => {
        if (fails) throw new Error('tiercel: Redis cannot be used')
        return fleet
      },
    })
    const sampler = new Sampler(() => given, 50)
    const one = viewer()
    const told = () =>
      one.send.mock.calls.map(([bytes]) => new TextDecoder().decode(bytes)).join('')
    sampler.join(one)
    await vi.waitFor(() => expect(told()).toContain('"trouble":"Redis cannot be used"'))
    fails = false
    await vi.waitFor(() => expect(told()).toContain('"trouble":null'))
    sampler.leave(one)
  })
})

test('the last hour is made of what was counted', () => {
  const minute = 60_000
  const rows = [
    {
      at: 8 * minute,
      values: { 'fetch.fresh': 3, 'fetch.misses': 1, 'fetch.t4': 98, 'fetch.t9': 2 },
    },
    { at: 9 * minute, values: { 'fetch.stale': 2, 'later.unknown': 7, instances: 2 } },
  ]
  const over = seriesOf({ nowMs: 10 * minute + 5, rows })
  expect(over.minutes.slice(-2)).toEqual([8 * minute, 9 * minute])
  expect([over.minutes.length, over.secs, Object.keys(over.kinds)]).toEqual([60, 60, ['fetch']])
  expect(over.kinds.fetch.hits.slice(-3)).toEqual([null, 3, 2])
  expect(over.kinds.fetch.misses.slice(-2)).toEqual([1, 0])
  expect([over.kinds.fetch.p50.at(-2), over.kinds.fetch.p99.at(-2)]).toEqual([16, 512])
  // Of all gets of the hour together, which no minute tells.
  const slow = { at: 9 * minute, values: { 'fetch.fresh': 300, 'fetch.t12': 300 } }
  const { fetch } = seriesOf({ nowMs: 10 * minute, rows: [rows[0], slow] }).kinds
  expect([fetch.p50.slice(-2), fetch.hour]).toEqual([[16, 4_096], { p50: 4_096, p99: 4_096 }])
  expect(seriesOf({ nowMs: 10 * minute, rows: [rows[1]] }).kinds.fetch.hour.p50).toBe(null)
  // Where the minute under way is known it is shown, as long as it is so far.
  const open = seriesOf({ nowMs: 9 * minute + 20_000, rows })
  expect([open.minutes.at(-1), open.secs]).toEqual([9 * minute, 20])
})

test('a minute of a fleet is shown once all have told of it, or a minute later', () => {
  const minute = 60_000
  const of = (instances) => ({ 'fetch.fresh': instances, instances })
  const rows = [
    { at: 7 * minute, values: of(2) },
    { at: 8 * minute, values: of(1) },
    { at: 9 * minute, values: of(1) },
  ]
  const shown = (nowMs, began) =>
    seriesOf(
      { nowMs, rows },
      began.map((startedAt) => ({ startedAt })),
    ).minutes.at(-1) / minute
  const now = 10 * minute + 1
  expect(shown(now, [0])).toBe(9)
  expect(shown(now, [0, 0])).toBe(8)
  // Those that began later, or at the very end, have nothing to tell.
  expect(shown(now, [0, now])).toBe(9)
  expect(shown(now, [0, 10 * minute - 1])).toBe(9)
  expect(shown(now, [0, 9.5 * minute])).toBe(8)
  expect(shown(11 * minute + 1, [0, 0])).toBe(9)
  expect(shown(now, [])).toBe(9)
  expect(shown(12 * minute, [])).toBe(11)
})

test('edge and browser bundles are told that it does not belong there', () => {
  const edge = require('./js/dashboard/edge.js')
  for (const name of ['GET', 'POST', 'dashboard']) {
    expect(() => edge[name]()).toThrow(
      expect.objectContaining({
        code: 'TIERCEL_EDGE_RUNTIME',
        message: expect.stringMatching(/^tiercel\/dashboard /),
      }),
    )
  }
})
