// @ts-check
/**
 * What is stored, by the words that name it: how Next.js asks for it and stores it, and whether what
 * comes back is what was stored.
 */
import { Buffer } from 'node:buffer'
import { FETCH_GET, FETCH_SET, fetched, SOFT_TAGS, streamOf } from '../handlers/values.mjs'
import { sorts } from '../shared/values.mjs'

/**
 * @typedef {object} Sort
 * @property {'page' | 'use'} by which interface
 * @property {(nth: number) => string} key
 * @property {(nth: number) => any} make a new value; the same for the same number
 * @property {(nth: number) => any} [unique] one that shares no memory with others
 * @property {any} [get] the contexts of the singular interface
 * @property {any} [set]
 * @property {(nth: number) => string[]} [tags] where each has its own
 */

/** Numbers from a multiple of this on have tags of their own. */
export const ERA = 10_000_000
/** A hundredth of the entries of an era has this tag. @param {number} nth */
export const spread = (nth) => `spread-${Math.floor(nth / ERA)}-${nth % 100}`
/** All entries of an era have this one. @param {number} nth */
export const common = (nth) => `common-${Math.floor(nth / ERA)}`

const own = (/** @type {number} */ nth) => [common(nth), spread(nth)]

/** So many different contents: to make one takes longer than to store it. */
const CONTENTS = 64

/** @param {string} name @param {'page' | 'use'} by @returns {Sort} */
function plain(name, by) {
  const { make, ...rest } = sorts[name]
  /** @type {(() => any)[]} */
  const known = []
  const again = (/** @type {number} */ nth) => {
    known[nth % CONTENTS] ??= make(nth % CONTENTS)
    return known[nth % CONTENTS]()
  }
  return { by, ...rest, make: again, unique: (nth) => make(nth)() }
}

/** @type {Record<string, Sort>} */
export const kinds = {
  page: plain('APP_PAGE', 'page'),
  fetch: plain('fetch 4 KB', 'page'),
  "'use cache'": plain("'use cache' 2 KB", 'use'),
}

const small = sorts["'use cache' 2 KB"]

/** Small values, of which there may be many; each has tags of its own. @type {Record<string, Sort>} */
export const smalls = {
  fetch: {
    by: 'page',
    key: (nth) => `${sorts['fetch 4 KB'].key(nth)}s`,
    make: () => fetched(200),
    get: FETCH_GET,
    set: FETCH_SET,
    tags: own,
  },
  "'use cache'": {
    by: 'use',
    key: (nth) => small.key(1e7 + nth),
    make: (nth) => ({ ...small.make(0)(), value: streamOf(Buffer.alloc(200, 97)), tags: own(nth) }),
    tags: own,
  },
}

/** @param {Sort} sort @param {number} nth */
export function contexts({ get, set, tags }, nth) {
  if (!tags) return { get, set }
  return { get: { ...get, tags: tags(nth) }, set: { ...set, tags: tags(nth) } }
}

/** @param {ReadableStream<Uint8Array>} stream */
export async function bytesOf(stream) {
  const chunks = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/**
 * What is wrong with an answer, in words; nothing if it is what was stored.
 * @param {any} found `{ value }` of the singular interface, or an entry of the plural one
 * @param {any} stored
 */
export async function wrong(found, stored) {
  if (!found) return 'nothing was found'
  if (stored.kind === 'FETCH') return wrongFetch(found.value, stored)
  if (stored.kind === 'APP_PAGE') return wrongPage(found.value, stored)
  return wrongEntry(found, stored)
}

/** @param {any} value @param {any} stored */
function wrongFetch(value, { data }) {
  if (value?.kind !== 'FETCH') return `a value of kind ${value?.kind} came back`
  if (value.data?.body !== data.body) return 'another body came back'
  if (value.data.status !== data.status) return 'another status came back'
  return undefined
}

/** @param {any} value @param {any} stored */
function wrongPage(value, stored) {
  if (value?.kind !== 'APP_PAGE') return `a value of kind ${value?.kind} came back`
  if (value.html !== stored.html) return 'other html came back'
  const rsc = wrongBytes('rscData', value.rscData, stored.rscData)
  if (rsc) return rsc
  if (!(value.segmentData instanceof Map))
    return `segmentData came back as ${shape(value.segmentData)}`
  for (const [name, bytes] of stored.segmentData) {
    const segment = wrongBytes('a segment', value.segmentData.get(name), bytes)
    if (segment) return segment
  }
  return undefined
}

/** @param {any} entry @param {any} stored */
async function wrongEntry(entry, stored) {
  if (typeof entry.value?.getReader !== 'function')
    return `its value came back as ${shape(entry.value)}`
  const [one, two] = [await bytesOf(entry.value), await bytesOf(stored.value)]
  if (!one.equals(two)) return 'other bytes came back'
  if (entry.tags?.join() !== stored.tags.join()) return `tags ${entry.tags?.join()} came back`
  const hasTimes = entry.expire === stored.expire && entry.revalidate === stored.revalidate
  return hasTimes ? undefined : `expire ${entry.expire}, revalidate ${entry.revalidate} came back`
}

/** @param {string} what @param {any} found @param {Buffer} stored */
function wrongBytes(what, found, stored) {
  if (!(found instanceof Uint8Array)) return `${what} came back as ${shape(found)}`
  return stored.equals(found) ? undefined : `other bytes of ${what} came back`
}

/** @param {any} value */
const shape = (value) =>
  value === null || typeof value !== 'object' ? typeof value : (value.constructor?.name ?? 'object')

export { SOFT_TAGS }
