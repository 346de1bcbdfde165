import { execFile } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { appWith, bundled, directory, inChild, index, page, tagged, write } from './support.mjs'

// Which app runs, and on which Next.js, is known from what runs; the working directory comes last.

/** Nobody listens there; what the app is called there is told all the same. */
const away = { TIERCEL_REDIS_URL: 'redis://127.0.0.1:9', REDIS_URL: '', NODE_ENV: 'production' }

const PLURAL = `
  globalThis.__incrementalCache = { cacheHandler: { serverDistDir: process.env.OUTPUT } }
  require(${JSON.stringify(index)}).get('key', [])`
const CALL = `new (require(${JSON.stringify(index)}))({ serverDistDir: process.env.OUTPUT })`

/** What a process calls its app that runs `args` in a repository of these files. */
async function named(test, files, args, { from = '.', output } = {}) {
  const dir = directory(test)
  write(dir, {
    'node_modules/next/package.json': { name: 'next', version: '16.4.6' },
    [next]: CALL,
    [worker]: CALL,
    [plural]: PLURAL,
    ...files,
  })
  const env = { ...process.env, ...away, OUTPUT: output && join(dir, output) }
  if (!output) delete env.OUTPUT
  const run = promisify(execFile)
  const [script, ...more] = args
  const { stderr } = await run(process.execPath, [join(dir, script), ...more], {
    cwd: join(dir, from),
    env,
  })
  return /, namespace (\S+):production \(/.exec(stderr)?.[1]
}

const next = 'node_modules/next/dist/bin/next'
/** Workers of a build: of an app with both handlers, and of one with handlers for 'use cache' only. */
const worker = 'node_modules/next/dist/compiled/jest-worker/processChild.js'
const plural = 'node_modules/next/dist/compiled/jest-worker/threadChild.js'
const shop = {
  'package.json': { name: 'shop' },
  'apps/one/package.json': { name: '@shop/one' },
  'apps/two/package.json': { name: '@shop/two' },
  'apps/two/next.config.mjs': '',
  'apps/two/server.js': CALL,
  'apps/two/src/server.js': CALL,
  'serve.js': CALL,
}
/** Apps without a package.json of their own, or without a name in it. */
const plain = {
  'package.json': { name: 'shop' },
  'apps/one/next.config.js': '',
  'apps/two/package.json': { private: true },
  'apps/two/server.js': CALL,
  'apps/two/pages/index.js': '',
}

test.concurrent.for([
  ['shop', shop, [next, 'start']],
  ['shop-one', shop, [next, 'start', 'apps/one']],
  ['shop-two', shop, [next, 'start', '-p', '3000', './apps/two/']],
  ['shop-two', shop, [next, 'start', '../two', '-H', 'localhost'], { from: 'apps/one' }],
  ['shop-two', shop, [next, 'start'], { from: 'apps/two' }],
  ['shop-two', shop, ['apps/two/server.js']],
  ['shop-two', shop, ['apps/two/src/server.js']],
  ['shop-two', shop, ['serve.js'], { from: 'apps/two' }],
  ['shop-one', shop, [worker], { output: 'apps/one/.next/server' }],
  ['shop-two', shop, [worker], { output: 'apps/two/build/out/server' }],
  ['shop-two', shop, [plural], { output: 'apps/two/.next/server' }],
  ['shop-apps-one', plain, [next, 'start', 'apps/one']],
  ['shop-apps-two', plain, [next, 'start', 'apps/two']],
  ['shop-apps-one', plain, [worker], { output: 'apps/one/.next/server' }],
  ['app', { 'package.json': {} }, [next, 'start']],
  ['app', { 'package.json': 'broken' }, [next, 'start', '.']],
])('an app is called %s', async ([name, files, args, more], test) => {
  expect(await named(test, files, args, more)).toBe(name)
})

test.concurrent('long names that begin alike stay apart', async (test) => {
  const name = 'the-company-with-a-long-name-and-many-apps-in-it'
  const one = await named(test, { 'package.json': { name: `${name}-one` } }, [next, 'start'])
  const two = await named(test, { 'package.json': { name: `${name}-two` } }, [next, 'start'])
  expect(one).toMatch(/^the-company-with-a-long-name-an/)
  expect([one.length, two.length]).toEqual([40, 40])
  expect(one).not.toBe(two)
})

test.concurrent('a bundled copy of the entry finds the package that the app has', async (test) => {
  const dir = directory(test)
  write(dir, {
    [next]: `console.log(typeof require(process.env.BUNDLE).updateTags)`,
    // Where a bundle says that it lies is nowhere.
    'bundle.js': bundled(),
    'apps/one/node_modules/.keep': '',
  })
  symlinkSync(dirname(index), join(dir, 'apps/one/node_modules/tiercel'))
  const env = { ...process.env, BUNDLE: join(dir, 'bundle.js') }
  const args = [join(dir, next), 'start', 'apps/one']
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: dir, env })
  expect(stdout).toBe('function\n')
})

