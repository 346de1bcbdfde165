// @ts-check
/** The values to cache: in size and shape those of a real app. */
import { createHash } from 'node:crypto'

const hex = (/** @type {string} */ text) => createHash('sha256').update(text).digest('hex')

/** @param {number} size */
function text(size, alphabet = 'abcdefghijklmnopqrstuvwxyz <>="/') {
  let out = ''
  for (let n = size; out.length < size; n = (n * 1_103_515_245 + 12_345) % 2_147_483_648) {
    out += alphabet[n % alphabet.length]
  }
  // Flat, as text read from a socket is: a string of pieces would be joined by its first reader.
  return Buffer.from(out, 'utf16le').toString('utf16le')
}

/** @param {number} size */
const bytes = (size) => Buffer.from(new Uint8Array(size).map((_, index) => (index * 131) % 251))

export const TAGS = ['posts', 'post:17']
export const SOFT_TAGS = [
  '_N_T_/layout',
  '_N_T_/blog/layout',
  '_N_T_/blog/[slug]/layout',
  '_N_T_/blog/[slug]/page',
  '_N_T_/blog/post-17',
]

/** @param {number} index */
export const pageKey = (index) => `/route-cache/APP_PAGE/${hex('blog')}/$/blog/post-${index}`
/** @param {number} index */
export const fetchKey = (index) => hex(`fetch ${index}`)
/** @param {number} index */
export const useKey = (index) =>
  JSON.stringify([hex('function'), [{ slug: `post-${index}`, page: 1 }], ['kZ3xq0Hb1c', '4d6e']])

/** A page: 20 KB of html, 15 KB of RSC, six segments of 2 KB. */
export function page({ isWide = false } = {}) {
  const segments = [
    '/_tree',
    '/_head',
    '/_index',
    '/blog',
    '/blog/$d$slug',
    '/blog/$d$slug/__PAGE__',
  ]
  return {
    kind: 'APP_PAGE',
    html: isWide ? text(20_000, 'абвгдежзийклмноп <>="/') : text(20_000),
    rscData: bytes(15_000),
    headers: { 'x-next-cache-tags': [...TAGS, ...SOFT_TAGS].join() },
    status: 200,
    segmentData: new Map(segments.map((name) => [name, bytes(2_000 + name.length)])),
  }
}

export const PAGE_GET = { kind: 'APP_PAGE', isRoutePPREnabled: false, isFallback: false }
export const PAGE_SET = { ...PAGE_GET, cacheControl: { revalidate: 900, expire: 31_536_000 } }

/** A `fetch` response with a body of `size` bytes. */
export function fetched(size = 4_000) {
  return {
    kind: 'FETCH',
    data: {
      headers: { 'content-type': 'application/json', date: 'Thu, 01 Jan 2026 00:00:00 GMT' },
      body: text(size),
      status: 200,
      url: 'https://api.example/posts/17',
    },
    revalidate: 900,
  }
}

const FETCH = { fetchUrl: 'https://api.example/posts/17', fetchIdx: 3, tags: TAGS }
export const FETCH_GET = { kind: 'FETCH', revalidate: 900, softTags: SOFT_TAGS, ...FETCH }
export const FETCH_SET = { fetchCache: true, isImplicitBuildTimeCache: false, ...FETCH }

/** Next's own pattern: one chunk, then the end. @param {Uint8Array} chunk */
export function streamOf(chunk) {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(chunk)
      controller.close()
    },
  })
}

/** @param {ReadableStream<Uint8Array>} stream */
export async function drain(stream) {
  const reader = stream.getReader()
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return size
    size += value.byteLength
  }
}

/** A `'use cache'` entry over `chunk`, generated now. @param {Uint8Array} chunk */
export function entryOf(chunk) {
  return {
    value: streamOf(chunk),
    tags: TAGS,
    stale: 300,
    timestamp: performance.timeOrigin + performance.now(),
    expire: 4_294_967_294,
    revalidate: 900,
  }
}

export { bytes }
