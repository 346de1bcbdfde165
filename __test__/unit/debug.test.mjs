import { expect, test } from 'vitest'
import { hour, inChild, page, tagged } from './support.mjs'

/** A life of one page, one fetch and one `'use cache'` entry; 13 decisions. */
async function script({ index, page, hour, sink }) {
  const Tiercel = require(index)
  const decisions = []
  const sinks = {
    collect: (decision) => decisions.push(decision),
    throw: () => {
      throw new Error('the listener is broken')
    },
  }
  if (sink) Tiercel.configure({ debug: sinks[sink] })
  const key = '/route-cache/APP_PAGE/0123/$/a/path/that/is/rather/long/and/still/goes/on'
  const url = 'https://api.example/posts'
  const fetched = { kind: 'FETCH', data: { body: 'x', headers: {}, url }, revalidate: 60 }
  const found = []
  found.push(await new Tiercel().get(key, { kind: 'APP_PAGE' }))
  await new Tiercel().set(key, page, hour)
  found.push(await new Tiercel().get(key, { kind: 'APP_PAGE' }))
  await Tiercel.updateTags(['tag', 'b'], { expire: 60 })
  found.push(await new Tiercel().get(key, { kind: 'APP_PAGE' }))
  await new Tiercel().revalidateTag('tag')
  const late = new Tiercel()
  found.push(await late.get(key, { kind: 'APP_PAGE' }))
  await Tiercel.updateTags(['tag'])
  await late.set(key, page, hour)
  await new Tiercel().set('0123abcd', fetched, { tags: [] })
  found.push(await new Tiercel().get('0123abcd', { kind: 'FETCH' }))
  const timestamp = performance.timeOrigin + performance.now()
  const value = new Blob(['x']).stream()
  const entry = { value, tags: [], stale: 1, timestamp, expire: 60, revalidate: 60 }
  await Tiercel.set('["id"]', Promise.resolve(entry))
  found.push(await Tiercel.get('["id"]', []))
  return { decisions, hits: found.map((one) => Boolean(one)) }
}

const given = { page: page({ ...tagged('tag'), rscData: undefined }), hour }
const hits = [false, true, true, false, true, true]

const path = '/a/path/that/is/rath…till/goes/on'
const PAGE = { kind: 'APP_PAGE', key: path }
const TAG = { call: 'invalidate', kind: 'TAG', tier: 'none', reason: '' }
const expected = [
  { call: 'get', ...PAGE, tier: 'none', outcome: 'miss', reason: 'absent: never stored' },
  { call: 'set', ...PAGE, tier: 'memory', outcome: 'stored' },
  { call: 'get', ...PAGE, tier: 'memory', outcome: 'fresh', reason: '0 s old' },
  { ...TAG, key: 'tag, b', outcome: 'soft' },
  { call: 'get', ...PAGE, tier: 'memory', outcome: 'stale', reason: 'tag tag, soft at position 1' },
  { ...TAG, key: 'tag', outcome: 'hard' },
  { call: 'get', ...PAGE, tier: 'none', outcome: 'miss', reason: 'tag tag, hard at position 2' },
  { ...TAG, key: 'tag', outcome: 'hard' },
  { call: 'set', ...PAGE, tier: 'none', outcome: 'dropped', reason: 'invalidated while generated' },
  { call: 'set', kind: 'FETCH', key: '0123abcd', tier: 'memory', outcome: 'stored' },
  { call: 'get', kind: 'FETCH', key: '0123abcd', tier: 'memory', outcome: 'fresh' },
  { call: 'set', kind: 'USE_CACHE', key: '["id"]', tier: 'memory', outcome: 'stored' },
  { call: 'get', kind: 'USE_CACHE', key: '["id"]', tier: 'memory', outcome: 'fresh' },
]

