import { connection } from 'next/server'
import Tiercel from 'tiercel'

/** Bundled on purpose: the copy of the entry in a bundle must answer for the engine of the process. */
export async function GET() {
  await connection()
  return Response.json({ pid: process.pid, stats: Tiercel.stats() })
}
