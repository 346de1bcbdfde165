import { cacheLife, cacheTag } from 'next/cache'
import { ask } from './ask.js'
import { generation } from './generation.js'

export async function plain(name) {
  'use cache'
  cacheTag(`plain-${name}`)
  cacheLife('hours')
  return generation(`plain-${name}`)
}

export async function remote(name) {
  'use cache: remote'
  cacheTag(`remote-${name}`)
  cacheLife('hours')
  return generation(`remote-${name}`)
}

export async function inner(name) {
  'use cache'
  cacheTag(`inner-${name}`)
  cacheLife('hours')
  return generation(`inner-${name}`)
}

export async function outer(name) {
  'use cache'
  cacheTag(`outer-${name}`)
  cacheLife('hours')
  return { outer: generation(`outer-${name}`), inner: await inner(name) }
}

/** Reads one, and then what holds it. */
export async function twice(name) {
  const seen = await inner(name)
  return { seen, ...(await outer(name)) }
}

/** Bytes in three shapes, counted up by each of the readers. */
async function bytes(name) {
  'use cache'
  cacheTag(`bytes-${name}`)
  cacheLife('hours')
  return { array: new Uint8Array(64), words: new Uint32Array(16), buffer: new ArrayBuffer(64) }
}

/** What is in the bytes when they come; then this reader writes into them. */
export async function written(name) {
  const { array, words, buffer } = await bytes(name)
  const seen = [array, words, new Uint8Array(buffer)].map((view) => view[0]++)
  return seen
}

/** Stale after one second, gone after three. */
export async function short(name) {
  'use cache'
  cacheTag(`short-${name}`)
  cacheLife({ revalidate: 1, expire: 3 })
  return generation(`short-${name}`)
}

/** Larger than a stream's chunk, and than anything that is kept on a stack. */
export async function large(name) {
  'use cache'
  cacheTag(`large-${name}`)
  cacheLife('hours')
  return { generation: generation(`large-${name}`), text: 'ü你👍'.repeat(200_000) }
}

async function half(text) {
  'use cache'
  cacheLife('hours')
  return generation(`half-${text.charCodeAt(0)}`)
}

/** Called with a lone surrogate, which two different keys may become one by if read as UTF-8. */
export function halves(hex) {
  return half(String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Asks the origin, so that the origin counts the runs. */
export async function slow(name) {
  'use cache'
  cacheTag(`slow-${name}`)
  cacheLife('hours')
  return { origin: await ask(`slow-${name}`) }
}

/** The same, and stale soon. */
export async function brief(name) {
  'use cache'
  cacheTag(`brief-${name}`)
  cacheLife({ revalidate: 5, expire: 3600 })
  return { origin: await ask(`brief-${name}`) }
}

export async function slowRemote(name) {
  'use cache: remote'
  cacheTag(`slowRemote-${name}`)
  cacheLife('hours')
  return { origin: await ask(`slowRemote-${name}`) }
}

/** Holds another cached function that is as slow. */
export async function slowOuter(name) {
  'use cache'
  cacheTag(`slowOuter-${name}`)
  cacheLife('hours')
  return { origin: await ask(`slowOuter-${name}`), inner: await slow(name) }
}
