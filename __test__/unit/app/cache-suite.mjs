/** What `cache` of `tiercel/app` does alike in one process and on a server. */
import { describe, expect, test } from 'vitest'
import { pause, until } from '../support.mjs'

let names = 0
/** A name that no test has had. */
export const fresh = (what) => `${what}-${process.pid}-${++names}`

const INVALID = { code: 'TIERCEL_INVALID_ARGUMENT' }

/** A function that counts its calls, and returns how often it was called. */
export function counted(act = (n) => n) {
  const counter = async (...args) => act(++counter.calls, ...args)
  counter.calls = 0
  return counter
}

const GROUPS = {
  lifetimes,
  generations,
  keys,
  'many keys': many,
  values,
  contexts,
  patience,
  names: refusals,
}

/**
 * The suite.
 * @param {string} title
 * @param {() => any} api what `tiercel/app` exports
 * @param {string[]} [groups]
 */
export function complies(title, api, groups = Object.keys(GROUPS)) {
  const cache = () => api().cache
  describe.each(groups)(`${title}: %s`, (name) => GROUPS[name](cache))
}

function lifetimes(cache) {
  test('a value is generated once, served while it is fresh, and renewed behind an answer', async () => {
    const key = fresh('key')
    let renew
    const renewed = new Promise((resolve) => {
      renew = resolve
    })
    const run = counted(async (n) => {
      if (n > 1) await renewed
      return n
    })
    const options = { revalidate: '300ms', expire: '1h', jitterPercent: 0 }
    const get = () => cache().getOrSet(key, run, options)
    expect([await get(), await get()]).toEqual([1, 1])
    await pause(320)
    expect([await get(), await get(), run.calls]).toEqual([1, 1, 2])
    renew()
    await until('it is renewed', async () => (await get()) >= 2 || undefined)
  })

  test('past its end a value is generated before it is served', async () => {
    const key = fresh('key')
    const run = counted()
    const get = () => cache().getOrSet(key, run, { expire: '150ms' })
    expect(await get()).toBe(1)
    await pause(170)
    expect(await get()).toBe(2)
  })

  test('a value that is too old replaces one that cannot be generated, for so long', async () => {
    const key = fresh('key')
    const run = counted((n) => {
      if (n > 1) throw new Error('the origin is away')
      return n
    })
    const options = { expire: '100ms', staleIfError: '2s' }
    const get = () => cache().getOrSet(key, run, options)
    expect(await get()).toBe(1)
    await pause(120)
    expect(await get()).toBe(1)
    expect(await cache().get(key)).toBe(undefined)
    await pause(2_100)
    await expect(get()).rejects.toThrow('the origin is away')
    expect(run.calls).toBe(3)
  })

  test('what a tag ended replaces nothing', async () => {
    const [key, tag] = [fresh('key'), fresh('tag')]
    const options = { revalidate: '1h', staleIfError: '1h', tags: [tag] }
    await cache().getOrSet(key, () => 'old', options)
    await cache().invalidateTags(tag)
    const failing = () => Promise.reject(new Error('the origin is away'))
    await expect(cache().getOrSet(key, failing, options)).rejects.toThrow('the origin is away')
  })

  test('nothing is not stored, null is, and both are for a time of their own', async () => {
    const get = (key, run, more) => cache().getOrSet(key, run, more)
    for (const [value, calls] of [
      [undefined, 2],
      [null, 1],
    ]) {
      const [key, run] = [fresh('key'), counted(() => value)]
      expect([await get(key, run), await get(key, run)]).toEqual([value, value])
      expect(run.calls).toBe(calls)
      const [other, again] = [fresh('key'), counted(() => value)]
      const brief = { revalidate: '1h', negativeTtl: '1s' }
      expect([await get(other, again, brief), await get(other, again, brief)]).toEqual([
        value,
        value,
      ])
      expect(again.calls).toBe(1)
      await pause(1_050)
      await get(other, again, brief)
      expect(again.calls).toBe(2)
    }
  })

  test('presets are lifetimes by name, also own ones', async () => {
    cache().configure({ presets: { blink: { revalidate: '50ms', expire: '100ms' } } })
    const [key, run] = [fresh('key'), counted()]
    expect(await cache().getOrSet(key, run, { preset: 'blink' })).toBe(1)
    await pause(110)
    expect(await cache().getOrSet(key, run, { preset: 'blink' })).toBe(2)
    for (const preset of ['realtime', 'frequent', 'moderate', 'catalog', 'profile', 'static']) {
      expect(await cache().getOrSet(fresh('key'), () => preset, { preset })).toBe(preset)
    }
    for (const bad of [{ presets: 5 }, { presets: { a: { ttl: 5 } } }, { onError: 5 }, { x: 1 }]) {
      expect(() => cache().configure(bad)).toThrow(expect.objectContaining(INVALID))
    }
  })

  test('a value that many ask for is renewed before it is stale', async () => {
    const [key, run] = [fresh('key'), counted()]
    const options = { revalidate: '2s', expire: '1h', refreshAheadPercent: 50, jitterPercent: 0 }
    const get = () => cache().getOrSet(key, run, options)
    await get()
    await pause(1_050)
    await until('it is renewed', async () => {
      expect(await get()).toBeLessThan(3)
      return run.calls === 2 || undefined
    })
    expect(await until('it is seen', async () => ((await get()) === 2 ? 2 : undefined))).toBe(2)
  })
}

