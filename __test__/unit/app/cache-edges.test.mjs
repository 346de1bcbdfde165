import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { inChild, pause, until } from '../support.mjs'
import { counted, fresh } from './cache-suite.mjs'

// Functions that hang, callers that leave, codecs that differ: no call waits for long, and none gets
// what is no value.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const require = createRequire(import.meta.url)
const { cache } = require(`${root}app.js`)

/** Never ends. */
const hang = () => new Promise(() => {})
/** What a call gives, or that it still waits after some seconds. */
const within = (call) => Promise.race([call, pause(5_000).then(() => 'still waits')])

/** A codec that reads only what it has written itself. */
const codecOf = (name) => ({
  encode: (value) => `${name} ${JSON.stringify(value)}`,
  decode: (text) => {
    if (!text.startsWith(`${name} `)) throw new Error(`not of ${name}`)
    return JSON.parse(text.slice(name.length + 1))
  },
})

test('a renewal that hangs holds up nobody once its value is gone', async () => {
  const key = fresh('key')
  const options = { revalidate: '50ms', expire: '1s', jitterPercent: 0, waitMs: 100 }
  await cache.getOrSet(key, () => 'old', options)
  await pause(70)
  expect(await cache.getOrSet(key, hang, options)).toBe('old')
  await pause(1_020)
  const run = counted(async (n) => {
    await pause(20)
    return n
  })
  const all = Array.from({ length: 5 }, () => cache.getOrSet(key, run, options))
  expect(await within(Promise.all(all))).toEqual([1, 1, 1, 1, 1])
  expect(run.calls).toBe(1)
})

test('who does not wait for others does not wait for a renewal either', async () => {
  const key = fresh('key')
  const options = { revalidate: '50ms', expire: '1s', jitterPercent: 0, staleIfError: '1h' }
  await cache.getOrSet(key, () => 'old', options)
  await pause(70)
  expect(await cache.getOrSet(key, hang, options)).toBe('old')
  await pause(1_020)
  const call = cache.getOrSet(key, () => 'own', { ...options, waitMs: 0 })
  expect(await within(call)).toBe('own')
})

test('a tag of any characters leaves the lifetime as it is', async () => {
  const keeps = async (tag) => {
    const [key, tags] = [fresh('key'), [`${fresh('tag')} ${tag}`]]
    const options = { expire: '1s', staleIfError: '1h', tags }
    await cache.set(key, 'old', options)
    expect(await cache.get(key)).toBe('old')
    await pause(1_020)
    expect(await cache.get(key), tag).toBe(undefined)
    const failing = () => Promise.reject(new Error('away'))
    expect(await cache.getOrSet(key, failing, options)).toBe('old')
  }
  await Promise.all(['größe', 'größe \u{1f600}', '日本', 'lone \ud800'].map(keeps))
})

test('callers with different codecs get values, and share no generation', async () => {
  const key = fresh('key')
  const get = (name, value) => cache.getOrSet(key, () => pause(20, value), { codec: codecOf(name) })
  expect(await Promise.all([get('a', 1), get('b', 2), get('b', 2)])).toEqual([1, 2, 2])
})

test('a renewal by another codec is shown to nobody', async () => {
  const key = fresh('key')
  const both = { encode: (value) => value, decode: (text) => text }
  const only = {
    encode: (value) => value,
    decode: (text) => {
      if (text !== 'old') throw new Error('not mine')
      return text
    },
  }
  const options = { revalidate: '50ms', expire: '1h', jitterPercent: 0, softTimeoutMs: 2_000 }
  await cache.getOrSet(key, () => 'old', { ...options, codec: both })
  await pause(70)
  const renewal = cache.getOrSet(key, () => pause(100, 'new'), { ...options, codec: both })
  const joined = cache.getOrSet(key, () => 'own', { ...options, codec: only })
  expect(await Promise.all([renewal, joined])).toEqual(['new', 'old'])
})

test('a value that its own codec cannot read is an error, and no old value either', async () => {
  const key = fresh('key')
  let isBroken = false
  const codec = {
    encode: String,
    decode: (text) => {
      if (isBroken) throw new Error('no')
      return text
    },
  }
  const options = { revalidate: '1ms', expire: '1h', jitterPercent: 0, codec }
  await cache.getOrSet(key, () => 'old', options)
  await pause(10)
  isBroken = true
  let seen
  const call = cache.getOrSet(
    key,
    ({ stale }) => {
      seen = stale
      return 'new'
    },
    options,
  )
  await expect(call).rejects.toMatchObject({ code: 'TIERCEL_CACHE_UNREADABLE' })
  expect(seen).toBe(undefined)
})

