import { expect, test } from 'vitest'
import { hour, inChild, page, tagged } from './support.mjs'

// Without bytes, which JSON does not carry to a process.
const given = { page: page({ ...tagged('posts'), rscData: undefined }), hour }

/** Gets, sets and an invalidation, most of them hits. */
async function script({ index, page, hour, query }) {
  const Tiercel = require(index)
  const ofPage = { kind: 'APP_PAGE' }
  await new Tiercel().get('/first', ofPage)
  await new Tiercel().set('/first', page, hour)
  for (let n = 0; n < 10; n++) await new Tiercel().get('/first', ofPage)
  const url = 'https://api.example/posts'
  const fetched = { kind: 'FETCH', data: { body: 'x', headers: {}, url }, revalidate: 60 }
  await new Tiercel().get('0123', { kind: 'FETCH', fetchUrl: url })
  await new Tiercel().set('0123', fetched, { fetchCache: true, tags: ['data'], fetchUrl: url })
  await Tiercel.updateTags(['posts'], { expire: 60 })
  await new Tiercel().get('/first', ofPage)
  return Tiercel.decisions(query)
}

const words = ({ call, key, tier, outcome, reason }) => [call, key, tier, outcome, reason].join(' ')

test.concurrent('decisions are remembered with their reasons, the newest first', async () => {
  const { answer, stderr } = await inChild(script, { given })
  expect(stderr).toBe('')
  expect(answer.map(words)).toEqual([
    'get /first memory stale tag posts, soft at position 1',
    'invalidate posts none soft ',
    'set 0123 memory stored ',
    'get 0123 none miss absent: never stored',
    ...Array(10).fill('get /first memory fresh 0 s old'),
    'set /first memory stored ',
    'get /first none miss absent: never stored',
  ])
  const [stale, invalidated, set, , hit] = answer
  expect(stale).toMatchObject({ tag: 'posts', position: 1, kind: 'APP_PAGE' })
  expect(invalidated.ms).toBeGreaterThanOrEqual(0)
  expect(set).toMatchObject({ kind: 'FETCH', subject: 'https://api.example/posts', tags: ['data'] })
  expect(set.ms).toBeGreaterThanOrEqual(0)
  expect(hit).toMatchObject({ revalidateSecs: 3600, expireSecs: 31_536_000 })
  expect(hit.tags).toEqual(['posts'])
  const times = answer.map(({ time }) => time)
  expect(times.every((time) => Math.abs(time - Date.now()) < 60_000)).toBe(true)
})

test.concurrent.each([
  [{ key: 'api.example' }, 2],
  [{ key: 'data' }, 1],
  [{ key: '/first', limit: 3 }, 3],
  [{ limit: 1 }, 1],
  [{ limit: 0 }, 0],
  [{ key: 'nowhere' }, 0],
])('%j picks some of them', async (query, count) => {
  const { answer } = await inChild(script, { given: { ...given, query } })
  expect(answer).toHaveLength(count)
})

test.concurrent('the option bounds them, and 0 remembers none', async () => {
  const of = (decisions) =>
    inChild(script, { given, env: { TIERCEL_DECISIONS: String(decisions) } })
  expect((await of(4)).answer.map(words)).toEqual([
    'get /first memory stale tag posts, soft at position 1',
    'invalidate posts none soft ',
    'set 0123 memory stored ',
  ])
  expect((await of(0)).answer).toEqual([])
})

test.concurrent('a hit on an entry that was evicted since is remembered with its key', async () => {
  const { answer } = await inChild(
    async ({ index, page, hour }) => {
      const Tiercel = require(index)
      const large = { ...page, html: 'x'.repeat(300_000) }
      await new Tiercel().set('/early', large, hour)
      for (let n = 0; n < 3; n++) await new Tiercel().get('/early', { kind: 'APP_PAGE' })
      for (let n = 0; n < 9; n++) await new Tiercel().set(`/${n}`, large, hour)
      const { evictions, evictedAgeSecs } = Tiercel.stats().memory
      const aged = evictedAgeSecs.counts.reduce((sum, count) => sum + count, 0)
      return { hits: Tiercel.decisions({ key: '/early' }), evictions, aged }
    },
    { given, env: { TIERCEL_MEMORY_MB: '1' } },
  )
  expect(answer.hits.map(words)).toEqual([
    ...Array(3).fill('get /early memory fresh 0 s old'),
    'set /early memory stored ',
  ])
  expect(answer.evictions).toBeGreaterThan(0)
  expect(answer.aged).toBe(answer.evictions)
})

test.concurrent('a hit that soft tags turn into a stale value is no hit', async () => {
  const { answer } = await inChild(async ({ index }) => {
    const Tiercel = require(index)
    const timestamp = performance.timeOrigin + performance.now()
    const value = new Blob(['x']).stream()
    const entry = { value, tags: [], stale: 1, timestamp, expire: 60, revalidate: 60 }
    await Tiercel.set('["id"]', Promise.resolve(entry))
    await Tiercel.get('["id"]', ['soft'])
    await Tiercel.get('["id"]', ['soft'])
    await Tiercel.updateTags(['soft'])
    await Tiercel.get('["id"]', ['soft'])
    await Tiercel.get('["id"]', ['other'])
    return Tiercel.decisions()
  })
  expect(answer.map(({ call, outcome }) => `${call} ${outcome}`)).toEqual([
    'get fresh',
    'get miss',
    'invalidate hard',
    'get fresh',
    'get fresh',
    'set stored',
  ])
})

test.concurrent('workers are remembered, too', async () => {
  const { answer } = await inChild(async ({ index }) => {
    const { Worker } = require('node:worker_threads')
    const Tiercel = require(index)
    await new Tiercel().get('main', { kind: 'FETCH' })
    const body = `new (require(${JSON.stringify(index)}))().get('worker', { kind: 'FETCH' })
      .then(() => require('node:worker_threads').parentPort.postMessage('done'))
    require('node:worker_threads').parentPort.on('message', () => process.exit())`
    const worker = new Worker(body, { eval: true })
    await new Promise((resolve) => worker.once('message', resolve))
    const keys = Tiercel.decisions().map(({ key }) => key)
    worker.postMessage('end')
    return keys
  })
  expect(answer).toEqual(['worker', 'main'])
})
