import { connection } from 'next/server'
import { origin } from '../../../lib/origin.js'

/** Rendered per request; only the fetch is cached. */
export async function GET(request) {
  await connection()
  const name = new URL(request.url).searchParams.get('name')
  const tags = [`fetch-${name}`]
  return Response.json({
    origin: await origin(`fetch-${name}`, { next: { revalidate: 3600, tags } }),
  })
}
