import { connection } from 'next/server'
import { cache } from 'tiercel/app'
import { origin } from '../../../lib/origin.js'
import { around, brief, cached, own, TAG } from '../../../lib/own.js'

/** What there is under one tag. */
export async function GET() {
  await connection()
  const fetched = await origin('own', { cache: 'force-cache', next: { tags: [TAG] } })
  return Response.json({
    fetched,
    // Before what is around it, which would renew it.
    own: await own('route'),
    cached: await cached(),
    around: await around('route'),
    brief: await brief('route'),
  })
}

/** `?how=hard|soft|delete`. */
export async function POST(request) {
  const how = new URL(request.url).searchParams.get('how')
  if (how === 'delete') await cache.delete('own-route')
  else await cache.invalidateTags([TAG], { soft: how === 'soft' })
  return Response.json({ ok: true })
}
