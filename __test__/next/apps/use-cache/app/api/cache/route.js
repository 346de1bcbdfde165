import { connection } from 'next/server'
import {
  brief,
  halves,
  inner,
  large,
  outer,
  plain,
  remote,
  short,
  slow,
  slowOuter,
  slowRemote,
  twice,
  written,
} from '../../../lib/cached.js'

const local = { brief, halves, inner, large, outer, plain, short, slow, slowOuter, twice, written }
const cached = { ...local, remote, slowRemote }

/** `?name=n&of=plain`: what the cached function `of` gives for `name`, read at request time. */
export async function GET(request) {
  await connection()
  const { searchParams } = new URL(request.url)
  const value = await cached[searchParams.get('of') ?? 'plain'](searchParams.get('name'))
  return Response.json({ value })
}
