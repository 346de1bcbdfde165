// @ts-check
/**
 * The cases measured in rounds. A case prepares a subject once, then runs many times over; the
 * values that a run consumes are made before its time is taken.
 */
import { channel } from 'node:diagnostics_channel'
import { setImmediate as turn } from 'node:timers/promises'
import * as values from './values.mjs'

const { pageKey, fetchKey, useKey, page, fetched, entryOf, bytes, drain } = values
const { PAGE_GET, PAGE_SET, FETCH_GET, FETCH_SET, SOFT_TAGS } = values

/** Entries taken in turn: more than fit into the nearest caches, fewer than are kept ready. */
const KEYS = 256
const IN_A_TURN = 500

/**
 * @typedef {import('./subjects.mjs').Subject} Subject
 * @typedef {object} Case
 * @property {(subject: Subject) => Promise<any>} prepare
 * @property {(count: number, kit: any, subject: Subject) => any} [batch] makes values for one run
 * @property {(count: number, kit: any, batch: any, subject: Subject) => any} run
 * @property {number} [most] calls in a run, at most; a round is made of many then
 */

/** @param {(index: number) => string} name */
const keysOf = (name) => Array.from({ length: KEYS }, (_, index) => name(index))

/** The same text in a string that has not been hashed yet. @param {string} key */
const fresh = (key) => Buffer.from(key, 'latin1').toString('latin1')

/** @param {Subject} subject @param {number} count */
async function invalidateOthers({ incremental }, count) {
  for (let n = 0; n < count; n++) await incremental.revalidateTag([`other:${n}`])
}

const kinds = {
  page: { name: pageKey, value: () => page(), get: PAGE_GET, set: PAGE_SET },
  wide: { name: pageKey, value: () => page({ isWide: true }), get: PAGE_GET, set: PAGE_SET },
  fetch: { name: fetchKey, value: () => fetched(), get: FETCH_GET, set: FETCH_SET },
}

/**
 * @param {keyof typeof kinds} kind
 * @param {{ isFresh?: boolean, invalidated?: number }} [options] a new key string for each call;
 *   invalidations of other tags before the first
 * @returns {Case}
 */
function hotGet(kind, { isFresh = false, invalidated = 0 } = {}) {
  const { name, value, get, set } = kinds[kind]
  return {
    async prepare(subject) {
      const { incremental } = subject
      const keys = keysOf(name)
      for (const key of keys) await incremental.set(key, value(), set)
      await invalidateOthers(subject, invalidated)
      for (const key of keys) await incremental.get(key, get)
      return keys
    },
    most: isFresh ? 2_000 : undefined,
    batch: isFresh
      ? (count, keys) => Array.from({ length: count }, (_, n) => fresh(keys[n % KEYS]))
      : (_, keys) => keys,
    async run(count, _, keys, { incremental }) {
      let found = 0
      for (let n = 0; n < count; n++) {
        if ((await incremental.get(keys[n % keys.length], get))?.value) found += 1
      }
      if (found !== count) throw new Error('a hot get missed')
    },
  }
}

/** @param {number} size @param {{ invalidated?: number }} [options] @returns {Case} */
function useGet(size, { invalidated = 0 } = {}) {
  return {
    async prepare(subject) {
      const keys = keysOf(useKey)
      for (const key of keys) await subject.use.set(key, Promise.resolve(entryOf(bytes(size))))
      await invalidateOthers(subject, invalidated)
      for (const key of keys) await drain((await subject.use.get(key, SOFT_TAGS)).value)
      return keys
    },
    async run(count, keys, _, { use }) {
      let size = 0
      for (let n = 0; n < count; n++) {
        const entry = await use.get(keys[n % KEYS], SOFT_TAGS)
        size += await drain(entry.value)
      }
      return size
    },
  }
}

/** @param {number} size @returns {Case} */
function useSet(size) {
  return {
    prepare: async () => ({ keys: keysOf(useKey), chunk: bytes(size) }),
    most: 500,
    batch: (count, { chunk }) =>
      Array.from({ length: count }, () => Promise.resolve(entryOf(chunk))),
    async run(count, { keys }, entries, { use }) {
      for (let n = 0; n < count; n++) await use.set(keys[n % KEYS], entries[n])
    },
  }
}

/** @param {keyof typeof kinds} kind @returns {Case} */
function set(kind) {
  const { name, value, set } = kinds[kind]
  return {
    prepare: async () => ({ keys: keysOf(name), value: value() }),
    async run(count, { keys, value }, _, { incremental }) {
      for (let n = 0; n < count; n++) await incremental.set(keys[n % KEYS], value, set)
    },
  }
}

/** The same bytes copied once: the least cost of a set that does not keep the caller's bytes.
 * @param {keyof typeof kinds} kind @returns {Case} */
