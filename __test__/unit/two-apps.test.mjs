import { join } from 'node:path'
import { expect, test } from 'vitest'
import { appWith, directory, inChild, write } from './support.mjs'

// A custom server may run two apps in one process, whose pages have the same paths.

/** The output of a build whose pages show `text`; `slugs` are of a route of `dynamicParams = false`. */
function build(test, text, slugs = []) {
  const dir = directory(test)
  const paths = slugs.map((slug) => `/locked/${slug}`)
  const route = (path) => [path, { srcRoute: '/locked/[slug]', dataRoute: `${path}.rsc` }]
  write(dir, {
    'package.json': { name: text },
    '.next/BUILD_ID': text,
    '.next/prerender-manifest.json': {
      version: 4,
      routes: Object.fromEntries(paths.map(route)),
      dynamicRoutes: { '/locked/[slug]': { fallback: false } },
      preview: { previewModeId: text },
    },
  })
  for (const path of ['/built', ...paths]) {
    const meta = { headers: { 'x-next-cache-tags': '' }, status: 200 }
    for (const [ending, content] of [
      ['.html', text],
      ['.rsc', text],
      ['.meta', meta],
    ]) {
      write(dir, { [`.next/server/app${path}${ending}`]: content })
    }
  }
  return join(dir, '.next/server')
}

/** Both apps generate the same path, and are asked for it often enough that it is kept ready. */
async function generated({ index, dirs }) {
  const Tiercel = require(index)
  const ctx = { kind: 'APP_PAGE', isFallback: false, isRoutePPREnabled: false }
  const value = (html) => ({ kind: 'APP_PAGE', html, rscData: Buffer.from(html), headers: {} })
  const answers = []
  for (const round of ['first', 'second']) {
    for (const [name, serverDistDir] of Object.entries(dirs)) {
      const handler = () => new Tiercel({ serverDistDir })
      if (round === 'first') answers.push((await handler().get('/page', ctx))?.value.html ?? null)
      const cacheControl = { revalidate: 60, expire: 600 }
      await handler().set('/page', value(`${name} ${round}`), { cacheControl })
      for (let n = 0; n < 3; n++) await handler().get('/page', ctx)
    }
    for (const serverDistDir of Object.values(dirs)) {
      answers.push((await new Tiercel({ serverDistDir }).get('/page', ctx)).value.html)
    }
  }
  return answers
}

test('what one app generates is not shown by the other', async (test) => {
  const dirs = { one: build(test, 'one'), two: build(test, 'two') }
  const { answer } = await inChild(generated, { given: { dirs } })
  const rounds = ['one first', 'two first', 'one second', 'two second']
  expect(answer).toEqual([null, null, ...rounds])
})

/** Pages, data and images by the same key. */
async function kinds({ index, dirs }) {
  const Tiercel = require(index)
  const values = {
    APP_ROUTE: (text) => ({ kind: 'APP_ROUTE', body: Buffer.from(text), headers: {}, status: 200 }),
    PAGES: (html) => ({ kind: 'PAGES', html, pageData: {}, headers: {}, status: 200 }),
    FETCH: (body) => ({ kind: 'FETCH', data: { headers: {}, body, status: 200 }, revalidate: 60 }),
    IMAGE: (text) => ({ kind: 'IMAGE', buffer: Buffer.from(text), etag: 'e', extension: 'webp' }),
  }
  const shown = (value) =>
    value && String(value.body ?? value.html ?? value.data?.body ?? value.buffer)
  const found = {}
  for (const [kind, make] of Object.entries(values)) {
    const [one, two] = dirs.map((serverDistDir) => new Tiercel({ serverDistDir }))
    const ctx = kind === 'FETCH' ? { fetchCache: true } : { cacheControl: { revalidate: 60 } }
    await one.set(kind, make('of one'), ctx)
    const before = await two.get(kind, { kind })
    await two.set(kind, make('of two'), ctx)
    const after = [await one.get(kind, { kind }), await two.get(kind, { kind })]
    found[kind] = [before, ...after].map((entry) => shown(entry?.value) ?? null)
  }
  return found
}

