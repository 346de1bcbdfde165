import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { inChild } from '../support.mjs'

// Where `cache` runs: a build, the edge runtime, a cached function of Next.js.

const root = fileURLToPath(new URL('../../../', import.meta.url))
const require = createRequire(import.meta.url)

test('in the edge runtime every call says that there is none', () => {
  const { cache } = require(`${root}js/app/edge.js`)
  const names = Object.keys(require(`${root}app.js`).cache)
  expect(Object.keys(cache).sort()).toEqual(names.sort())
  const refusal = expect.objectContaining({ code: 'TIERCEL_EDGE_RUNTIME' })
  for (const name of names) expect(() => cache[name]('x'), name).toThrow(refusal)
})

test('a build keeps everything to itself, and ends by itself', async () => {
  const body = async ({ root }) => {
    const { cache } = require(`${root}app.js`)
    await cache.set('key', 'x')
    const again = await cache.getOrSet('other', async () => [await cache.get('key')])
    await cache.invalidateTags(['a'])
    return again
  }
  const env = {
    NEXT_PHASE: 'phase-production-build',
    TIERCEL_REDIS_URL: 'redis://127.0.0.1:1',
    TIERCEL_REDIS_IN_BUILD: '1',
  }
  const { answer, code } = await inChild(body, { given: { root }, env })
  expect([answer, code]).toEqual([['x'], 0])
})

test('memory is bounded, and what is too large is returned all the same', async () => {
  const body = async ({ root }) => {
    const { cache } = require(`${root}app.js`)
    const { stats } = require(`${root}index.js`)
    const large = Buffer.alloc(5 << 20)
    let runs = 0
    const run = () => {
      runs++
      return large
    }
    const get = () => cache.getOrSet('large', run)
    const all = await Promise.all([get(), get()])
    const sizes = [...all, await get()].map((bytes) => bytes.length)
    for (let n = 0; n < 100; n++) await cache.set(`key ${n}`, Buffer.alloc(200_000))
    return { runs, sizes, bytes: stats().memory.bytes, own: stats().own.misses > 0 }
  }
  const env = { TIERCEL_REDIS_URL: 'none', TIERCEL_MEMORY_MB: '8', TIERCEL_MAX_ENTRY_MB: '1' }
  const { answer } = await inChild(body, { given: { root }, env })
  const size = 5 << 20
  expect(answer).toMatchObject({ runs: 2, sizes: [size, size, size], own: true })
  expect(answer.bytes).toBeLessThanOrEqual(8 << 20)
})

test('without memory everything is generated, and shared by those who wait', async () => {
  const body = async ({ root }) => {
    const { cache } = require(`${root}app.js`)
    let runs = 0
    const get = () => cache.getOrSet('key', async () => ++runs)
    return [...(await Promise.all([get(), get()])), await get()]
  }
  const env = { TIERCEL_REDIS_URL: 'none', TIERCEL_MEMORY_MB: '0' }
  const { answer } = await inChild(body, { given: { root }, env })
  expect(answer).toEqual([1, 1, 2])
})

/** What a bundle of Next.js brings along, and the store of a cached function; `steps` is run with them. */
const inCachedFunction = async ({ root, steps }) => {
  const { AsyncLocalStorage } = require('node:async_hooks')
  const { join } = require('node:path')
  const { mkdirSync, writeFileSync } = require('node:fs')
  const dir = require('node:fs').mkdtempSync(join(require('node:os').tmpdir(), 'tiercel-next-'))
  const next = join(dir, 'node_modules/next')
  const file = join(next, 'dist/server/app-render/work-unit-async-storage.external.js')
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(join(next, 'package.json'), '{"name":"next","version":"16.4.6"}')
  writeFileSync(file, 'exports.workUnitAsyncStorage = undefined')
  const storage = new AsyncLocalStorage()
  require(file).workUnitAsyncStorage = storage
  const told = []
  const cacheTag = (...tags) => told.push(tags)
  globalThis[Symbol.for('tiercel.bundled')] = {
    cache: { cacheTag, cacheLife: (life) => told.push(life) },
  }
  const { cache } = require(`${root}app.js`)
  const within = (unit, body) => storage.run(unit, body)
  const usual = { type: 'cache', revalidate: 900, expire: 4294967294 }
  // biome-ignore lint/security/noGlobalEval: it is a function of the test
  const answer = await eval(`(${steps})`)({ cache, within, usual, told })
  require('node:fs').rmSync(dir, { recursive: true })
  return answer
}

