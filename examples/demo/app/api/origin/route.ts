import { connection } from 'next/server'
import { database } from '../../../lib/database'
import { fleet } from '../../../lib/fleet'
import { slowly } from '../../../lib/generation'

/** Plays the part of a slow service elsewhere. It counts every call. */
export async function GET() {
  await connection()
  const number = await database.count('origin calls')
  await slowly(150)
  const seed = Math.floor(Math.random() * 2 ** 32)
  return Response.json({ number, at: Date.now(), seed, by: fleet().instance })
}