function generations(cache) {
  test('callers of one key share one generation, and each has a value of its own', async () => {
    const key = fresh('key')
    const run = counted(async () => {
      await pause(50)
      return { list: [1] }
    })
    const all = await Promise.all(Array.from({ length: 100 }, () => cache().getOrSet(key, run)))
    expect(run.calls).toBe(1)
    all[0].list.push(2)
    expect(all[1]).toEqual({ list: [1] })
    expect(await cache().getOrSet(key, run)).toEqual({ list: [1] })
  })

  test('who comes after an invalidation does not get what was under way before', async () => {
    const [key, tag] = [fresh('key'), fresh('tag')]
    const run = counted(async (n) => {
      await pause(100)
      return n
    })
    const get = () => cache().getOrSet(key, run, { tags: [tag] })
    const before = get()
    await until('it runs', () => run.calls === 1 || undefined)
    await cache().invalidateTags([tag])
    const after = [get(), get()]
    expect([await before, ...(await Promise.all(after))]).toEqual([1, 2, 2])
    expect(await get()).toBe(2)
    expect(run.calls).toBe(2)
  })

  test('a failure goes to all who wait, and the next call tries again', async () => {
    const key = fresh('key')
    const run = counted(async (n) => {
      await pause(30)
      if (n === 1) throw new Error('first')
      return n
    })
    const all = await Promise.allSettled([1, 2, 3].map(() => cache().getOrSet(key, run)))
    expect(all.map(({ reason }) => reason?.message)).toEqual(['first', 'first', 'first'])
    expect(await cache().getOrSet(key, run)).toBe(2)
  })

  test('a failure behind an answer leaves the old value, and is told', async () => {
    const key = fresh('key')
    const told = []
    cache().configure({ onError: (error, info) => told.push([error.message, info]) })
    const run = counted((n) => {
      if (n > 1) throw new Error('away')
      return n
    })
    const options = { revalidate: '50ms', expire: '1h' }
    const get = () => cache().getOrSet(key, run, options)
    await get()
    await pause(60)
    for (let n = 0; n < 20; n++) expect(await get()).toBe(1)
    await until('it is told', () => told.length > 0 || undefined)
    expect(told[0]).toEqual(['away', { key }])
    // Not one attempt per call.
    expect(run.calls).toBeLessThan(5)
    cache().configure({ onError: () => {} })
  })
}