test('an old value that can be read no more is none to its function', async () => {
  const key = fresh('key')
  let reads = 0
  const codec = {
    encode: String,
    decode: (text) => {
      // The second copy of the old value: that of the function.
      if (text === 'old' && ++reads > 2) throw new Error('no')
      return text
    },
  }
  const options = { revalidate: '1ms', expire: '1h', jitterPercent: 0, codec, softTimeoutMs: 2_000 }
  await cache.getOrSet(key, () => 'old', options)
  await pause(10)
  let seen = 'nothing'
  const run = ({ stale }) => {
    seen = stale
    return 'new'
  }
  expect(await cache.getOrSet(key, run, options)).toBe('new')
  expect(seen).toBe(undefined)
})

test('a call for several keys runs on while one of its keys is waited for', async () => {
  const [one, two] = [fresh('key'), fresh('key')]
  let signal
  let end
  const run = async (missing, ctx) => {
    signal = ctx.signal
    await new Promise((resolve) => {
      end = resolve
    })
    signal.throwIfAborted()
    return missing
  }
  const caller = new AbortController()
  const batch = cache.getOrSetMany([one, two], run, { signal: caller.signal })
  const ended = expect(batch).rejects.toThrow('left')
  await until('it runs', () => end !== undefined || undefined)
  const other = cache.getOrSet(two, () => 'own')
  caller.abort(new Error('left'))
  await ended
  expect(signal.aborted).toBe(false)
  end()
  expect(await other).toBe(two)
})

test('a call for several keys ends once nobody waits for any of them', async () => {
  let signal
  const run = (_, ctx) => {
    signal = ctx.signal
    return hang()
  }
  const caller = new AbortController()
  const batch = cache.getOrSetMany([fresh('key'), fresh('key')], run, { signal: caller.signal })
  const ended = expect(batch).rejects.toThrow('left')
  await until('it runs', () => signal !== undefined || undefined)
  caller.abort(new Error('left'))
  await ended
  expect(signal.aborted).toBe(true)
})

test('a call for several keys does not wait for a renewal to begin', async () => {
  const [stale, missing] = [fresh('key'), fresh('key')]
  const options = { revalidate: '50ms', expire: '1s', jitterPercent: 0, waitMs: 2_000 }
  await cache.getOrSet(stale, () => 'old', options)
  await pause(70)
  let end
  const slow = () =>
    new Promise((resolve) => {
      end = resolve
    })
  expect(await cache.getOrSet(stale, slow, options)).toBe('old')
  await pause(1_020)
  const run = counted((n, keys) => keys.map(() => n))
  const batch = cache.getOrSetMany([stale, missing], run, options)
  await until('it runs', () => run.calls === 1 || undefined)
  end('renewed')
  expect(await batch).toEqual(['renewed', 1])
})

test('nobody joins what all have left', async () => {
  const key = fresh('key')
  const caller = new AbortController()
  let end
  const left = cache.getOrSet(key, () => new Promise((_, reject) => (end = reject)), {
    signal: caller.signal,
  })
  const ended = expect(left).rejects.toThrow('left')
  await until('it runs', () => end !== undefined || undefined)
  caller.abort(new Error('left'))
  // Its function has not heard of it yet.
  const after = cache.getOrSet(key, () => pause(100, 'own'))
  await ended
  await pause(20)
  end(new Error('aborted'))
  expect(await within(after)).toBe('own')
  expect(await cache.get(key)).toBe('own')
})

test('nobody joins what has taken too long', async () => {
  const key = fresh('key')
  let after
  const run = (ctx) => {
    ctx.signal.addEventListener('abort', () => {
      after = cache.getOrSet(key, () => 'own')
    })
    return hang()
  }
  const call = cache.getOrSet(key, run, { hardTimeoutMs: 50 })
  await expect(call).rejects.toMatchObject({ code: 'TIERCEL_CACHE_TIMEOUT' })
  expect(await within(after)).toBe('own')
})

test('a caller that has left already counts as one that leaves', async () => {
  const key = fresh('key')
  const caller = new AbortController()
  let signal
  const run = (ctx) => {
    signal = ctx.signal
    // While the call is being made.
    caller.abort(new Error('left'))
    return hang()
  }
  await expect(cache.getOrSet(key, run, { signal: caller.signal })).rejects.toThrow('left')
  expect(signal.aborted).toBe(true)
})

