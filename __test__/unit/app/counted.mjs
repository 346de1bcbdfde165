/** What counters, permits and shares do alike in one process and on a server. */
import { expect, test } from 'vitest'
import { pause } from '../support.mjs'
import { fresh } from './suite.mjs'

const INVALID = { code: 'TIERCEL_INVALID_ARGUMENT' }
const HOUR_MS = 3_600_000

export function counters(api) {
  test('what is added is read at once, and is there after it was sent', async () => {
    const views = api().counter(fresh('views'), { flushMs: 60_000 })
    expect(await views.get('a')).toBe(0)
    for (let n = 0; n < 100; n++) expect(views.add('a')).toBe(undefined)
    views.add('b', 5)
    views.add('a', -1)
    expect([await views.get('a'), await views.get('b')]).toEqual([99, 5])
    await views.flush()
    views.add('a', 1)
    expect([await views.get('a'), await views.get('b')]).toEqual([100, 5])
  })

  test('adds leave by themselves', async () => {
    const views = api().counter(fresh('views'), { flushMs: 20 })
    views.add('a', 7)
    await pause(300)
    expect(await views.get('a')).toBe(7)
  })

  test('buckets say when', async () => {
    const views = api().counter(fresh('views'), { bucket: 0.2, history: '20s', flushMs: 60_000 })
    views.add('a', 1)
    await pause(450)
    await views.flush()
    views.add('a', 2)
    const series = await views.series('a', '10s')
    expect(series.length).toBe(51)
    const counted = series.filter(({ count }) => count > 0)
    expect(counted.map(({ count }) => count)).toEqual([1, 2])
    expect(counted[1].from - counted[0].from).toBeGreaterThanOrEqual(400)
    expect(Math.abs(series.at(-1).from - Date.now())).toBeLessThan(60_000)
    expect(await views.window('a', '10s')).toBe(3)
    expect(await views.window('none', '10s')).toBe(0)
    await expect(views.window('a', '21s')).rejects.toMatchObject(INVALID)
    const hourly = api().counter(fresh('views'))
    hourly.add('a')
    const day = await hourly.series('a', '24h')
    expect([day.length, day[1].from - day[0].from, day.at(-1).count]).toEqual([25, HOUR_MS, 1])
  })

  test('the largest come first, under their own names', async () => {
    const views = api().counter(fresh('views'))
    expect(await views.top()).toEqual([])
    for (const [id, n] of [
      ['a', 3],
      ['é \u{1f600}', 9],
      ['__proto__', 5],
      ['none', 0],
    ])
      views.add(id, n)
    expect(await views.top(2)).toEqual([
      { id: 'é \u{1f600}', count: 9 },
      { id: '__proto__', count: 5 },
    ])
    expect((await views.top()).length).toBe(3)
  })

  test('members are counted once', async () => {
    const views = api().counter(fresh('views'))
    for (let n = 0; n < 3_000; n++) views.unique('a', `visitor-${n % 1_500}`)
    views.unique('b', 'visitor-1')
    const count = await views.uniques('a')
    expect(Math.abs(count - 1_500)).toBeLessThan(75)
    expect([await views.uniques('b'), await views.uniques('c'), await views.get('a')]).toEqual([
      1, 0, 0,
    ])
  })

  test('an id is reset once, and forgotten', async () => {
    const views = api().counter(fresh('views'))
    views.add('a', 5)
    views.unique('a', 'x')
    const got = await Promise.all(Array.from({ length: 9 }, () => views.reset('a')))
    expect(got.sort()).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 5])
    expect([await views.get('a'), await views.uniques('a'), await views.window('a', '1h')]).toEqual(
      [0, 0, 0],
    )
    views.add('a', 2)
    expect([await views.delete('a'), await views.delete('a'), await views.get('a')]).toEqual([
      true,
      false,
      0,
    ])
  })

  test('counters of one name are one, however they are made, and others are apart', async () => {
    const name = fresh('views')
    const [one, other] = [api().counter(name), api().counter(name, { flushMs: 50 })]
    one.add('a', 1)
    other.add('a', 2)
    await Promise.all([one.flush(), other.flush()])
    expect([await one.get('a'), await other.get('a')]).toEqual([3, 3])
    expect(await api().counter(fresh('views')).get('a')).toBe(0)
  })

  test('what is no count is refused', async () => {
    const { counter } = api()
    const views = counter(fresh('views'))
    for (const bad of ['', 'a\0', '\u{d800}', 5, undefined, 'x'.repeat(513)]) {
      expect(() => views.add(bad), String(bad)).toThrow(expect.objectContaining(INVALID))
      expect(() => views.unique('a', bad)).toThrow(expect.objectContaining(INVALID))
      await expect(views.get(bad)).rejects.toMatchObject(INVALID)
    }
    for (const bad of [1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null, 1_000_000_001, 1n]) {
      expect(() => views.add('a', bad), String(bad)).toThrow(expect.objectContaining(INVALID))
    }
    for (const bad of [0, 1_001, '5']) await expect(views.top(bad)).rejects.toMatchObject(INVALID)
    for (const bad of [
      { ttl: 0 },
      { flushMs: 0 },
      { flushMs: 60_001 },
      { bucket: '1h', history: '1m' },
      { bucket: '1s', history: '1h' },
      { ttl: '1h', history: '2h' },
      { flush: 5 },
      [],
    ]) {
      expect(() => counter('a', bad), JSON.stringify(bad)).toThrow(expect.objectContaining(INVALID))
    }
    for (const bad of ['', 'a:b', '__proto__', undefined]) {
      expect(() => counter(bad)).toThrow(expect.objectContaining(INVALID))
    }
    expect(await views.get('a')).toBe(0)
  })
}