function keys(cache) {
  test('a value that is set is what all get, also who waits for an older one', async () => {
    const key = fresh('key')
    await cache().set(key, 'one')
    expect(await cache().get(key)).toBe('one')
    await cache().set(key, 'two', { revalidate: '1h' })
    expect([await cache().get(key), await cache().has(key)]).toEqual(['two', true])
    const other = fresh('key')
    let end
    const slow = cache().getOrSet(other, () => new Promise((resolve) => (end = resolve)))
    await until('it runs', () => end !== undefined || undefined)
    await cache().set(other, 'set')
    end('generated before')
    await slow
    expect(await cache().getOrSet(other, () => 'generated')).toBe('set')
  })

  test('a deleted key is gone, an expired one stale', async () => {
    const [one, two, three] = [fresh('key'), fresh('key'), fresh('key')]
    for (const key of [one, two, three]) await cache().set(key, 'old', { revalidate: '1h' })
    await cache().delete(one)
    expect([await cache().get(one), await cache().has(one)]).toEqual([undefined, false])
    await cache().deleteMany([one, two])
    expect(await cache().get(two)).toBe(undefined)
    await cache().expire(three)
    expect(await cache().get(three)).toBe('old')
    const run = counted(() => 'new')
    expect(await cache().getOrSet(three, run)).toBe('old')
    await until('it is renewed', async () => (await cache().get(three)) === 'new' || undefined)
    expect(run.calls).toBe(1)
    expect(await cache().getOrSet(one, () => 'again')).toBe('again')
  })

  test('what is generated while its key is deleted does not come back', async () => {
    const key = fresh('key')
    let end
    const slow = cache().getOrSet(key, () => new Promise((resolve) => (end = resolve)))
    await until('it runs', () => end !== undefined || undefined)
    await cache().delete(key)
    end('old')
    expect(await slow).toBe('old')
    expect(await cache().get(key)).toBe(undefined)
  })

  test('namespaces are apart, and have options of their own', async () => {
    const [name, key] = [fresh('space'), fresh('key')]
    const space = cache().namespace(name, { revalidate: '1h', tags: [fresh('tag')] })
    await cache().set(key, 'outside')
    await space.set(key, 'inside')
    expect([await cache().get(key), await space.get(key)]).toEqual(['outside', 'inside'])
    expect(await cache().namespace(name).get(key)).toBe('inside')
    expect(await space.namespace('a').get(key)).toBe(undefined)
    await space.delete(key)
    expect([await cache().get(key), await space.get(key)]).toEqual(['outside', undefined])
    for (const bad of ['', 'a b', '__proto__', 5]) {
      expect(() => cache().namespace(bad)).toThrow(expect.objectContaining(INVALID))
    }
  })

  test('tags end entries, whatever they are spelled with; softly they are served once more', async () => {
    const tag = `${fresh('tag')}-größe \u{1f600}`
    const [key, run] = [fresh('key'), counted()]
    const get = () => cache().getOrSet(key, run, { revalidate: '1h', tags: [tag] })
    expect([await get(), await get()]).toEqual([1, 1])
    await cache().invalidateTags(encodeURI(tag).replaceAll('%20', ' '))
    expect(await get()).toBe(2)
    await cache().invalidateTags([tag], { soft: true })
    expect(await get()).toBe(2)
    await until('it is renewed', async () => (await get()) === 3 || undefined)
    await cache().invalidateTags([tag], { soft: '100ms' })
    await pause(150)
    expect(await get()).toBe(4)
  })

  test('a wrapped function has a key for each of its arguments', async () => {
    const run = counted(async (n, a, b) => [n, a, b])
    const wrapped = cache().wrap(run, { key: fresh('fn'), revalidate: '1h' })
    expect(await wrapped('a', 1)).toEqual([1, 'a', 1])
    expect(await wrapped('a', 1)).toEqual([1, 'a', 1])
    expect(await wrapped('a1')).toEqual([2, 'a1', undefined])
    await cache().delete(wrapped.key('a', 1))
    expect(await wrapped('a', 1)).toEqual([3, 'a', 1])
    const long = 'x'.repeat(2_000)
    expect(await wrapped(long)).toEqual(await wrapped(long))
    const name = fresh('by')
    const own = cache().wrap(run, { key: ({ id }) => `${name}:${id}` })
    expect(await own({ id: 5, other: 1 })).toEqual(await own({ id: 5, other: 2 }))
    for (const bad of [new Map(), new Date(5), () => 1, Number.NaN, [undefined]]) {
      await expect(wrapped(bad)).rejects.toMatchObject(INVALID)
    }
    expect(await wrapped(null)).not.toEqual(await wrapped(undefined))
    expect(() => cache().wrap(run, {})).toThrow(expect.objectContaining(INVALID))
  })
}

