import { connection } from 'next/server'
import { slowly } from '../../../lib/generation'
import { memory } from '../../../lib/memory'

/** Plays the part of a slow service elsewhere. It counts every call. */
export async function GET() {
  await connection()
  const number = ++memory.originCalls
  await slowly(150)
  return Response.json({ number, at: Date.now(), seed: Math.floor(Math.random() * 2 ** 32) })
}
