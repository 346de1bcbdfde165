import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inChild } from './support.mjs'

// What went wrong once, each with the scenario in which it did.

/** A hot fetch, invalidated around, then asked for with tags that are no list. */
async function oddTags({ index }) {
  const Tiercel = require(index)
  const handler = new Tiercel()
  const value = { kind: 'FETCH', data: { headers: {}, body: 'x', status: 200 }, revalidate: 60 }
  await handler.set('key', value, { tags: ['a'] })
  const get = (tags) => handler.get('key', { kind: 'FETCH', tags, softTags: tags })
  await get(['a'])
  await handler.revalidateTag(['other'])
  const answers = []
  for (const tags of [['a'], null, {}, 5, ['a']]) answers.push((await get(tags))?.value.data.body)
  return answers
}

test('a hot entry is served whatever the tags of who asks are', async () => {
  const { answer } = await inChild(oddTags)
  expect(answer).toEqual(['x', 'x', 'x', 'x', 'x'])
})

/** The image handler lives as long as the process; more tags are invalidated than remembered. */
async function images({ index }) {
  const Tiercel = require(index).configure({ maxTags: 100 })
  const handler = new Tiercel()
  for (let n = 0; n < 300; n++) await Tiercel.updateTags([`tag${n}`])
  const value = { kind: 'IMAGE', buffer: Buffer.from('pixels'), etag: 'e', extension: 'webp' }
  await handler.set('image', value, { kind: 'IMAGE', cacheControl: { revalidate: 60 } })
  return (await handler.get('image', { kind: 'IMAGE' }))?.value.buffer.toString()
}

test('images are stored however many tags were invalidated', async () => {
  const { answer } = await inChild(images)
  expect(answer).toBe('pixels')
})

/** A page whose build output is too large to be kept is generated anew, and is small now. */
async function outgrown({ index, dir }) {
  const Tiercel = require(index).configure({ maxEntryMb: 1 })
  const handler = new Tiercel({ serverDistDir: dir })
  const ctx = { kind: 'APP_PAGE', isFallback: false, isRoutePPREnabled: false }
  const first = await handler.get('/big', ctx)
  const again = await new Tiercel().get('/big', ctx)
  const value = { kind: 'APP_PAGE', html: 'new', rscData: Buffer.from('r'), headers: {} }
  await handler.set('/big', value, { cacheControl: { revalidate: false } })
  const then = await new Tiercel().get('/big', ctx)
  return [first?.value.html.length, again?.value.html.length, then?.value.html]
}

test('build output that memory had no room for does not outlive a newer page', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'tiercel-output-'))
  mkdirSync(join(dir, 'app'))
  writeFileSync(join(dir, 'app/big.html'), 'B'.repeat(1_500_000))
  writeFileSync(join(dir, 'app/big.rsc'), 'rsc')
  writeFileSync(join(dir, 'app/big.meta'), JSON.stringify({ headers: {}, status: 200 }))
  const { answer } = await inChild(outgrown, { given: { dir } })
  expect(answer).toEqual([1_500_000, 1_500_000, 'new'])
})

/** A fetch, stored with a second, is stale; who asks first is content with an hour. */
async function apart({ index }) {
  const Tiercel = require(index)
  const data = { headers: {}, body: 'x', status: 200, url: '' }
  await new Tiercel().set('key', { kind: 'FETCH', data, revalidate: 1 }, { fetchCache: true })
  await new Promise((wake) => setTimeout(wake, 1_200))
  const answers = []
  for (const revalidate of [3_600, 1]) {
    const ctx = { kind: 'FETCH', revalidate, tags: [], softTags: [] }
    const { lastModified } = await new Tiercel().get('key', ctx)
    // As `IncrementalCache.get` has it.
    const age = (performance.timeOrigin + performance.now() - lastModified) / 1_000
    answers.push(age > revalidate)
  }
  return answers
}

test('who is to generate a fetch does so, for however long it would keep it', async () => {
  const { answer } = await inChild(apart)
  expect(answer).toEqual([true, false])
})
