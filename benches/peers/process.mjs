// @ts-check
/** The process of one sample of one subject: carries out one request at a time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { answersWith } from '../handlers/answers.mjs'
import { costs } from '../shared/costs.mjs'
import { subjects } from './subjects.mjs'
import { bytesOf, contexts, ERA, kinds, SOFT_TAGS, smalls, wrong } from './values.mjs'

const [name, url, dir] = process.argv.slice(2)
const subject = subjects[name]
/** @type {import('./subjects.mjs').Opened} */
let under

/** Longer than a write that resolves before it is done may take. */
const STORED_MS = 1_000

/** @param {string} set @param {string} sort @returns {import('./values.mjs').Sort} */
const sortOf = (set, sort) => (set === 'small' ? smalls : kinds)[sort]

/** An instance for each request, as in `next start`. */
function request() {
  const handler = /** @type {() => any} */ (under.request)()
  handler.resetRequestCache?.()
  return handler
}

/**
 * What Next.js takes for the answer to a read in a request of its own; its stream is not read yet.
 * @param {import('./values.mjs').Sort} sort
 * @param {number} nth
 */
async function read(sort, nth) {
  if (sort.by === 'page') {
    const found = await request().get(sort.key(nth), contexts(sort, nth).get)
    // Next.js takes an entry of this age for a stale one.
    return found?.value && found.lastModified !== -1 ? found : undefined
  }
  const { use } = under
  await use.refreshTags?.()
  const entry = await use.get(sort.key(nth), SOFT_TAGS)
  if (!entry) return undefined
  const expiration = await use.getExpiration?.(SOFT_TAGS)
  if (expiration < Infinity && entry.timestamp <= expiration) return undefined
  const now = performance.timeOrigin + performance.now()
  return now <= entry.timestamp + entry.revalidate * 1_000 ? entry : undefined
}

/** The same with its stream read. @param {import('./values.mjs').Sort} sort @param {number} nth */
async function readWhole(sort, nth) {
  const found = await read(sort, nth)
  if (sort.by === 'use' && found) await bytesOf(found.value)
  return Boolean(found)
}

/** @param {import('./values.mjs').Sort} sort @param {number} nth @param {any} value */
function write(sort, nth, value) {
  if (sort.by === 'use') return under.use.set(sort.key(nth), Promise.resolve(value))
  return request().set(sort.key(nth), value, contexts(sort, nth).set)
}

/** As `revalidateTag(tag, { expire: 0 })` of Next.js. @param {string} tag @param {string} by */
async function invalidate(tag, by) {
  const durations = { expire: 0 }
  if (by === 'use') return under.use.updateTags([tag], durations)
  return request().revalidateTag([tag], durations)
}

/**
 * `count` calls from the number `from` on, `width` of them under way at any time.
 * @param {number} from
 * @param {number} count
 * @param {number} width
 * @param {(nth: number) => Promise<any>} call
 */
async function inParallel(from, count, width, call) {
  let next = from
  const lane = async () => {
    while (next < from + count) await call(next++)
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane))
}

const settled = () => under.settled?.()