function many(cache) {
  test('several are read at once, in order', async () => {
    const [one, two] = [fresh('key'), fresh('key')]
    await cache().set(two, 2)
    expect(await cache().getMany([one, two, one])).toEqual([undefined, 2, undefined])
    expect(await cache().getMany([])).toEqual([])
  })

  test('all that are missing are generated by one call, in order', async () => {
    const names = [1, 2, 3, 4].map(() => fresh('key'))
    await cache().set(names[1], 'known')
    const calls = []
    const run = async (missing, { signal, of }) => {
      calls.push(missing)
      expect(signal.aborted).toBe(false)
      of(missing[0]).setOptions({ expire: '100ms' })
      return missing.map((key) => `made ${names.indexOf(key)}`)
    }
    const asked = [names[3], names[1], names[0], names[3]]
    const expected = ['made 3', 'known', 'made 0', 'made 3']
    expect(await cache().getOrSetMany(asked, run, { revalidate: '1h' })).toEqual(expected)
    expect(calls).toEqual([[names[3], names[0]]])
    await pause(120)
    await cache().getOrSetMany(asked, run)
    expect(calls[1]).toEqual([names[3]])
    expect(await cache().getOrSetMany([], run)).toEqual([])
  })

  test('calls that ask for the same keys in another order share what they generate', async () => {
    const names = Array.from({ length: 6 }, () => fresh('key'))
    const generated = []
    const run = async (missing) => {
      generated.push(...missing)
      await pause(30)
      return missing
    }
    const some = [names, names.toReversed?.() ?? [...names].reverse(), names.slice(2)]
    const all = await Promise.all(some.map((keys) => cache().getOrSetMany(keys, run)))
    expect(all).toEqual(some)
    expect(generated.sort()).toEqual([...names].sort())
  })

  test('a call that fails, or returns something else, fails for its keys', async () => {
    const [one, two] = [fresh('key'), fresh('key')]
    const get = (run) => cache().getOrSetMany([one, two], run)
    await expect(get(() => ['one'])).rejects.toMatchObject(INVALID)
    await expect(get(() => Promise.reject(new Error('away')))).rejects.toThrow('away')
    expect(await get((missing) => missing.map(() => 'x'))).toEqual(['x', 'x'])
  })
}

/** How many objects there are in some values. */
function objects(values) {
  const seen = new Set()
  const add = (value) => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    const within = value instanceof Map || value instanceof Set ? [...value.entries()] : []
    for (const one of [...Object.values(value), ...within.flat()]) add(one)
  }
  values.forEach(add)
  return seen.size
}

