/** What `tiercel/app` does alike in one process and on a server. */
import { describe, expect, test } from 'vitest'
import { pause } from '../support.mjs'
import { counters, fast, permits } from './counted.mjs'

let names = 0
/** A name that no test has had. */
export const fresh = (what) => `${what}-${process.pid}-${++names}`

const INVALID = { code: 'TIERCEL_INVALID_ARGUMENT' }

/**
 * The suite.
 * @param {string} title
 * @param {() => any} api what `tiercel/app` exports
 */
export function complies(title, api) {
  describe(title, () => {
    describe('kv', () => values(api))
    describe('tokens', () => tokens(api))
    describe('codes', () => codes(api))
    describe('lock', () => locks(api))
    describe('rateLimit', () => limits(api))
    describe('a fast rateLimit', () => fast(api))
    describe('rateLimit.concurrency', () => permits(api))
    describe('sessions', () => sessions(api))
    describe('counter', () => counters(api))
  })
}

function values(api) {
  test('a value comes back as it was, until its time is over', async () => {
    const store = api().kv(fresh('kv'))
    expect(await store.get('key')).toBe(null)
    await store.set('key', 'wörter \u{1f600}', '1h')
    expect(await store.get('key')).toBe('wörter \u{1f600}')
    await store.set('key', '', { ttl: 0.2 })
    expect(await store.get('key')).toBe('')
    await pause(210)
    expect(await store.get('key')).toBe(null)
    await store.set('key', 'x', undefined)
    expect([await store.delete('key'), await store.delete('key')]).toEqual([true, false])
  })

  test('bytes stay bytes, and JSON stays JSON', async () => {
    const bytes = api().kv(fresh('kv'), { values: 'bytes' })
    const all = Uint8Array.from({ length: 256 }, (_, n) => n)
    await bytes.set('key', all)
    expect(new Uint8Array(await bytes.get('key'))).toEqual(all)
    await bytes.set('empty', Buffer.of())
    expect((await bytes.get('empty')).length).toBe(0)
    const json = api().kv(fresh('kv'), { values: 'json' })
    await json.set('key', { a: [1, null, 'x'] })
    expect(await json.get('key')).toEqual({ a: [1, null, 'x'] })
    await expect(json.set('key', 1n)).rejects.toMatchObject(INVALID)
    await expect(bytes.set('key', 'text')).rejects.toMatchObject(INVALID)
  })

  test('names are apart', async () => {
    const [one, other] = [api().kv(fresh('kv')), api().kv(fresh('kv'))]
    await one.set('key', '1')
    expect(await other.get('key')).toBe(null)
    for (const key of ['__proto__', 'constructor', 'a}b', '{', ':', 'ü', ' ']) {
      await one.set(key, key)
      expect(await one.get(key)).toBe(key)
    }
  })

  test('of many who set what is absent one does, and of many who take it one gets it', async () => {
    const store = api().kv(fresh('kv'))
    const many = Array.from({ length: 20 }, (_, n) => n)
    const set = await Promise.all(many.map((n) => store.setIfAbsent('key', `${n}`, '1m')))
    expect(set.filter(Boolean).length).toBe(1)
    const taken = await Promise.all(many.map(() => store.getAndDelete('key')))
    expect(taken.filter((value) => value !== null)).toEqual([`${set.indexOf(true)}`])
  })

  test('a number is counted, and what is none is refused', async () => {
    const store = api().kv(fresh('kv'))
    const many = Array.from({ length: 50 }, () => store.increment('n', 2, '1m'))
    expect(Math.max(...(await Promise.all(many)))).toBe(100)
    expect(await store.increment('n', -101)).toBe(-1)
    expect(await store.get('n')).toBe('-1')
    await store.set('word', 'x')
    await expect(store.increment('word')).rejects.toMatchObject({ code: 'TIERCEL_NOT_A_NUMBER' })
    expect(await store.expire('n', '1h')).toBe(true)
    expect(await store.expire('none', '1h')).toBe(false)
  })

  test('what is no name, value or time is refused, and the error says what is allowed', async () => {
    const { kv } = api()
    for (const bad of [
      '',
      'a b',
      'a:b',
      'ü',
      '__proto__',
      'constructor',
      'x'.repeat(65),
      5,
      null,
    ]) {
      expect(() => kv(bad), String(bad)).toThrow(expect.objectContaining(INVALID))
    }
    for (const bad of [
      { ttl: 0 },
      { ttl: '1y' },
      { ttl: '11y' },
      { ttl: Number.NaN },
      { tll: 5 },
      [],
    ]) {
      expect(() => kv('kv', bad), JSON.stringify(bad)).toThrow(expect.objectContaining(INVALID))
    }
    expect(() => kv('kv', JSON.parse('{"__proto__":{"ttl":5}}'))).toThrow(/one of ttl, values/)
    const store = kv(fresh('kv'))
    for (const bad of ['', 'a\0b', '\ud800', 'é'.repeat(257), 5, undefined, {}]) {
      await expect(store.get(bad)).rejects.toMatchObject(INVALID)
    }
    await expect(store.set('key', 5)).rejects.toThrow('must be a text')
    await expect(store.set('key', 'x', -1)).rejects.toMatchObject(INVALID)
    await expect(store.set('key', 'x'.repeat((8 << 20) + 1))).rejects.toMatchObject(INVALID)
  })
}

