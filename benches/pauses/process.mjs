// @ts-check
/** One fill in a process of its own; prints the pauses of the garbage collector. */
import { createRequire } from 'node:module'
import { constants, PerformanceObserver } from 'node:perf_hooks'

const [subject, what, entries] = process.argv.slice(2)
const require = createRequire(import.meta.url)

/** Reads its input, as any handler must, and keeps nothing. */
class None {
  async set(/** @type {string} */ _key, /** @type {any} */ value) {
    return value?.body.length
  }

  static async set(/** @type {string} */ _key, /** @type {Promise<any>} */ pending) {
    const { value } = await pending
    for await (const _ of value);
  }
}

const Handler = subject === 'none' ? None : require('../../index.js')
const handler = new Handler({})

/** @param {number} index */
function page(index) {
  const body = Buffer.alloc(2_048, index & 0xff)
  const value = { kind: 'APP_ROUTE', body, status: 200, headers: { 'x-next-cache-tags': 'all' } }
  return handler.set(`/page/${index}`, value, { cacheControl: { revalidate: 3600 } })
}

/** @param {number} index */
function use(index) {
  const bytes = new Uint8Array(2_048).fill(index & 0xff)
  const value = new ReadableStream({
    start(controller) {
      controller.enqueue(bytes)
      controller.close()
    },
  })
  const life = { stale: 60, revalidate: 3600, expire: 7200 }
  const timestamp = performance.timeOrigin + performance.now()
  return Handler.set(`use ${index}`, Promise.resolve({ value, tags: ['all'], timestamp, ...life }))
}

const act = what === 'page' ? page : use
for (let index = 0; index < 2_000; index++) await act(index)
await new Promise((resolve) => setTimeout(resolve, 300))
globalThis.gc?.()
const before = process.memoryUsage.rss()

let [longestMs, totalMs, full] = [0, 0, 0]
/** @param {import('node:perf_hooks').PerformanceEntry[]} seen */
function note(seen) {
  for (const { duration, detail } of seen) {
    longestMs = Math.max(longestMs, duration)
    totalMs += duration
    full += Number(/** @type {any} */ (detail).kind === constants.NODE_PERFORMANCE_GC_MAJOR)
  }
}
const observer = new PerformanceObserver((list) => note(list.getEntries()))
observer.observe({ entryTypes: ['gc'] })
let grown = 0
for (let index = 0; index < Number(entries); index++) {
  await act(index + 2_000)
  // Between requests other work runs, and the observer.
  if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
  if (index % 1_000 === 0) grown = Math.max(grown, process.memoryUsage.rss() - before)
}
await new Promise((resolve) => setTimeout(resolve, 50))
note(observer.takeRecords())
const grownMiB = grown / 1_048_576
console.log(
  JSON.stringify({ longestMs: Math.round(longestMs * 100) / 100, totalMs, full, grownMiB }),
)
process.exit()