function values(cache) {
  const cycle = { name: 'a' }
  cycle.self = cycle
  const samples = {
    text: 'wörter \u{1f600} \ud800',
    number: 0.1,
    'minus zero': -0,
    'not a number': Number.NaN,
    flag: false,
    'plain object': { a: [1, 'x', null, { b: true }], 'with blank': '' },
    'an object with undefined': { a: undefined },
    date: new Date(5),
    'dates within': { at: new Date(5), list: [new Date(6)], set: new Set([new Date(7)]) },
    'one object twice': (({ both: [one, two] }) => ({ one, two, both: [one, two] }))({
      both: [{ a: 1 }, { a: 1 }],
    }),
    map: new Map([['a', new Map([[1, { a: 1 }]])]]),
    set: new Set(['a', { a: 1 }]),
    bigint: 2n ** 70n,
    pattern: /a+/gi,
    'typed arrays': { floats: new Float64Array([1.5, Number.NaN]), bytes: new Uint8Array([1, 2]) },
    buffer: Buffer.from([0, 1, 255]),
    bytes: new Uint8Array([0, 1, 255]),
    'a buffer inside': { body: Buffer.from('x'.repeat(10_000)) },
    cycle,
    'a gap': Object.assign([], { 0: 1, 2: 3 }),
    long: { text: 'ü'.repeat(50_000) },
  }

  test.for(Object.keys(samples))('%s comes back as it was', async (name) => {
    const [key, value] = [fresh('key'), samples[name]]
    expect(await cache().getOrSet(key, () => value)).toStrictEqual(value)
    const all = []
    for (let n = 0; n < 3; n++) all.push(await cache().get(key))
    for (const one of all) {
      expect(one).toStrictEqual(value)
      expect(one?.constructor).toBe(value?.constructor)
    }
    // Each caller has its own, also of what lies within.
    expect(objects(all)).toBe(3 * objects([value]))
  })

  test('errors keep what they say', async () => {
    const key = fresh('key')
    await cache().set(key, new TypeError('no', { cause: 'why' }))
    const error = await cache().get(key)
    expect([error instanceof TypeError, error.message]).toEqual([true, 'no'])
  })

  test('a hit is a value of its own, whatever its caller does to it', async () => {
    const key = fresh('key')
    await cache().set(key, { bytes: new Uint8Array([1, 2, 3]), raw: Buffer.from('abc') })
    const first = await cache().get(key)
    first.bytes.fill(9)
    first.raw.fill(9)
    const { bytes, raw } = await cache().get(key)
    expect([[...bytes], raw.toString()]).toEqual([[1, 2, 3], 'abc'])
    const other = fresh('key')
    await cache().set(other, Buffer.from('abc'))
    ;(await cache().get(other)).fill(9)
    expect((await cache().get(other)).toString()).toBe('abc')
  })

  test('a shared hit is one frozen object', async () => {
    const key = fresh('key')
    const options = { shared: true }
    const value = { a: { b: [1] }, map: new Map([['x', { y: 1 }]]), at: new Date(5) }
    const first = await cache().getOrSet(key, () => value, options)
    const second = await cache().getOrSet(key, () => value, options)
    expect(await cache().get(key, options)).toBe(second)
    expect(await cache().get(key, options)).toBe(second)
    for (const one of [first, second]) {
      expect(one).toEqual(value)
      expect(() => one.a.b.push(2)).toThrow(TypeError)
      expect(() => one.map.set('z', 1)).toThrow(TypeError)
      expect(() => one.at.setTime(7)).toThrow(TypeError)
      expect(() => {
        one.map.get('x').y = 2
      }).toThrow(TypeError)
    }
    expect(Object.isFrozen(await cache().get(key))).toBe(false)
  })

  test('codecs of the caller, JSON and bytes', async () => {
    const [one, two, three] = [fresh('key'), fresh('key'), fresh('key')]
    expect(await cache().getOrSet(one, () => new Date(5), { codec: 'json' })).toBe(
      new Date(5).toJSON(),
    )
    const bytes = await cache().getOrSet(two, () => new Uint8Array([1]), { codec: 'bytes' })
    expect(bytes).toStrictEqual(Buffer.from([1]))
    class Money {
      constructor(cents) {
        this.cents = cents
      }
    }
    const codec = { encode: ({ cents }) => `${cents}`, decode: (text) => new Money(Number(text)) }
    expect(await cache().getOrSet(three, () => new Money(5), { codec })).toEqual(new Money(5))
    expect(await cache().get(three, { codec })).toBeInstanceOf(Money)
    // Who does not know the codec finds nothing.
    expect(await cache().get(three)).toBe(undefined)
    const binary = { encode: (n) => Uint8Array.of(n), decode: (bytes) => bytes[0] }
    expect(await cache().getOrSet(fresh('key'), () => 7, { codec: binary })).toBe(7)
  })

  test('what cannot be stored is refused, by its place', async () => {
    const set = (value) => cache().set(fresh('key'), value)
    await expect(set(() => {})).rejects.toThrow(/but it is a function/)
    await expect(set({ a: [{ b() {} }] })).rejects.toThrow(/but it\.a\.0\.b is a function/)
    await expect(set(new Response('x'))).rejects.toThrow(/a Response/)
    await expect(set({ body: new ReadableStream() })).rejects.toThrow(
      /it\.body is a ReadableStream/,
    )
    await expect(set(new Map([['a', Promise.resolve()]]))).rejects.toThrow(
      /\.get\("a"\) is a Promise/,
    )
    await expect(set(Symbol('x'))).rejects.toMatchObject(INVALID)
    await expect(cache().getOrSet(fresh('key'), () => new Response(''))).rejects.toMatchObject(
      INVALID,
    )
    await expect(cache().set(fresh('key'), 5, { codec: 'bytes' })).rejects.toMatchObject(INVALID)
    await expect(cache().set(fresh('key'), 5n, { codec: 'json' })).rejects.toMatchObject(INVALID)
  })
}

