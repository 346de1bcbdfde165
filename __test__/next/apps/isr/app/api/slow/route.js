import { unstable_cache } from 'next/cache'
import { ask } from '../../../lib/ask.js'
import { origin } from '../../../lib/origin.js'

/** `?of=fetch|unstable&name=n&revalidate=s`: rendered per request; the one thing it reads is cached. */
export async function GET(request) {
  const { searchParams } = new URL(request.url)
  const of = searchParams.get('of')
  const key = `${of}-${searchParams.get('name')}`
  const life = { revalidate: Number(searchParams.get('revalidate') ?? 3600), tags: [key] }
  const read = {
    fetch: () => origin(key, { next: life }),
    unstable: unstable_cache(() => ask(key), [key], life),
  }
  return Response.json({ origin: await read[of]() })
}