test.concurrent.each([
  ['TIERCEL_DEBUG', '1'],
  ['NEXT_PRIVATE_DEBUG_CACHE', '1'],
])('%s prints one readable line per decision to standard error', async (name, value) => {
  const { stderr, stdout, answer } = await inChild(script, { given, env: { [name]: value } })
  expect(answer.hits).toEqual(hits)
  expect(stdout).toBe('')
  const lines = stderr.trimEnd().split('\n')
  expect(lines).toHaveLength(expected.length)
  for (const [n, { call, kind, key, outcome, reason = '' }] of expected.entries()) {
    const name = kind === 'FETCH' ? 'https://api.example/posts' : key
    expect(lines[n].startsWith(`tiercel: ${call} ${kind} ${name} `)).toBe(true)
    expect(lines[n]).toContain(`${outcome}${reason && ` ${reason}`}`)
    expect(lines[n]).toMatch(/^\S.{0,200}\S$/)
    expect(lines[n]).not.toMatch(/undefined|null|\[object/)
  }
})

test.concurrent('TIERCEL_DEBUG=0 wins over what Next.js was told', async () => {
  const env = { TIERCEL_DEBUG: '0', NEXT_PRIVATE_DEBUG_CACHE: '1' }
  expect((await inChild(script, { given, env })).stderr).toBe('')
})

test.concurrent('without any of them nothing is printed', async () => {
  const { stderr, stdout, answer } = await inChild(script, { given })
  expect([stderr, stdout, answer.hits]).toEqual(['', '', hits])
})

test.concurrent('configure({ debug }) hands every decision to a function instead', async () => {
  const { stderr, answer } = await inChild(script, { given: { ...given, sink: 'collect' } })
  expect(stderr).toBe('')
  expect(answer.decisions).toHaveLength(expected.length)
  expect(answer.decisions).toMatchObject(expected)
  const fields = ['call', 'key', 'kind', 'outcome', 'reason', 'tier', 'time']
  for (const decision of answer.decisions) {
    expect(Object.keys(decision)).toEqual(expect.arrayContaining(fields))
    expect(Math.abs(decision.time - Date.now())).toBeLessThan(60_000)
  }
  const [, stored, fresh] = answer.decisions
  for (const told of [stored, fresh]) {
    const { revalidateSecs, expireSecs, bytes, tags } = told
    expect({ revalidateSecs, expireSecs }).toEqual({ revalidateSecs: 3600, expireSecs: 31_536_000 })
    expect(bytes).toBeGreaterThan(0)
    expect(tags).toEqual(['tag'])
  }
  expect(answer.decisions[9].subject).toBe('https://api.example/posts')
})

test.concurrent('a function that throws harms nothing', async () => {
  const { code, stderr, answer } = await inChild(script, { given: { ...given, sink: 'throw' } })
  expect({ code, stderr, hits: answer.hits }).toEqual({ code: 0, stderr: '', hits })
})

test.concurrent('a function that gets something else changes no answer', async () => {
  const { answer } = await inChild(
    async ({ index, page, hour }) => {
      const Tiercel = require(index)
      const gets = []
      const look = ({ call, key }) => {
        if (call !== 'get' || key.includes('other')) return
        gets.push(new Tiercel().get('other', { kind: 'FETCH' }), Tiercel.get('["other"]', []))
      }
      Tiercel.configure({ debug: look })
      const fetched = { kind: 'FETCH', data: { body: 'x', headers: {} }, revalidate: 60 }
      const timestamp = performance.timeOrigin + performance.now()
      const entry = (tags) => {
        const value = new Blob(['x']).stream()
        return Promise.resolve({ value, tags, timestamp, stale: 1, expire: 60, revalidate: 60 })
      }
      await new Tiercel().set('other', fetched, { tags: [] })
      await Tiercel.set('["other"]', entry([]))
      await new Tiercel().set('/page', page, hour)
      await Tiercel.set('["entry"]', entry(['tag']))
      await Tiercel.updateTags(['tag'], { expire: 60 })
      const { cacheControl } = await new Tiercel().get('/page', { kind: 'APP_PAGE' })
      const shown = await Tiercel.get('["entry"]', [])
      const now = performance.timeOrigin + performance.now()
      const isPast = shown.timestamp + shown.revalidate * 1_000 < now
      const looks = await Promise.all(gets)
      return [cacheControl.revalidate, isPast, looks.map(Boolean)]
    },
    { given },
  )
  // Both are to be generated anew, soon and at once, whatever else was fresh.
  expect(answer).toEqual([1, true, [true, true, true, true]])
})

test.concurrent('a page that does not exist is a page of the pages router', async () => {
  const { answer } = await inChild(async ({ index }) => {
    const decisions = []
    const Tiercel = require(index).configure({ debug: (decision) => decisions.push(decision) })
    await new Tiercel().set('/gone', null, {})
    await new Tiercel().get('/gone', { kind: 'PAGES' })
    return decisions
  })
  expect(answer.map(({ kind, outcome }) => [kind, outcome])).toEqual([
    ['PAGES', 'stored'],
    ['PAGES', 'fresh'],
  ])
})

test.concurrent('odd keys make readable lines, too', async () => {
  const { stderr } = await inChild(
    async ({ index }) => {
      const Tiercel = require(index)
      for (const key of ['two\nlines', `\u001b[31mred`, '\uD800'.repeat(100), '']) {
        await new Tiercel().get(key, { kind: 'FETCH' })
        await Tiercel.updateTags([key])
      }
    },
    { env: { TIERCEL_DEBUG: '1' } },
  )
  const lines = stderr.trimEnd().split('\n')
  expect(lines).toHaveLength(8)
  for (const line of lines) expect(line).toMatch(/^tiercel: (get FETCH|invalidate TAG) \P{Cc}*$/u)
})

test.concurrent('a line tells lifetime, size and tags, and who stored it where', async () => {
  const { stderr } = await inChild(script, { given, env: { TIERCEL_DEBUG: '1' } })
  const lines = stderr.split('\n')
  expect(lines[1]).toMatch(
    /^tiercel: set APP_PAGE .* memory stored, fresh for 3600 s, kept for 31536000 s, \d+ B, tags tag, generated in [\d.]+ ms$/,
  )
  expect(lines[2]).toMatch(/ memory fresh 0 s old, fresh for 3600 s, .*, tags tag$/)
})

test.concurrent('debugTime puts time and process in front', async () => {
  const env = { TIERCEL_DEBUG: '1', TIERCEL_DEBUG_TIME: '1' }
  const { stderr, answer } = await inChild(
    async ({ index }) => {
      await new (require(index))().get('a', { kind: 'FETCH' })
      return process.pid
    },
    { env },
  )
  expect(stderr).toMatch(/^tiercel: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (\d+) get FETCH a miss /)
  expect(stderr).toContain(` ${answer} get `)
})

test.concurrent('repeats of a line are summed up in one', async () => {
  const { stderr } = await inChild(
    async ({ index, page, hour }) => {
      const Tiercel = require(index)
      await new Tiercel().set('/page', page, hour)
      for (let n = 0; n < 50; n++) await new Tiercel().get('/page', { kind: 'APP_PAGE' })
      await new Tiercel().get('/other', { kind: 'APP_PAGE' })
    },
    { given, env: { TIERCEL_DEBUG: '1' } },
  )
  const lines = stderr.trimEnd().split('\n')
  expect(lines.map((line) => line.split(',')[0])).toEqual([
    'tiercel: set APP_PAGE /page memory stored',
    'tiercel: get APP_PAGE /page memory fresh 0 s old',
    'tiercel: the same 49 more times',
    'tiercel: get APP_PAGE /other miss absent: never stored',
  ])
})

test.concurrent('an evicted entry is told apart from one that was never stored', async () => {
  const { stderr } = await inChild(
    async ({ index, page, hour }) => {
      const Tiercel = require(index)
      const large = { ...page, html: 'x'.repeat(300_000) }
      for (let n = 0; n < 5; n++) await new Tiercel().set(`/${n}`, large, hour)
      for (let n = 0; n < 5; n++) await new Tiercel().get(`/${n}`, { kind: 'APP_PAGE' })
    },
    { given, env: { TIERCEL_DEBUG: '1', TIERCEL_MEMORY_MB: '1' } },
  )
  expect(stderr).toMatch(/get APP_PAGE \/\d miss absent: evicted for room 0 s ago/)
  expect(stderr).not.toContain('never stored')
})
