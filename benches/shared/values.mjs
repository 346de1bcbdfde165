// @ts-check
/** The stored values: text like that of pages, which compresses to a quarter. */
import {
  FETCH_GET,
  FETCH_SET,
  fetched,
  fetchKey,
  PAGE_GET,
  PAGE_SET,
  page,
  pageKey,
  streamOf,
  TAGS,
  useKey,
} from '../handlers/values.mjs'

const WORDS =
  'the of and a cache page route tag server render stream value entry props className href children div span true false null static chunks'.split(
    ' ',
  )

/** @param {number} size @param {number} seed @returns {Buffer} */
function prose(size, seed) {
  let state = seed * 2_654_435_761
  const next = (/** @type {number} */ below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  let text = ''
  while (text.length < size) {
    text += `["$","${WORDS[next(WORDS.length)]}","${next(1e6)}",{"${WORDS[next(WORDS.length)]}":"${WORDS[next(WORDS.length)]} ${WORDS[next(WORDS.length)]}"}],`
  }
  return Buffer.from(text.slice(0, size))
}

/** @param {number} size @param {number} nth */
function used(size, nth) {
  const chunk = prose(size, nth)
  return () => ({
    value: streamOf(chunk),
    tags: TAGS,
    stale: 300,
    timestamp: performance.timeOrigin + performance.now(),
    expire: 86_400,
    revalidate: 3_600,
  })
}

/** @param {number} nth */
function whole(nth) {
  const value = page()
  const segmentData = new Map()
  for (const [name, bytes] of value.segmentData) segmentData.set(name, prose(bytes.length, nth))
  const html = prose(value.html.length, nth).toString('latin1')
  return () => ({ ...value, html, rscData: prose(value.rscData.length, nth + 1), segmentData })
}

/** Next.js keeps bodies as base64. @param {number} size @param {number} nth */
function response(size, nth) {
  const value = fetched(0)
  const body = prose((size * 3) / 4, nth).toString('base64')
  return () => ({ ...value, data: { ...value.data, body } })
}

/**
 * A sort of values: how to make the nth, its key, and the contexts that Next.js passes to get and
 * set. Without those it is of the plural interface.
 * @typedef {object} Sort
 * @property {(nth: number) => () => any} make
 * @property {(nth: number) => string} key
 * @property {any} [get]
 * @property {any} [set]
 */

/** @param {number} size @returns {Sort} */
const ofFetch = (size) => ({
  make: (nth) => response(size, nth),
  key: (nth) => `${fetchKey(nth)}${size}`,
  get: FETCH_GET,
  set: FETCH_SET,
})

/** @type {Record<string, Sort>} */
export const sorts = {
  'fetch 4 KB': ofFetch(4_000),
  'fetch 100 KB': ofFetch(100_000),
  "'use cache' 2 KB": { make: (nth) => used(2_000, nth), key: useKey },
  "'use cache' 50 KB": { make: (nth) => used(50_000, nth), key: useKey },
  APP_PAGE: { make: whole, key: pageKey, get: PAGE_GET, set: PAGE_SET },
}