export function permits(api) {
  const made = (more) => api().rateLimit.concurrency({ name: fresh('permit'), limit: 2, ...more })

  test('so many run at the same time, and what is given back is there again', async () => {
    const limiter = made()
    const [one, two, three] = [
      await limiter.acquire('id'),
      await limiter.acquire('id'),
      await limiter.acquire('id'),
    ]
    expect([one.success, two.success, three.success]).toEqual([true, true, false])
    expect([one.remaining, two.remaining, three.remaining]).toEqual([1, 0, 0])
    expect(three).toMatchObject({ reason: 'limit', limit: 2, source: 'store' })
    expect(three.retryAfterMs).toBeGreaterThan(0)
    for (const { resetMs } of [one, two, three]) {
      expect(resetMs).toBeGreaterThan(20_000)
      expect(resetMs).toBeLessThanOrEqual(30_000)
    }
    expect(three.headers).toEqual({
      'RateLimit-Policy': `"${limiter.name}";q=2;qu="concurrent-requests"`,
      RateLimit: `"${limiter.name}";r=0`,
      'X-RateLimit-Limit': '2',
      'X-RateLimit-Remaining': '0',
      'Retry-After': '1',
    })
    expect((await limiter.acquire('other')).success).toBe(true)
    expect(await limiter.peek('id')).toMatchObject({ success: false, remaining: 0 })
    // Nothing that listens to one is kept by another.
    expect(three.signal).toBe(three.signal)
    expect(three.signal).not.toBe((await limiter.peek('id')).signal)
    expect(await limiter.peek('none')).toMatchObject({ success: true, remaining: 2, resetMs: 0 })
    await three.release()
    await Promise.all([one.release(), one.release()])
    expect(await limiter.peek('id')).toMatchObject({ success: true, remaining: 1, reason: null })
    expect((await limiter.acquire('id')).success).toBe(true)
    expect((await limiter.acquire('id')).success).toBe(false)
  })

  test('a function runs with one, which is given back also if it throws', async () => {
    const limiter = made({ limit: 1 })
    let most = 0
    let inside = 0
    const work = async () => {
      most = Math.max(most, ++inside)
      await pause(2)
      return inside--
    }
    const all = Array.from({ length: 20 }, () => limiter.run('id', { waitMs: 20_000 }, work))
    expect(await Promise.all(all)).toEqual(Array(20).fill(1))
    expect(most).toBe(1)
    const broken = limiter.run('id', () => {
      throw new Error('of the test')
    })
    await expect(broken).rejects.toThrow('of the test')
    const held = await limiter.acquire('id')
    await expect(limiter.run('id', () => 5)).rejects.toMatchObject({
      code: 'TIERCEL_CONCURRENCY_LIMIT',
      reason: 'limit',
    })
    const waiting = limiter.run('id', { waitMs: 10_000 }, () => 6)
    await held.release()
    expect(await waiting).toBe(6)
  })

  test('who waits too long, or no longer, is told', async () => {
    const limiter = made({ limit: 1 })
    const held = await limiter.acquire('id')
    const controller = new AbortController()
    const aborted = limiter.acquire('id', { waitMs: 10_000, signal: controller.signal })
    const late = limiter.acquire('id', { waitMs: 60 })
    expect(await late).toMatchObject({ success: false, reason: 'limit' })
    controller.abort(new Error('no longer'))
    await expect(aborted).rejects.toThrow('no longer')
    await held.release()
    expect((await limiter.acquire('id', { waitMs: 100 })).success).toBe(true)
  })

  test('it is renewed while it is held, and given back at the end of a block', async () => {
    const limiter = made({ limit: 1, ttl: '1s' })
    const held = await limiter.acquire('id')
    await pause(1_500)
    expect([held.signal.aborted, (await limiter.acquire('id')).success]).toEqual([false, false])
    held[Symbol.dispose ?? Symbol.for('Symbol.dispose')]()
    const next = await limiter.acquire('id', { waitMs: 2_000 })
    expect(next.success).toBe(true)
    await next[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]()
    expect((await limiter.peek('id')).remaining).toBe(1)
  })

  test('a route handler of which so many run at the same time', async () => {
    const limiter = made({ limit: 1 })
    let end
    const handler = limiter.route(() => new Promise((resolve) => (end = resolve)), {
      id: () => 'all',
    })
    const request = new Request('http://h')
    const first = handler(request)
    while (end === undefined) await pause(1)
    const second = await handler(request)
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '1'])
    end(Response.json('done'))
    expect(await (await first).json()).toBe('done')
    expect((await limiter.peek('all')).remaining).toBe(1)
  })

  test('what is no limit is refused', async () => {
    const { concurrency } = api().rateLimit
    const good = { name: 'a', limit: 5 }
    for (const bad of [
      { ...good, name: 'a:b' },
      { ...good, limit: 0 },
      { ...good, limit: 10_001 },
      { ...good, ttl: 0.5 },
      { ...good, ttl: '2d' },
      { ...good, onError: 'explode' },
      { ...good, window: 5 },
      undefined,
    ]) {
      expect(() => concurrency(bad), JSON.stringify(bad)).toThrow(expect.objectContaining(INVALID))
    }
    const limiter = made()
    for (const bad of ['', 'a\0', 5])
      await expect(limiter.acquire(bad)).rejects.toMatchObject(INVALID)
    for (const bad of [{ waitMs: -1 }, { signal: 5 }, { wait: 5 }]) {
      await expect(limiter.acquire('id', bad)).rejects.toMatchObject(INVALID)
    }
    await expect(limiter.run('id', 5)).rejects.toMatchObject(INVALID)
  })
}

export function fast(api) {
  const ALGORITHMS = ['fixed-window', 'sliding-window', 'token-bucket']

  test.for(ALGORITHMS)('a fast limit admits its number and no more: %s', async (algorithm) => {
    const limiter = api().rateLimit({
      name: fresh('limit'),
      limit: 500,
      window: '31d',
      algorithm,
      mode: 'fast',
    })
    let admitted = 0
    let last
    const until = performance.now() + 10_000
    while (admitted < 500 && performance.now() < until) {
      last = await limiter.limit('id')
      if (last.success) admitted++
      else await pause(20)
    }
    expect(admitted).toBe(500)
    expect((await limiter.limit('id')).success).toBe(false)
    expect((await limiter.limit('other')).remaining).toBe(499)
    await limiter.reset('id')
    expect((await limiter.peek('id')).remaining).toBe(500)
    expect(() => api().rateLimit({ name: 'a', limit: 1, window: 1, mode: 'quick' })).toThrow(
      expect.objectContaining(INVALID),
    )
  })
}