function tokens(api) {
  test('a token is used once', async () => {
    const { issue, consume, revoke } = api().tokens({ name: fresh('tokens') })
    const token = await issue({ user: 5 })
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(await consume(token)).toEqual({ data: { user: 5 } })
    expect(await consume(token)).toBe(null)
    const other = await issue()
    expect([await revoke(other), await revoke(other)]).toEqual([true, false])
    expect(await consume(other)).toBe(null)
    expect(await consume(await issue())).toEqual({ data: null })
  })

  test('what is no token is none', async () => {
    const { issue, consume, revoke } = api().tokens({ name: fresh('tokens'), ttl: 0.1 })
    for (const bad of ['', 'x', 'x'.repeat(43), '\0', null, undefined, {}, ['x']]) {
      expect(await consume(bad)).toBe(null)
      expect(await revoke(bad)).toBe(false)
    }
    const token = await issue()
    await pause(110)
    expect(await consume(token)).toBe(null)
  })

  test('of many who use a token one gets what it stands for', async () => {
    const { issue, consume } = api().tokens({ name: fresh('tokens') })
    const token = await issue('x')
    const all = await Promise.all(Array.from({ length: 20 }, () => consume(token)))
    expect(all.filter((one) => one !== null)).toEqual([{ data: 'x' }])
  })
}

function codes(api) {
  test('a code is right once, as people type it', async () => {
    const { issue, verify } = api().codes({ name: fresh('codes'), secret: 'of the tests' })
    expect(await verify('a@b.example', '123456')).toEqual({ ok: false, reason: 'none' })
    const { code } = await issue('a@b.example')
    expect(code).toMatch(/^\d{6}$/)
    expect(await verify('other', code)).toEqual({ ok: false, reason: 'none' })
    expect(await verify('a@b.example', ` ${code.slice(0, 3)}-${code.slice(3)} `)).toEqual({
      ok: true,
    })
    expect(await verify('a@b.example', code)).toEqual({ ok: false, reason: 'none' })
  })

  test('guesses are counted', async () => {
    const { issue, verify } = api().codes({ name: fresh('codes'), attempts: 2, digits: 4 })
    const { code } = await issue('x')
    const wrong = String((Number(code) + 1) % 10_000).padStart(4, '0')
    for (const bad of [undefined, 5, '', 'abcd', '12345']) {
      expect(await verify('x', bad)).toEqual({ ok: false, reason: 'malformed' })
    }
    expect(await verify('x', wrong)).toEqual({ ok: false, reason: 'wrong', attemptsLeft: 1 })
    expect(await verify('x', wrong)).toEqual({ ok: false, reason: 'wrong', attemptsLeft: 0 })
    expect(await verify('x', code)).toEqual({ ok: false, reason: 'none' })
  })

  test('codes are not sent too often', async () => {
    const { issue } = api().codes({ name: fresh('codes'), resend: { after: '1m' } })
    expect(await issue('x')).toMatchObject({ issued: true, expiresInMs: 600_000 })
    const refused = await issue('x')
    expect(refused.issued).toBe(false)
    expect(refused.retryAfterMs).toBeGreaterThan(30_000)
    const often = api().codes({ name: fresh('codes'), resend: { after: 0, perHour: 2 } })
    await often.issue('x')
    expect((await often.issue('x')).issued).toBe(true)
    expect((await often.issue('x')).issued).toBe(false)
  })

  test('a revoked code is none, and rules are checked', async () => {
    const { issue, verify, revoke } = api().codes({ name: fresh('codes') })
    const { code } = await issue('x')
    await revoke('x')
    expect(await verify('x', code)).toEqual({ ok: false, reason: 'none' })
    for (const bad of [
      { digits: 3 },
      { attempts: 0 },
      { ttl: '2d' },
      { resend: 5 },
      { secret: 5 },
    ]) {
      expect(() => api().codes(bad)).toThrow(expect.objectContaining(INVALID))
    }
  })
}

