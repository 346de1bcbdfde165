import { unstable_cache } from 'next/cache'
import { connection } from 'next/server'
import { ask } from '../../../lib/ask.js'

export async function GET(request) {
  await connection()
  const name = new URL(request.url).searchParams.get('name')
  const tags = [`unstable-${name}`]
  const cached = unstable_cache(() => ask(`unstable-${name}`), [name], { revalidate: 3600, tags })
  return Response.json({ origin: await cached() })
}