function copy(kind) {
  const { name, value } = kinds[kind]
  return {
    prepare: async () => ({ keys: keysOf(name), value: value(), held: new Map() }),
    async run(count, { keys, value, held }) {
      const { html, rscData, segmentData, data } = value
      for (let n = 0; n < count; n++) {
        const text = Buffer.from(html ?? data.body)
        const parts = rscData && Buffer.concat([rscData, ...segmentData.values()])
        await held.set(keys[n % KEYS], [text, parts])
      }
    },
  }
}

/** Building the object: each entry is set again, untimed, and got once.
 * @param {keyof typeof kinds} kind @returns {Case} */
function coldGet(kind) {
  const { name, value, get, set } = kinds[kind]
  return {
    prepare: async () => ({ keys: keysOf(name), value: value() }),
    most: KEYS,
    async batch(_, { keys, value }, { incremental }) {
      for (const key of keys) await incremental.set(key, value, set)
      return keys
    },
    async run(count, _, keys, { incremental }) {
      for (let n = 0; n < count; n++) await incremental.get(keys[n], get)
    },
  }
}

/** @param {number} size @returns {Case} */
function coldUse(size) {
  return {
    prepare: async () => ({ keys: keysOf(useKey), chunk: bytes(size) }),
    most: KEYS,
    async batch(_, { keys, chunk }, { use }) {
      for (const key of keys) await use.set(key, Promise.resolve(entryOf(chunk)))
      return keys
    },
    async run(count, _, keys, { use }) {
      for (let n = 0; n < count; n++) await drain((await use.get(keys[n], SOFT_TAGS)).value)
    },
  }
}

/** @param {number} entries @param {boolean} isRead whether each invalidation is followed by a get
 * @returns {Case} */
function invalidation(entries, isRead) {
  const ctx = { ...FETCH_GET, softTags: [] }
  return {
    async prepare({ incremental }) {
      const value = fetched(64)
      for (let n = 0; n < entries; n++) await incremental.set(fetchKey(n), value, FETCH_SET)
      return fetchKey(0)
    },
    most: 5_000,
    async run(count, key, _, { incremental }) {
      for (let n = 0; n < count; n++) {
        await incremental.revalidateTag(['other:1'])
        if (isRead) await incremental.get(key, ctx)
      }
    },
  }
}

/** As many calls as a busy event loop makes between two of its turns. @param {Case} one @returns {Case} */
function inTurns(one) {
  return {
    ...one,
    async run(count, ...rest) {
      for (let left = count; left > 0; left -= IN_A_TURN) {
        await one.run(Math.min(left, IN_A_TURN), ...rest)
        await turn()
      }
    },
  }
}

/** With somebody who listens. @param {Case} one @returns {Case} */
function told(one) {
  return {
    ...one,
    async prepare(subject) {
      const kit = await one.prepare(subject)
      channel('tiercel:get').subscribe(() => {})
      return kit
    },
  }
}

/** @type {Record<string, () => Case>} */
export const cases = {
  'page hot': () => hotGet('page'),
  'page in turns': () => inTurns(hotGet('page')),
  'page told': () => told(inTurns(hotGet('page'))),
  'page fresh key': () => hotGet('page', { isFresh: true }),
  'page after invalidations': () => hotGet('page', { isFresh: true, invalidated: 10_000 }),
  'fetch hot': () => hotGet('fetch'),
  'fetch fresh key': () => hotGet('fetch', { isFresh: true }),
  'fetch after invalidations': () => hotGet('fetch', { isFresh: true, invalidated: 10_000 }),
  'use 2': () => useGet(2_000),
  'use 50': () => useGet(50_000),
  'use 2 after invalidations': () => useGet(2_000, { invalidated: 10_000 }),
  'use set 2': () => useSet(2_000),
  'use set 50': () => useSet(50_000),
  'page set': () => set('page'),
  'wide set': () => set('wide'),
  'fetch set': () => set('fetch'),
  'page copy': () => copy('page'),
  'wide copy': () => copy('wide'),
  'fetch copy': () => copy('fetch'),
  'page cold': () => coldGet('page'),
  'fetch cold': () => coldGet('fetch'),
  'use cold 2': () => coldUse(2_000),
  'use cold 50': () => coldUse(50_000),
  'invalidate 1000': () => invalidation(1_000, false),
  'invalidate 100000': () => invalidation(100_000, false),
  'invalidate 1000000': () => invalidation(1_000_000, false),
  'invalidate and get 1000': () => invalidation(1_000, true),
  'invalidate and get 100000': () => invalidation(100_000, true),
  'invalidate and get 1000000': () => invalidation(1_000_000, true),
}