function locks(api) {
  test('one at a time, in the order of their coming, with numbers that grow', async () => {
    const { lock } = api()
    const key = fresh('lock')
    let inside = 0
    const order = []
    const all = Array.from({ length: 20 }, (_, n) =>
      lock(key, async ({ token }) => {
        expect(++inside).toBe(1)
        await pause(1)
        inside--
        order.push([n, token])
      }),
    )
    await Promise.all(all)
    expect(order.map(([n]) => n)).toEqual(Array.from({ length: 20 }, (_, n) => n))
    const grows = order.every(([, token], n) => n === 0 || token > order[n - 1][1])
    expect(grows).toBe(true)
  })

  test('it is given back also by a function that throws, and what that returns is returned', async () => {
    const { lock, tryLock } = api()
    const key = fresh('lock')
    await expect(
      lock(key, {}, () => {
        throw new Error('of the test')
      }),
    ).rejects.toThrow('of the test')
    expect(await lock(key, { waitMs: 0 }, () => 5)).toBe(5)
    expect(await tryLock(key, () => 6)).toEqual({ acquired: true, value: 6 })
    expect(lock.tryLock).toBe(tryLock)
  })

  test('who waits too long, or no longer, is told; nobody else waits for that', async () => {
    const { lock, tryLock } = api()
    const key = fresh('lock')
    const controller = new AbortController()
    let end
    const holding = lock(key, () => new Promise((resolve) => (end = resolve)))
    await expect(lock(key, { waitMs: 50 }, () => 5)).rejects.toMatchObject({
      code: 'TIERCEL_LOCK_TIMEOUT',
    })
    const aborted = lock(key, { signal: controller.signal }, () => 5)
    const waiting = lock(key, () => 7)
    controller.abort(new Error('no longer'))
    await expect(aborted).rejects.toThrow('no longer')
    expect(await tryLock(key, () => 6)).toEqual({ acquired: false })
    end()
    await holding
    expect(await waiting).toBe(7)
    await expect(lock(key, { signal: controller.signal }, () => 5)).rejects.toThrow('no longer')
  })

  test('it is renewed for as long as the function runs', async () => {
    const { lock } = api()
    const key = fresh('lock')
    await lock(key, { ttl: '1s' }, async ({ signal }) => {
      await pause(1_600)
      expect(signal.aborted).toBe(false)
    })
  })

  test('what is no key, time or function is refused', async () => {
    const { lock, tryLock } = api()
    for (const args of [
      ['', () => {}],
      ['k', { ttl: 0 }, () => {}],
      ['k', { waitMs: -1 }, () => {}],
      ['k', { signal: 5 }, () => {}],
    ]) {
      await expect(lock(...args)).rejects.toMatchObject(INVALID)
    }
    await expect(lock('k', 5)).rejects.toMatchObject(INVALID)
    await expect(tryLock('k', { waitMs: 5 }, () => {})).rejects.toMatchObject(INVALID)
  })
}

