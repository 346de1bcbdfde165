import { unstable_cache } from 'next/cache'
import { generation } from '../../../lib/generation.js'
import { origin } from '../../../lib/origin.js'

/** Rendered per request; only what it reads is cached: one fetch and one unstable_cache by name. */
export async function GET(request) {
  const name = new URL(request.url).searchParams.get('name')
  const revalidate = Number(new URL(request.url).searchParams.get('revalidate') ?? 3600)
  const fetched = await origin(`fetch-${name}`, { next: { revalidate, tags: [`fetch-${name}`] } })
  const cached = unstable_cache(async () => generation(`unstable-${name}`), [name], {
    revalidate,
    tags: [`unstable-${name}`],
  })
  return Response.json({ fetched, unstable: await cached() })
}
