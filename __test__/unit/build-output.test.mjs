import { readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { appWith, directory, fetched, inChild, write } from './support.mjs'

// What a build leaves is there for those who serve it.

const META = { headers: { 'x-next-cache-tags': '' }, status: 200 }

/** The output of a build with these pages. */
function build(test, ...paths) {
  const dir = directory(test)
  const routes = Object.fromEntries(
    paths.map((path) => [path, { srcRoute: path, dataRoute: `${path}.rsc` }]),
  )
  write(dir, {
    BUILD_ID: 'v1',
    'prerender-manifest.json': { version: 4, routes, dynamicRoutes: {} },
  })
  for (const path of paths) {
    write(dir, {
      [`server/app${path}.html`]: 'built',
      [`server/app${path}.rsc`]: 'built',
      [`server/app${path}.meta`]: META,
    })
  }
  return { dir, serverDistDir: join(dir, 'server') }
}

/** So many pages are generated that no build knew, and one that it did. */
async function crawled({ index, serverDistDir, count }) {
  const Tiercel = require(index).configure({ memoryMb: 0 })
  const handler = new Tiercel({ serverDistDir })
  const ctx = { kind: 'APP_PAGE', isFallback: false, isRoutePPREnabled: false }
  const shown = async (path) => (await handler.get(path, ctx))?.value.html ?? null
  const generate = (path, html) => {
    const value = { kind: 'APP_PAGE', html, rscData: undefined, headers: {} }
    return handler.set(path, value, { cacheControl: { revalidate: false } })
  }
  const before = [await shown('/one'), await shown('/two')]
  await generate('/two', 'generated')
  for (let n = 0; n < count; n++) await generate(`/any/${n}`, '')
  return [before, [await shown('/one'), await shown('/two'), await shown('/three')]]
}

test('build output is read however many pages were generated', {
  timeout: 90_000,
}, async (test) => {
  const { serverDistDir } = build(test, '/one', '/two', '/three')
  const given = { serverDistDir, count: 131_200 }
  const { answer } = await inChild(crawled, { given, within: 80_000 })
  expect(answer).toEqual([
    ['built', 'built'],
    ['built', null, 'built'],
  ])
})

const KEY = 'a'.repeat(64)
const OTHER = 'b'.repeat(64)

/** What a process of `next build` fetches, and one that serves the build finds. */
async function fetching({ index, serverDistDir, sets }) {
  const Tiercel = require(index)
  for (const [key, value, ctx] of sets) {
    const handler = new Tiercel({ serverDistDir, flushToDisk: true })
    await handler.set(key, value, { fetchCache: true, ...ctx })
  }
  return Tiercel.stats().fetch
}

async function finding({ index, serverDistDir, keys, invalidated = [], ctx }) {
  const Tiercel = require(index)
  if (invalidated.length > 0) await Tiercel.updateTags(invalidated)
  const found = []
  for (const key of keys) {
    const ask = { kind: 'FETCH', tags: [], softTags: [], ...ctx }
    const entry = await new Tiercel({ serverDistDir }).get(key, ask)
    const { lastModified, value } = entry ?? {}
    found.push(value ? { value, seconds: (Date.now() - lastModified) / 1_000 } : null)
  }
  return { found, stats: Tiercel.stats().fetch }
}

/** A build that has fetched these. */
async function builtWith(test, ...sets) {
  const built = build(test)
  const env = { NEXT_PHASE: 'phase-production-build' }
  const given = { serverDistDir: built.serverDistDir, sets }
  const cwd = appWith(test, '16.4.6')
  expect((await inChild(fetching, { given, env, cwd })).stderr).toBe('')
  return built
}

const served = async (given) => (await inChild(finding, { given })).answer

test('what a build has fetched is a hit for those who serve it', async (test) => {
  const value = fetched('data', { revalidate: 3600 })
  const undefinedBody = { ...fetched(''), data: { headers: {}, status: 200, url: '' } }
  const { serverDistDir } = await builtWith(
    test,
    [KEY, value, { tags: ['a'] }],
    [OTHER, undefinedBody, {}],
  )
  const { found, stats } = await served({ serverDistDir, keys: [KEY, OTHER, KEY] })
  expect(found.map((one) => one?.value)).toEqual([value, undefinedBody, value])
  expect('body' in found[1].value.data).toBe(false)
  expect(found[0].seconds).toBeLessThan(60)
  expect(stats).toMatchObject({ prerenderedFresh: 2, fresh: 1, misses: 0 })
})

test('what it fetched for itself only is not kept, nor what has no key of Next.js', async (test) => {
  const { dir } = await builtWith(
    test,
    [KEY, fetched('data'), { isImplicitBuildTimeCache: true }],
    ['../key', fetched('data'), {}],
  )
  expect(() => readdirSync(join(dir, 'cache'))).toThrow('ENOENT')
})

test('what Next.js has left there itself is found too', async (test) => {
  const { dir, serverDistDir } = build(test)
  const value = fetched('data', { revalidate: 60 })
  write(dir, { [`cache/fetch-cache/${KEY}`]: { ...value, tags: ['a'] } })
  const { found } = await served({ serverDistDir, keys: [KEY] })
  expect(found[0].value).toEqual(value)
})

test('what is there is as old as its file: past its time it is stale', async (test) => {
  const { dir, serverDistDir } = build(test)
  write(dir, { [`cache/fetch-cache/${KEY}`]: { ...fetched('data', { revalidate: 60 }), tags: [] } })
  const at = Date.now() / 1_000 - 90
  utimesSync(join(dir, `cache/fetch-cache/${KEY}`), at, at)
  const { found, stats } = await served({ serverDistDir, keys: [KEY] })
  expect(found[0].value.data.body).toBe('data')
  expect(found[0].seconds).toBeGreaterThan(60)
  expect(stats).toMatchObject({ prerenderedStale: 1 })
})

test('neither its tags nor those of who asks may have been invalidated', async (test) => {
  const set = [KEY, fetched('data'), { tags: ['own'] }]
  const { serverDistDir } = await builtWith(test, set)
  for (const tag of ['own', 'asked', 'soft', 'other']) {
    const ctx = { tags: ['asked'], softTags: ['soft'] }
    const { found } = await served({ serverDistDir, keys: [KEY], invalidated: [tag], ctx })
    expect([tag, found[0]?.value.data.body]).toEqual([tag, tag === 'other' ? 'data' : undefined])
  }
})

test('files of no use are misses', async (test) => {
  const { dir, serverDistDir } = build(test)
  const files = {
    [KEY]: 'no JSON',
    [OTHER]: JSON.stringify({ kind: 'APP_PAGE', html: '', data: {} }),
    ['c'.repeat(64)]: JSON.stringify({ kind: 'FETCH', data: { body: 5 } }),
  }
  for (const [key, text] of Object.entries(files))
    write(dir, { [`cache/fetch-cache/${key}`]: text })
  const keys = [...Object.keys(files), 'd'.repeat(64), '../../BUILD_ID']
  const { found } = await served({ serverDistDir, keys })
  expect(found).toEqual(keys.map(() => null))
})

/** Fetched anew, and then pushed out of memory. */
async function evicted({ index, serverDistDir, key, others }) {
  const Tiercel = require(index).configure({ memoryMb: 1 })
  const handler = new Tiercel({ serverDistDir })
  const find = async (name) =>
    (await handler.get(name, { kind: 'FETCH', tags: [], softTags: [] }))?.value.data.body ?? null
  const value = (body) => ({
    kind: 'FETCH',
    data: { headers: {}, body, status: 200 },
    revalidate: 9,
  })
  const before = await find(key)
  await handler.set(key, value('new'), { fetchCache: true })
  for (const other of others)
    await handler.set(other, value('x'.repeat(200_000)), { fetchCache: true })
  return [before, await find(key)]
}

test('what was fetched since is never replaced by it', async (test) => {
  const { serverDistDir } = await builtWith(test, [KEY, fetched('old'), {}])
  const others = Array.from({ length: 40 }, (_, n) => n.toString(16).padStart(64, '0'))
  const { answer } = await inChild(evicted, { given: { serverDistDir, key: KEY, others } })
  expect(answer).toEqual(['old', null])
})