function limits(api) {
  const ALGORITHMS = ['fixed-window', 'sliding-window', 'token-bucket']

  test.for(ALGORITHMS)('a limit admits its number and no more: %s', async (algorithm) => {
    const limiter = api().rateLimit({ name: fresh('limit'), limit: 5, window: '1m', algorithm })
    const all = await Promise.all(Array.from({ length: 12 }, () => limiter.limit('id')))
    expect(all.filter(({ success }) => success).length).toBe(5)
    const refused = await limiter.limit('id')
    expect(refused).toMatchObject({ success: false, limit: 5, remaining: 0, reason: 'limit' })
    expect(refused.retryAfterMs).toBeGreaterThan(1_000)
    expect(refused.source).toBe('known')
    expect((await limiter.limit('other')).remaining).toBe(4)
    expect((await limiter.peek('id')).success).toBe(false)
    await limiter.reset('id')
    expect((await limiter.peek('id')).remaining).toBe(5)
    expect((await limiter.limit('id', { cost: 5 })).remaining).toBe(0)
  })

  test('several windows count together', async () => {
    const limiter = api().rateLimit({
      name: fresh('limit'),
      windows: [
        { limit: 3, window: '1h', algorithm: 'fixed-window' },
        { limit: 10, window: '1d' },
      ],
    })
    const { headers, remaining, limit } = await limiter.limit('id', { cost: 2 })
    expect([remaining, limit]).toEqual([1, 3])
    expect(headers).toMatchObject({
      'RateLimit-Policy': `"${limiter.name}";q=3;w=3600, "${limiter.name}-2";q=10;w=86400`,
      'X-RateLimit-Limit': '3',
      'X-RateLimit-Remaining': '1',
    })
    expect(headers.RateLimit).toMatch(/";r=1;t=3600, ".*-2";r=8;t=\d+$/)
    expect(Number(headers['X-RateLimit-Reset']) - Date.now() / 1_000).toBeGreaterThan(3_000)
    expect(headers).not.toHaveProperty('Retry-After')
    const refused = await limiter.limit('id', { cost: 2 })
    expect(Number(refused.headers['Retry-After'])).toBeGreaterThan(3_000)
    await expect(limiter.limit('id', { cost: 4 })).rejects.toMatchObject(INVALID)
  })

  test('a block is in effect at once and ends', async () => {
    const limiter = api().rateLimit({ name: fresh('limit'), limit: 5, window: '1m' })
    await limiter.block('id', 0.3)
    const refused = await limiter.limit('id')
    expect(refused).toMatchObject({ success: false, reason: 'blocked', remaining: 0 })
    expect(refused.retryAfterMs).toBeLessThanOrEqual(300)
    await pause(310)
    expect((await limiter.limit('id')).success).toBe(true)
  })

  test('tiers are chosen per call', async () => {
    const { rateLimit } = api()
    const one = (limit) => ({ name: fresh('tier'), limit, window: '1m' })
    const tiers = rateLimit.tiers({ anonymous: one(1), pro: rateLimit(one(100)) })
    expect((await tiers.limit('anonymous', 'id')).remaining).toBe(0)
    expect((await tiers.limit('anonymous', 'id')).success).toBe(false)
    expect((await tiers.limit('pro', 'id')).remaining).toBe(99)
    await expect(tiers.limit('toString', 'id')).rejects.toThrow('one of anonymous, pro')
    expect(() => rateLimit.tiers({})).toThrow(expect.objectContaining(INVALID))
  })

  test('a route handler behind a limit', async () => {
    const limiter = api().rateLimit({ name: fresh('limit'), limit: 1, window: '1m' })
    const handler = limiter.route(async (_request, context) => Response.json(context), {
      id: (request) => request.headers.get('x-id'),
    })
    const request = new Request('http://h', { headers: { 'x-id': 'a' } })
    const first = await handler(request, { a: 1 })
    expect([first.status, await first.json()]).toEqual([200, { a: 1 }])
    expect(first.headers.get('x-ratelimit-remaining')).toBe('0')
    const second = await handler(request, {})
    expect([second.status, (await second.json()).error]).toEqual([429, 'too many requests'])
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0)
    await expect(handler(new Request('http://h'))).rejects.toMatchObject(INVALID)
  })

  test('what is no limit is refused', () => {
    const { rateLimit } = api()
    const good = { name: 'a', limit: 5, window: '1m' }
    for (const bad of [
      { ...good, name: '' },
      { ...good, limit: 0 },
      { ...good, limit: 1.5 },
      { ...good, limit: 1_000_001 },
      { ...good, window: '32d' },
      { ...good, window: undefined },
      { ...good, algorithm: 'leaky' },
      { ...good, burst: 5 },
      { ...good, onError: 'explode' },
      { ...good, windows: [good] },
      { name: 'a', windows: [] },
      { name: 'a', windows: Array(9).fill({ limit: 1, window: 1 }) },
    ]) {
      expect(() => rateLimit(bad), JSON.stringify(bad)).toThrow(expect.objectContaining(INVALID))
    }
  })
}