function contexts(cache) {
  test('a function decides late how long its value lives, and under which tags', async () => {
    const [key, tag] = [fresh('key'), fresh('tag')]
    const run = counted((n, ctx) => {
      ctx.setOptions({ revalidate: '1h', tags: [tag] })
      return n
    })
    const get = () => cache().getOrSet(key, run, { expire: '50ms' })
    expect(await get()).toBe(1)
    await pause(70)
    expect(await get()).toBe(1)
    await cache().invalidateTags([tag])
    expect(await get()).toBe(2)
    const bad = cache().getOrSet(fresh('key'), (ctx) => ctx.setOptions({ local: true }))
    await expect(bad).rejects.toMatchObject(INVALID)
  })

  test('a value that is skipped is returned, to all who wait, and not stored', async () => {
    const key = fresh('key')
    const run = counted(async (n, ctx) => {
      await pause(20)
      return ctx.skip(n)
    })
    const get = () => cache().getOrSet(key, run)
    expect(await Promise.all([get(), get()])).toEqual([1, 1])
    expect(await get()).toBe(2)
  })

  test('a function sees the old value and its age', async () => {
    const key = fresh('key')
    const seen = []
    const run = (ctx) => {
      seen.push(ctx.stale)
      return ctx.stale ? ctx.stale.value : { etag: 'a' }
    }
    const options = { revalidate: '100ms', expire: '1h' }
    const get = () => cache().getOrSet(key, run, options)
    await get()
    await pause(120)
    await get()
    await until('it is renewed', () => seen.length === 2 || undefined)
    expect(seen[0]).toBe(undefined)
    expect(seen[1].value).toEqual({ etag: 'a' })
    expect(seen[1].ageMs).toBeGreaterThan(90)
  })

  test('a function hears when nobody waits for it any more', async () => {
    const key = fresh('key')
    let signal
    const controllers = [new AbortController(), new AbortController()]
    const all = controllers.map((one) =>
      cache().getOrSet(
        key,
        (ctx) =>
          new Promise((_, reject) => {
            signal = ctx.signal
            ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))
          }),
        { signal: one.signal },
      ),
    )
    const ended = Promise.allSettled(all)
    await until('it runs', () => signal !== undefined || undefined)
    await pause(20)
    controllers[0].abort(new Error('left'))
    await expect(all[0]).rejects.toThrow('left')
    expect(signal.aborted).toBe(false)
    controllers[1].abort(new Error('left too'))
    await ended
    expect(signal.aborted).toBe(true)
    await expect(cache().getOrSet(key, () => 1, { signal: AbortSignal.abort() })).rejects.toThrow()
  })
}

