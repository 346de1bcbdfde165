import { connection, type NextRequest } from 'next/server'
import type { CacheLog, InstanceLog } from '../../../lib/cache-log'
import { fleet } from '../../../lib/fleet'

const shared = globalThis as typeof globalThis & {
  tiercelDemo?: { decisions: InstanceLog['decisions']; stats(): InstanceLog['stats'] }
}

/**
 * `?after=3,7,0`: of each instance the decisions after a number, and its counters. With `own`, of
 * the instance that is asked only. Never cached.
 */
export async function GET(request: NextRequest) {
  await connection()
  const { searchParams } = request.nextUrl
  const after = (searchParams.get('after') ?? '').split(',').map(Number)
  const { addresses } = fleet()
  const isAlone = addresses.length < 2 || searchParams.has('own')
  const instances = isAlone
    ? [own(after[0] ?? 0)]
    : await Promise.all(addresses.map((address, index) => askAt(address, after[index] ?? 0)))
  const log: CacheLog = { instances, addresses }
  return Response.json(log, { headers: { 'cache-control': 'no-store' } })
}

function own(after: number): InstanceLog {
  const demo = shared.tiercelDemo
  const decisions = demo?.decisions.filter((decision) => decision.number > after) ?? []
  return { decisions, stats: demo?.stats() ?? {} }
}

async function askAt(address: string, after: number): Promise<InstanceLog | null> {
  try {
    const url = `${address}/api/cache-log?own=1&after=${after}`
    const response = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(2_000) })
    const log: CacheLog = await response.json()
    return log.instances[0]
  } catch {
    return null
  }
}