function sessions(api) {
  test('a session holds what it was given, under an id that cannot be guessed', async () => {
    const store = api().sessions({ name: fresh('sessions') })
    const id = await store.create('user', { cart: [1] }, { device: 'Firefox' })
    expect(id).toMatch(/^[\w-]{59}$/)
    const session = await store.get(id)
    expect(session).toMatchObject({ id, userId: 'user', data: { cart: [1] }, device: 'Firefox' })
    expect(session.expiresAt - session.createdAt).toBe(7 * 86_400_000)
    expect(session.endsAt - session.createdAt).toBe(30 * 86_400_000)
    expect(await store.update(id, { cart: [] })).toBe(true)
    expect((await store.get(id)).data).toEqual({ cart: [] })
    const near = id.slice(0, -1) + (id.endsWith('A') ? 'B' : 'A')
    for (const bad of [near, '', 'x', undefined, null, {}, `${id}x`, '\0']) {
      expect(await store.get(bad)).toBe(null)
      expect(await store.update(bad, 1)).toBe(false)
      expect(await store.rotate(bad)).toBe(null)
      expect(await store.destroy(bad)).toBe(false)
    }
  })

  test('an id can be changed, and the old one is of use for a while', async () => {
    const store = api().sessions({ name: fresh('sessions'), grace: 0.2 })
    const id = await store.create('user', 1)
    const heirs = await Promise.all([store.rotate(id), store.rotate(id)])
    const heir = heirs.find((one) => one !== null)
    expect(heirs).toContain(null)
    expect(await store.get(id)).toMatchObject({ data: 1, isRotated: true })
    expect(await store.get(heir)).toMatchObject({ data: 1, isRotated: false })
    await pause(210)
    expect([await store.get(id), (await store.get(heir)).data]).toEqual([null, 1])
  })

  test('all sessions of a user are listed, and end but for one', async () => {
    const store = api().sessions({ name: fresh('sessions') })
    const ids = []
    for (const device of ['a', 'b', 'c']) {
      ids.push(await store.create('user', null, { device }))
      await pause(2)
    }
    const other = await store.create('other')
    const listed = await store.list('user')
    expect(listed.map(({ device }) => device)).toEqual(['a', 'b', 'c'])
    expect(JSON.stringify(listed)).not.toContain(ids[0].slice(16))
    expect(new Set(listed.map(({ handle }) => handle)).size).toBe(3)
    await expect(store.destroyAll('user', { except: other })).rejects.toMatchObject(INVALID)
    expect(await store.destroyAll('user', { except: ids[1] })).toBe(2)
    const left = await Promise.all([...ids, other].map((id) => store.get(id)))
    expect(left.map((one) => one !== null)).toEqual([false, true, false, true])
    expect(await store.destroy(ids[1])).toBe(true)
    expect(await store.list('user')).toEqual([])
    expect(await store.destroyAll('user')).toBe(0)
  })

  test('the one not seen for longest makes room', async () => {
    const store = api().sessions({ name: fresh('sessions'), maxPerUser: 2 })
    const ids = []
    for (let n = 0; n < 3; n++) {
      ids.push(await store.create('user'))
      await pause(2)
    }
    const left = await Promise.all(ids.map((id) => store.get(id)))
    expect(left.map((one) => one !== null)).toEqual([false, true, true])
  })

  test('what is held can be encrypted, with keys that change', async () => {
    const { sessions } = api()
    const name = fresh('sessions')
    const [old, young] = ['old '.repeat(8), 'young '.repeat(8)]
    const before = sessions({ name, secrets: old })
    const id = await before.create('user', 'secret')
    expect((await sessions({ name, secrets: [young, old] }).get(id)).data).toBe('secret')
    expect(await sessions({ name, secrets: young }).get(id)).toBe(null)
    expect(await sessions({ name }).get(id)).toBe(null)
    const plain = await sessions({ name }).create('user', 'forged')
    expect(await before.get(plain)).toBe(null)
    expect(() => sessions({ secrets: 'short' })).toThrow(expect.objectContaining(INVALID))
  })

  test('the cookie is as safe as can be', () => {
    const { sessions } = api()
    const { cookie } = sessions()
    const id = 'A'.repeat(59)
    expect(cookie.serialize(id)).toBe(
      `__Host-session=${id}; Max-Age=2592000; Path=/; HttpOnly; Secure; SameSite=Lax`,
    )
    expect(cookie.clear()).toContain('__Host-session=; Max-Age=0;')
    expect(() => cookie.serialize('x; Domain=evil')).toThrow(expect.objectContaining(INVALID))
    const header = `a=1; __Host-session=${id}; __Host-session2=x`
    expect(cookie.read(new Request('http://h', { headers: { cookie: header } }))).toBe(id)
    expect(cookie.read({ headers: { cookie: header } })).toBe(id)
    expect(cookie.read('a=1')).toBe(undefined)
    expect(cookie.read(new Request('http://h'))).toBe(undefined)
    expect(sessions({ cookie: { secure: false } }).cookie.name).toBe('session')
    for (const bad of [
      { name: '__Host-x', path: '/a' },
      { name: 'a b' },
      { sameSite: 'none', secure: false },
      { domain: 'a;b' },
    ]) {
      expect(() => sessions({ cookie: bad })).toThrow(expect.objectContaining(INVALID))
    }
  })
}