const inside = async (steps) => {
  const env = { TIERCEL_REDIS_URL: 'none' }
  const given = { root, steps: String(steps) }
  const { answer, stderr } = await inChild(inCachedFunction, { given, env })
  expect(stderr).toBe('')
  return answer
}

/** The lifetime of a value, and what else goes with it. */
const handing = async ({ cache, within, usual, told }) => {
  const get = (run = () => 1) => cache.getOrSet('key', run, { revalidate: '1h', tags: ['a'] })
  await get()
  await within({ type: 'request' }, get)
  const outside = told.splice(0)
  await within({ ...usual, explicitRevalidate: 60, explicitExpire: 300 }, get)
  const shorter = told.splice(0)
  await within(usual, get)
  const usually = told.splice(0)
  await within({ ...usual, revalidate: 86400 }, get)
  const longer = told.splice(0)
  await cache.invalidateTags(['a'], { soft: true })
  const stale = await within({ type: 'request' }, () => get(() => new Promise(() => {})))
  await cache.invalidateTags(['a'])
  await get(() => 2)
  await cache.expire('key')
  const first = await within(usual, () => get(() => 3))
  globalThis[Symbol.for('tiercel.bundled')].cache = {}
  const other = await within({ type: 'cache' }, get)
  return { outside, shorter, usually, longer, stale, first, other }
}

test('a cached function gets the tags, a shorter lifetime, and nothing stale', async () => {
  const tags = ['a', 'tiercel:own:key']
  expect(await inside(handing)).toEqual({
    outside: [],
    shorter: [tags],
    usually: [tags, { expire: 36_000 }],
    longer: [tags, { revalidate: 3600, expire: 36_000 }],
    stale: 1,
    first: 3,
    // Of a Next.js that has other names.
    other: 3,
  })
})

/** What is not there, not stored or not fresh. */
const handingLess = async ({ cache, within, usual, told }) => {
  const of = async (body) => {
    const value = await within(usual, body)
    return [value, ...told.splice(0)]
  }
  const options = { revalidate: '2h', expire: '3h', tags: ['b'] }
  await cache.set('stale', 'old', options)
  await cache.expire('stale')
  const failing = () => Promise.reject(new Error('away'))
  const long = 'x'.repeat(300)
  const answer = {
    none: await of(() => cache.get('none')),
    has: await of(() => cache.has('none')),
    skipped: await of(() => cache.getOrSet('skipped', (ctx) => ctx.skip(1), options)),
    negative: await of(() => cache.getOrSet('negative', () => null, { negativeTtl: '5s' })),
    stale: await of(() => cache.get('stale')),
    failed: await of(() => cache.getOrSet('stale', failing, { ...options, staleIfError: '1h' })),
  }
  const hang = () => new Promise(() => told.push('it hangs'))
  const kept = { ...options, waitMs: 50 }
  const shown = [await cache.getOrSet('stale', hang, kept), ...told.splice(0)]
  const [own] = await of(() => cache.getOrSet('stale', () => 'own', kept))
  const [, tags] = await of(() => cache.getOrSet(long, () => 1, options))
  await cache.invalidateTags(tags.slice(1))
  return { ...answer, tags, renewed: [...shown, own], long: (await cache.get(long)) ?? 'nothing' }
}

test('a cached function ends with what was not there, and keeps nothing stale', async () => {
  const { tags, ...answer } = await inside(handingLess)
  const stale = [['b', 'tiercel:own:stale'], { revalidate: 1, expire: 10_800 }]
  expect(answer).toEqual({
    none: [null, ['tiercel:own:none']],
    has: [false, ['tiercel:own:none']],
    skipped: [1, ['b', 'tiercel:own:skipped']],
    negative: [null, ['tiercel:own:negative'], { revalidate: 5, expire: 5 }],
    stale: ['old', ...stale],
    failed: ['old', ...stale],
    // Nor does it wait for a renewal that hangs.
    renewed: ['old', 'it hangs', 'own'],
    long: 'nothing',
  })
  expect(tags).toEqual(['b', expect.stringMatching(/^tiercel:own:#[0-9a-f]{32}$/)])
})
