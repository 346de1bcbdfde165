import { unstable_cache } from 'next/cache'
import { generation } from './generation.js'
import { origin } from './origin.js'

const name = 'of-build'
const init = { next: { revalidate: 3600, tags: [name] } }

// Its text is part of the key, and must not name what each bundle calls otherwise.
globalThis.generationOfBuild = () => generation(name)
const unstable = unstable_cache(async () => globalThis.generationOfBuild(), [name], {
  revalidate: 3600,
})

/** Data that a prerendered page and a route read alike: a fetch and an unstable_cache. */
export async function shared() {
  return { origin: await origin(name, init), generation: await unstable() }
}
