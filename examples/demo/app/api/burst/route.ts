import { connection } from 'next/server'
import { database } from '../../../lib/database'
import { base } from '../../../lib/origin'

const REQUESTS = 20

const calls = () => database.read('origin calls', 0)

/** Sends many requests for one entry that no request has asked for before. */
export async function GET() {
  await connection()
  const before = await calls()
  const probe = `${base()}/api/probe?burst=${before}-${Date.now()}`
  const responses = await Promise.all(
    Array.from({ length: REQUESTS }, () => fetch(probe, { cache: 'no-store' })),
  )
  return Response.json({
    requests: responses.filter((response) => response.ok).length,
    originCalls: (await calls()) - before,
  })
}
