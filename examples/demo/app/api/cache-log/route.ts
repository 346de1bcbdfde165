import { connection, type NextRequest } from 'next/server'
import type { CacheLog } from '../../../lib/cache-log'

const shared = globalThis as typeof globalThis & {
  tiercelDemo?: { decisions: CacheLog['decisions']; stats(): CacheLog['stats'] }
}

/** The decisions after a given number, and the counters. Never cached. */
export async function GET(request: NextRequest) {
  await connection()
  const after = Number(request.nextUrl.searchParams.get('after') ?? 0)
  const demo = shared.tiercelDemo
  const log: CacheLog = {
    decisions: demo?.decisions.filter((decision) => decision.number > after) ?? [],
    stats: demo?.stats() ?? {},
  }
  return Response.json(log, { headers: { 'cache-control': 'no-store' } })
}
