import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { index, now, readAll } from '../../tools/handler.mjs'

export { entryOf, index, load, moment, now, readAll, streamOf } from '../../tools/handler.mjs'
export { pause, until } from '../../tools/time.mjs'

/** The entry of the package as a bundler writes it: one file, with the module that it needs inside. */
export function bundled() {
  const inner = readFileSync(join(dirname(index), 'js/installed.js'), 'utf8')
  const own = `(() => { const module = {}\n${inner}\nreturn module.exports })()`
  return readFileSync(index, 'utf8').replace("require('./js/installed.js')", () => own)
}

/** Waits until Next's clock shows another millisecond. */
export async function nextMillisecond() {
  const begun = Math.floor(now())
  while (Math.floor(now()) === begun) await new Promise((wake) => setImmediate(wake))
}

/** The promise's value and how long it took, in ms. */
export async function timed(promise) {
  const begun = performance.now()
  const value = await promise
  return { value, ms: performance.now() - begun }
}

/** Freezes arrays and plain objects, with what they hold. */
export function deepFreeze(value) {
  const isPlain = [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value ?? 0))
  if (!isPlain) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}

// Values as Next.js hands them over.

export const page = (more) => ({
  kind: 'APP_PAGE',
  html: '<p>page</p>',
  rscData: Buffer.from('rsc'),
  postponed: undefined,
  headers: {},
  status: undefined,
  segmentData: undefined,
  ...more,
})

export const tagged = (...tags) => ({ headers: { 'x-next-cache-tags': tags.join(',') } })

export const fetched = (body, more) => ({
  kind: 'FETCH',
  data: { headers: {}, body, status: 200, url: 'https://data.example/' },
  revalidate: 3600,
  ...more,
})

export const hour = { cacheControl: { revalidate: 3600, expire: 31_536_000 } }
export const ofPage = { kind: 'APP_PAGE', isRoutePPREnabled: false, isFallback: false }
export const ofFetch = (tags = [], softTags = []) => ({ kind: 'FETCH', tags, softTags })
export const setFetch = (tags = []) => ({ fetchCache: true, tags })

/** Whether Next.js takes a `'use cache'` entry for a stale one. */
export const looksPast = ({ timestamp, revalidate }) => timestamp + revalidate * 1_000 < now()

export const textOf = async (entry) => (await readAll(entry.value)).toString()

// Processes of their own.

/** An empty directory that goes with the test. */
export function directory({ onTestFinished }) {
  const dir = mkdtempSync(join(tmpdir(), 'tiercel-unit-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Writes files, with their folders; objects become JSON. */
export function write(dir, files) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    writeFileSync(join(dir, path), text)
  }
}

/** An app directory with a Next.js of `version`, of which only what Tiercel looks for is there. */
export function appWith(test, version) {
  return appIn(directory(test), version)
}

/** The same in a folder of one's own. */
export function appIn(dir, version) {
  write(dir, {
    'node_modules/next/package.json': { name: 'next', version },
    'node_modules/next/dist/server/app-render/work-async-storage.external.js': `
      const { AsyncLocalStorage } = require('node:async_hooks')
      exports.workAsyncStorage = new AsyncLocalStorage()`,
    'node_modules/next/dist/server/app-render/work-unit-async-storage.external.js': `
      const { AsyncLocalStorage } = require('node:async_hooks')
      exports.workUnitAsyncStorage = new AsyncLocalStorage()`,
    'node_modules/next/dist/server/lib/incremental-cache/shared-cache-controls.external.js': `
      exports.SharedCacheControls = class { static cacheControls = new Map() }`,
  })
  return dir
}

/** The line with which an engine begins. */
const OPENING = /^tiercel \d\S*: .*\n/gm

/**
 * Runs `body` in a new Node.js process and waits until that exits by itself. `body` sees nothing of
 * this file, only `given` and `require`; what it returns comes back as `answer`. The line with which
 * an engine begins is in `opening`, and not in `stderr`.
 *
 * @param {(given: any) => any} body
 * @param {{ given?: unknown, env?: Record<string, string | undefined>, cwd?: string,
 *   flags?: string[], within?: number }} [options]
 */
export function inChild(body, { given, env, cwd, flags = [], within = 60_000 } = {}) {
  const source = `
    const answered = (answer) => require('node:fs').writeSync(3, JSON.stringify({ answer }))
    Promise.resolve((${body})(${JSON.stringify({ index, ...given })})).then(answered)`
  const { NODE_OPTIONS, VITEST, ...inherited } = process.env
  const child = spawn(process.execPath, [...flags, '-e', source], {
    cwd,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const texts = ['', '', '', '']
  for (const fd of [1, 2, 3]) {
    child.stdio[fd].setEncoding('utf8').on('data', (text) => {
      texts[fd] += text
    })
  }
  return new Promise((resolve) => {
    const begun = performance.now()
    const late = setTimeout(() => child.kill('SIGKILL'), within)
    child.on('close', (code, signal) => {
      clearTimeout(late)
      const [, stdout, said, answer] = texts
      const [stderr, opening] = [said.replace(OPENING, ''), said.match(OPENING)?.join('') ?? '']
      const ms = performance.now() - begun
      resolve({ code, signal, stdout, stderr, opening, ms, ...JSON.parse(answer || '{}') })
    })
  })
}
