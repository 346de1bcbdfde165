import { connection } from 'next/server'
import { halves, inner, large, outer, plain, remote, short } from '../../../lib/cached.js'

const cached = { halves, inner, large, outer, plain, remote, short }

/** `?name=n&of=plain`: what the cached function `of` gives for `name`, read at request time. */
export async function GET(request) {
  await connection()
  const { searchParams } = new URL(request.url)
  const value = await cached[searchParams.get('of') ?? 'plain'](searchParams.get('name'))
  return Response.json({ value })
}
