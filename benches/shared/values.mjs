// @ts-check
/** What is stored: text as pages have it, which a compressor makes a quarter of. */
import { page, streamOf, TAGS } from '../handlers/values.mjs'

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

/**
 * The sorts of values, by name: which interface takes them, and what makes the nth.
 * @type {Record<string, { isPage: boolean, make: (nth: number) => () => any }>}
 */
export const sorts = {
  "'use cache' 1 KB": { isPage: false, make: (nth) => used(1_000, nth) },
  "'use cache' 10 KB": { isPage: false, make: (nth) => used(10_000, nth) },
  "'use cache' 100 KB": { isPage: false, make: (nth) => used(100_000, nth) },
  APP_PAGE: { isPage: true, make: whole },
}