function patience(cache) {
  test('the old value comes after so long, and the function runs on', async () => {
    const key = fresh('key')
    const run = counted(async (n) => {
      if (n > 1) await pause(n === 2 ? 300 : 20)
      return n
    })
    const options = { revalidate: '50ms', expire: '1h', softTimeoutMs: 100 }
    const get = (more) => cache().getOrSet(key, run, { ...options, ...more })
    await get()
    await pause(60)
    expect(await get()).toBe(1)
    await until('it has run on', async () => (await cache().get(key)) === 2 || undefined)
    await pause(60)
    expect(await get({ softTimeoutMs: 5_000 })).toBe(3)
  })

  test('a function that takes too long has failed', async () => {
    const key = fresh('key')
    let signal
    const slow = (ctx) => {
      signal = ctx.signal
      return pause(400)
    }
    const get = (run) => cache().getOrSet(key, run, { hardTimeoutMs: 50 })
    await expect(get(slow)).rejects.toMatchObject({ code: 'TIERCEL_CACHE_TIMEOUT' })
    expect(signal.aborted).toBe(true)
    expect(await get(() => 'quick')).toBe('quick')
  })

  test('who does not want to wait for others generates', async () => {
    const [key, run] = [fresh('key'), counted(() => pause(300))]
    const slow = cache().getOrSet(key, run)
    await until('it runs', () => run.calls === 1 || undefined)
    expect(await cache().getOrSet(key, () => 'own', { waitMs: 0 })).toBe('own')
    const [other, second] = [fresh('key'), counted(() => pause(600))]
    const slower = cache().getOrSet(other, second)
    await until('it runs', () => second.calls === 1 || undefined)
    const own = counted(async (n) => {
      await pause(20)
      return n
    })
    const many = [1, 2, 3].map(() => cache().getOrSet(other, own, { waitMs: 50 }))
    // One of them generates for all.
    expect([await Promise.all(many), own.calls]).toEqual([[1, 1, 1], 1])
    await Promise.all([slow, slower])
  })
}

function refusals(cache) {
  test('names, keys and options are checked, and the error says what is allowed', async () => {
    for (const bad of ['', 'a\0b', '\ud800', 'é'.repeat(257), 5, undefined, {}]) {
      await expect(cache().getOrSet(bad, () => 1)).rejects.toMatchObject(INVALID)
      await expect(cache().get(bad)).rejects.toMatchObject(INVALID)
      await expect(cache().set(bad, 1)).rejects.toMatchObject(INVALID)
      await expect(cache().delete(bad)).rejects.toMatchObject(INVALID)
    }
    for (const bad of [
      5,
      { ttl: 5 },
      { revalidate: 0 },
      { revalidate: '31d' },
      { revalidate: '1h', expire: '1m' },
      { preset: 'other' },
      { preset: '__proto__' },
      { tags: 'a' },
      { tags: [''] },
      { tags: ['a\0'] },
      { tags: ['x'.repeat(257)] },
      { jitterPercent: 51 },
      { waitMs: 10_001 },
      { softTimeoutMs: -1 },
      { shared: 1 },
      { signal: {} },
      { codec: 'xml' },
      { negativeTtl: 0 },
      JSON.parse('{"__proto__":{"revalidate":5}}'),
    ]) {
      const asked = cache().getOrSet(fresh('key'), () => 1, bad)
      await expect(asked, JSON.stringify(bad)).rejects.toMatchObject(INVALID)
    }
    await expect(cache().getOrSet(fresh('key'), 5)).rejects.toThrow('a function')
    await expect(cache().invalidateTags([''])).rejects.toMatchObject(INVALID)
    await expect(cache().invalidateTags(['a'], { soft: 'x' })).rejects.toMatchObject(INVALID)
    await expect(cache().getMany('a')).rejects.toMatchObject(INVALID)
  })
}