/** In a process: a page that is stale by a tag, as Next.js is told of it. */
async function stale({ index, value, next, serverDistDir, early }) {
  const Tiercel = require(index)
  if (early) await new Tiercel().get('early', { kind: 'FETCH', tags: [] })
  if (next)
    require(`${next}/node_modules/next/dist/server/app-render/work-async-storage.external.js`)
  const handler = new Tiercel({ serverDistDir })
  await handler.set('/page', value, { cacheControl: { revalidate: 60, expire: 3_600 } })
  await Tiercel.updateTags(['tag'], { expire: 60 })
  new Tiercel({ serverDistDir })
  const found = await handler.get('/page', { kind: 'APP_PAGE' })
  const age = performance.timeOrigin + performance.now() - found.lastModified
  return { isBrief: found.cacheControl.revalidate === 1, isOlder: age > 60_000 }
}

const value = page({ ...tagged('tag'), rscData: undefined })
/** How a stale page looks from 16.4 on, and before. */
const brief = { isBrief: true, isOlder: false }
const older = { isBrief: false, isOlder: true }

describe.concurrent.each([
  ['16.2.12', '16.4.6', older],
  ['16.4.6', '16.2.12', brief],
])('Next.js %s runs, the working directory knows %s', (version, other, words) => {
  for (const early of [false, true]) {
    test(`what runs counts${early ? ', also after a call before it did' : ''}`, async (test) => {
      const next = appWith(test, version)
      const given = { value, next, serverDistDir: join(next, '.next/server'), early }
      const { answer, stderr } = await inChild(stale, { cwd: appWith(test, other), given })
      test.expect(stderr).toBe('')
      test.expect(answer).toEqual(words)
    })
  }

  test('what the app itself would load counts, where none is loaded', async (test) => {
    const serverDistDir = join(appWith(test, version), '.next/server')
    const given = { value, serverDistDir }
    const { answer } = await inChild(stale, { cwd: appWith(test, other), given })
    test.expect(answer).toEqual(words)
  })
})

test.concurrent('a Next.js that is not found is told in words that all understand, and that is said once', async (test) => {
  const cwd = directory(test)
  const given = { value, serverDistDir: join(cwd, '.next/server') }
  const { answer, stderr } = await inChild(stale, { cwd, given })
  expect(answer).toEqual(older)
  expect(stderr.trim().split('\n')).toEqual([
    expect.stringMatching(/^tiercel: the version of Next\.js cannot be determined/),
  ])
})

test.concurrent('without Next.js nothing is said', async (test) => {
  const cwd = directory(test)
  const { answer, stderr } = await inChild(stale, { cwd, given: { value } })
  expect(stderr).toBe('')
  expect(answer).toEqual(brief)
})

/**
 * In an app: calls before Next.js has set itself up, as a custom server makes them; then a request
 * that invalidates a tag twice in one call.
 */
async function early({ index, next }) {
  const Tiercel = require(index)
  await new Tiercel().get('key', { kind: 'FETCH', tags: [] })
  await Tiercel.get('key', [])
  await Tiercel.updateTags(['tag'])
  const before = Tiercel.stats().invalidations
  globalThis.AsyncLocalStorage = require('node:async_hooks').AsyncLocalStorage
  const { workAsyncStorage } = require(next)
  const pendingRevalidatedTags = [{ tag: 'tag', revalidatedAt: 1 }]
  await workAsyncStorage.run({ pendingRevalidatedTags }, async () => {
    await Tiercel.updateTags(['tag'])
    await new Tiercel().revalidateTag(['tag'])
  })
  return Tiercel.stats().invalidations - before
}

test.concurrent('a call before Next.js is set up leaves its storages to it, and finds them later', async (test) => {
  const cwd = appWith(test, '16.4.6')
  const path = 'node_modules/next/dist/server/app-render/work-async-storage.external.js'
  write(cwd, {
    [path]: `
      class Fake { run() { throw new Error('AsyncLocalStorage accessed too early') } getStore() {} }
      exports.workAsyncStorage = new (globalThis.AsyncLocalStorage ?? Fake)()`,
  })
  const { answer, stderr } = await inChild(early, { cwd, given: { next: join(cwd, path) } })
  expect(stderr).toBe('')
  expect(answer).toBe(1)
})