test('what is not stored is shared all the same, whatever else is invalidated meanwhile', async () => {
  const [key, other] = [fresh('key'), fresh('tag')]
  const run = counted(async (n, { skip }) => {
    await pause(50)
    await cache.invalidateTags([other])
    return skip(n)
  })
  const all = Array.from({ length: 10 }, () => cache.getOrSet(key, run))
  expect(await Promise.all(all)).toEqual(Array(10).fill(1))
  expect(run.calls).toBe(1)
})

test('options that are `undefined` leave those of the namespace', async () => {
  const space = cache.namespace(fresh('space'), { expire: '1s', tags: ['a'], codec: 'json' })
  const key = fresh('key')
  const options = { expire: undefined, revalidate: undefined, codec: undefined, preset: undefined }
  await space.set(key, new Date(5), options)
  expect(await space.get(key, { codec: undefined })).toBe(new Date(5).toJSON())
  await pause(1_020)
  expect(await space.get(key)).toBe(undefined)
})

test('a namespace may shorten a preset, and is not changed later', async () => {
  const options = { preset: 'catalog', expire: '1s' }
  const space = cache.namespace(fresh('space'), options)
  options.expire = 'nonsense'
  const key = fresh('key')
  expect(await space.getOrSet(key, () => 1, {})).toBe(1)
  expect(await space.namespace('inner').getOrSet(key, () => 2, { tags: ['a'] })).toBe(2)
  await pause(1_020)
  expect(await space.get(key)).toBe(undefined)
  const both = { revalidate: '1h', expire: '1m' }
  await expect(space.getOrSet(key, () => 1, both)).rejects.toThrow('`expire`')
})

test('a value that cannot be frozen is an error, and getters in one are left alone', async () => {
  const bad = { encode: String, decode: () => new Proxy({}, { ownKeys: () => [1] }) }
  const options = { codec: bad, shared: true }
  const key = fresh('key')
  await cache.set(key, 'x', { codec: bad })
  expect(await cache.get(key, options)).toBe(undefined)
  const code = 'TIERCEL_CACHE_UNREADABLE'
  for (let n = 0; n < 2; n++) {
    await expect(cache.getOrSet(key, () => 'x', options)).rejects.toMatchObject({ code })
  }
  const asked = { encode: String, decode: () => Object.create(null, LAZY) }
  const value = await cache.getOrSet(fresh('key'), () => 'x', { codec: asked, shared: true })
  expect(Object.isFrozen(value)).toBe(true)
})

/** A property that must not be read before it is asked for. */
const LAZY = {
  lazy: {
    enumerable: true,
    get: () => {
      throw new Error('read')
    },
  },
}

test('a listener that rejects ends no process, and hears of the key as it was given', async () => {
  const body = async ({ root }) => {
    const { cache } = require(`${root}app.js`)
    const told = []
    const wait = (ms) => new Promise((wake) => setTimeout(wake, ms))
    const rejects = async (...args) => {
      told.push(args)
      throw new Error('the listener')
    }
    require(`${root}index.js`).configure({ onNotice: rejects, debug: rejects })
    cache.configure({ onError: rejects })
    const space = cache.namespace('space')
    const options = { revalidate: '1ms', expire: '1h', jitterPercent: 0 }
    await space.getOrSet('key', () => 'old', options)
    await wait(10)
    await space.getOrSet('key', () => Promise.reject(new Error('away')), options)
    await wait(50)
    return told.filter(([one]) => one instanceof Error).map(([, info]) => info)
  }
  const { answer, code } = await inChild(body, {
    given: { root },
    env: { TIERCEL_REDIS_URL: 'none' },
  })
  expect([answer, code]).toEqual([[{ key: 'key' }], 0])
})

test('a second copy of the module leaves the listener of the first', async () => {
  const body = async ({ root }) => {
    const told = []
    require(`${root}index.js`).configure({ onNotice: ({ code }) => told.push(code) })
    for (const path of Object.keys(require.cache)) {
      if (path.startsWith(`${root}js/`) || path === `${root}index.js`) delete require.cache[path]
    }
    require(`${root}index.js`).configure()
    await require(`${root}app.js`).cache.get('key')
    return told
  }
  const { answer, opening } = await inChild(body, {
    given: { root },
    env: { TIERCEL_REDIS_URL: 'none' },
  })
  expect([answer, opening]).toEqual([expect.arrayContaining(['started']), ''])
})