/** @type {Record<string, (...args: any[]) => any>} */
const acts = {
  /** The time to load the module, and from there to the first answer, in ms. */
  async open() {
    const begun = performance.now()
    const { main } = await costs(async () => {
      modules = await subject.load()
    })
    // `costs` waits for a ms, twice, so that the kernel sums up.
    const loaded = performance.now()
    under = await subject.open(modules, { url, dir })
    const sort = under.use ? kinds["'use cache'"] : kinds.fetch
    // Nobody else asks for that: whoever led its generation would be waited for.
    await read(sort, 99 * ERA + process.pid)
    return { load: loaded - begun - 2, main: main / 1e6, first: performance.now() - loaded }
  },

  /** Stores so many, and returns what it cost. */
  async store(sort, from, count, width) {
    const own = kinds[sort]
    const made = Array.from({ length: count }, (_, nth) => own.make(from + nth))
    return costs(async () => {
      await inParallel(from, count, width, (nth) => write(own, nth, made[nth - from]))
      await settled()
    })
  },

  /** Stores many without keeping their values. */
  async fill(set, sort, from, count) {
    const own = sortOf(set, sort)
    const make = own.unique ?? own.make
    await inParallel(from, count, 32, (nth) => write(own, nth, make(nth)))
    await settled()
  },

  /** What is wrong with an entry, in words. */
  async check(set, sort, nth) {
    const own = sortOf(set, sort)
    const until = performance.now() + STORED_MS
    for (;;) {
      const problem = await wrong(await read(own, nth), own.make(nth))
      if (problem !== 'nothing was found' || performance.now() > until) return problem
      await sleep(10)
    }
  },

  /** Reads so many, each once, and returns what it cost and how many were not there. */
  async gets(sort, from, count, width) {
    let missed = 0
    const took = await costs(() =>
      inParallel(from, count, width, async (nth) => {
        if (!(await readWhole(kinds[sort], nth))) missed += 1
      }),
    )
    return { ...took, missed }
  },

  /** Reads a few, again and again, and returns how many reads that were as well. */
  async hot(sort, from, few, most, mostMs) {
    let missed = 0
    let made = 0
    const until = performance.now() + mostMs
    const took = await costs(async () => {
      while (made < most && performance.now() < until) {
        if (!(await readWhole(kinds[sort], from + (made % few)))) missed += 1
        made += 1
      }
    })
    return { ...took, missed, made }
  },

  invalidate: (sort, tag) => costs(() => invalidate(tag, smalls[sort].by)),

  isFresh: async (sort, nth) => Boolean(await readWhole(smalls[sort], nth)),

  /** Invalidates, not at once; returns when it began, on the clock of the machine, in ms. */
  async invalidateSoon(sort, tag) {
    await sleep(20 + Math.random() * 10)
    const begun = clock()
    await invalidate(tag, smalls[sort].by)
    return begun
  },

  /** When the first read that does not find the entry fresh began and ended; nothing if all do. */
  async watch(sort, nth, patienceMs) {
    const until = performance.now() + patienceMs
    while (performance.now() < until) {
      const began = clock()
      if (!(await readWhole(smalls[sort], nth))) return { began, ended: clock() }
      await new Promise((wake) => setImmediate(wake))
    }
    return undefined
  },

  /** Many ask for one entry together, and generate it if they have to. */
  async rush(sort, nth, requests, generateMs, at) {
    await sleep(at - Date.now())
    const own = smalls[sort]
    let generations = 0
    let slowest = 0
    const generated = async () => {
      generations += 1
      await sleep(generateMs)
      return own.make(nth)
    }
    /** @type {Promise<any> | undefined} */
    let joined
    const one = async () => {
      const begun = performance.now()
      if (!(await readWhole(own, nth))) {
        // Next.js 16.4 itself joins what one process generates of a `'use cache'` entry.
        const isJoined = own.by === 'use' && joined
        if (!isJoined) joined = generate(own, nth, generated)
        await joined
      }
      slowest = Math.max(slowest, performance.now() - begun)
    }
    await Promise.all(Array.from({ length: requests }, one))
    return { generations, slowest }
  },

  /** The memory of the process once garbage is gone, in bytes. */
  async footprint() {
    for (let n = 0; n < 3; n++) {
      /** @type {any} */
      globalThis.gc()
      await sleep(30)
    }
    return process.memoryUsage.rss()
  },
}

/** @type {any} */
let modules

/** Next.js passes on a `'use cache'` entry while it is generated, a response afterwards.
 * @param {import('./values.mjs').Sort} own @param {number} nth @param {() => Promise<any>} generated */
async function generate(own, nth, generated) {
  if (own.by === 'use') return under.use.set(own.key(nth), generated())
  return write(own, nth, await generated())
}

const clock = () => Number(process.hrtime.bigint()) / 1e6

answersWith(acts)
