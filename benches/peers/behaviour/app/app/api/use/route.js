import { cacheLife, cacheTag } from 'next/cache'
import { connection } from 'next/server'
import { ask } from '../../../lib/ask.js'

async function data(name) {
  'use cache'
  cacheTag(`use-${name}`)
  cacheLife('hours')
  return { origin: await ask(`use-${name}`) }
}

/** Bytes that are no text, as they come out of a cached function. */
async function bytes(name) {
  'use cache'
  cacheTag(`bytes-${name}`)
  cacheLife('hours')
  await ask(`use-bytes-${name}`)
  return Uint8Array.from({ length: 256 }, (_, index) => index)
}

export async function GET(request) {
  await connection()
  const { searchParams } = new URL(request.url)
  const name = searchParams.get('name')
  if (searchParams.has('bytes')) return new Response(await bytes(name))
  return Response.json(await data(name))
}
