import { cacheLife, cacheTag } from 'next/cache'
import { cache as perRequest } from 'react'
import { cache } from 'tiercel/app'
import { generation } from './generation.js'

/** What everything here is tagged with. */
export const TAG = 'products größe'

/** A value of the app's own cache. */
export const own = (name) =>
  cache.getOrSet(`own-${name}`, () => ({ generation: generation(`own-${name}`) }), {
    revalidate: '1h',
    tags: [TAG],
  })

/** Says nothing of tags and lifetimes: it has those of what it reads. */
export async function around(name) {
  'use cache'
  return { outer: generation(`around-${name}`), inner: await own(name) }
}

/** The lifetime it would have by itself is longer than that of what it reads. */
export async function brief(name) {
  'use cache'
  cacheLife('hours')
  const inner = await cache.getOrSet(`brief-${name}`, () => generation('brief'), {
    revalidate: '2s',
    expire: '1h',
  })
  return { outer: generation(`outer-${name}`), inner }
}

export async function cached() {
  'use cache'
  cacheTag(TAG)
  cacheLife('hours')
  return generation('cached')
}

let reads = 0
/** One read per request, whoever asks. */
export const perRequestOwn = perRequest((name) => {
  reads++
  return own(name)
})
export const countReads = () => reads