test('nor is what it keeps of any other kind', async (test) => {
  const dirs = [build(test, 'one'), build(test, 'two')]
  const { answer } = await inChild(kinds, { given: { dirs } })
  const apart = [null, 'of one', 'of two']
  expect(answer).toEqual({ APP_ROUTE: apart, PAGES: apart, FETCH: apart, IMAGE: apart })
})

/** Pages of the builds, asked for in turns. */
async function built({ index, dirs, paths }) {
  const Tiercel = require(index)
  const ctx = { kind: 'APP_PAGE', isFallback: false, isRoutePPREnabled: false }
  const shown = []
  for (let turn = 0; turn < 2; turn++) {
    for (const path of paths) {
      for (const serverDistDir of dirs) {
        const found = await new Tiercel({ serverDistDir }).get(path, ctx)
        shown.push(found?.value.html ?? null)
      }
    }
  }
  return shown
}

test('each app shows its own build output', async (test) => {
  const dirs = [build(test, 'one'), build(test, 'two')]
  const { answer } = await inChild(built, { given: { dirs, paths: ['/built'] } })
  expect(answer).toEqual(['one', 'two', 'one', 'two'])
})

/** A page of app one is invalidated; so is one of app two that has the same path. */
async function closed({ index, dirs }) {
  const Tiercel = require(index)
  const ctx = { kind: 'APP_PAGE', isFallback: false, isRoutePPREnabled: false }
  const handlers = dirs.map((serverDistDir) => new Tiercel({ serverDistDir }))
  const cacheControl = { revalidate: 60, expire: 600 }
  const headers = { 'x-next-cache-tags': 'a' }
  const value = { kind: 'APP_PAGE', html: 'new', rscData: Buffer.from('new'), headers }
  for (const handler of handlers) await handler.set('/locked/a', value, { cacheControl })
  await Tiercel.updateTags(['a'])
  const found = []
  for (const handler of handlers)
    found.push((await handler.get('/locked/a', ctx))?.value.html ?? null)
  return found
}

test('of which app a path is of dynamicParams = false is not mixed up', async (test) => {
  const dirs = [build(test, 'one', ['a']), build(test, 'two')]
  const { answer } = await inChild(closed, { given: { dirs }, cwd: appWith(test, '16.2.12') })
  expect(answer).toEqual(['new', null])
})

/** A path is renewed on demand in one app. */
async function renewed({ index, dirs }) {
  const Tiercel = require(index)
  const ctx = { kind: 'PAGES' }
  const value = { kind: 'PAGES', html: 'old', pageData: {}, headers: {}, status: 200 }
  const cacheControl = { revalidate: 600, expire: 6000 }
  for (const serverDistDir of dirs) {
    await new Tiercel({ serverDistDir }).set('/page', value, { cacheControl })
  }
  const [serverDistDir] = dirs
  const _requestHeaders = { 'x-prerender-revalidate': 'one' }
  await new Tiercel({ serverDistDir, _requestHeaders }).get('/page', ctx)
  const { stale } = Tiercel.stats().pages
  for (const serverDistDir of dirs.toReversed())
    await new Tiercel({ serverDistDir }).get('/page', ctx)
  return Tiercel.stats().pages.fresh + (Tiercel.stats().pages.stale - stale) * 10
}

test('res.revalidate in one app leaves the page of the other alone', async (test) => {
  const dirs = [build(test, 'one'), build(test, 'two')]
  const { answer } = await inChild(renewed, { given: { dirs } })
  expect(answer).toBe(11)
})

/** The first of two apps has no build output of this path: the second has. */
async function superseded({ index, dirs }) {
  const Tiercel = require(index).configure({ memoryMb: 0 })
  const ctx = { kind: 'APP_PAGE', isFallback: false, isRoutePPREnabled: false }
  const value = { kind: 'APP_PAGE', html: 'new', rscData: Buffer.from('new'), headers: {} }
  const [one, two] = dirs.map((serverDistDir) => new Tiercel({ serverDistDir }))
  await one.set('/built', value, { cacheControl: { revalidate: false } })
  return [await one.get('/built', ctx), await two.get('/built', ctx)].map(
    (found) => found?.value.html ?? null,
  )
}

test('what one app has generated does not make the build output of the other history', async (test) => {
  const dirs = [build(test, 'one'), build(test, 'two')]
  const { answer } = await inChild(superseded, { given: { dirs } })
  expect(answer).toEqual([null, 'two'])
})
