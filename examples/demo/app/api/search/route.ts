import type { NextRequest } from 'next/server'
import { clientIp, rateLimit } from 'tiercel/app'

const budget = rateLimit({ name: 'search', limit: 10, window: '20s' })

// Without a proxy in front, the address is the one that Next.js fills in.
const visitor = (request: NextRequest) => clientIp(request) ?? 'somebody'

/** A search with a budget. With `peek` it takes nothing. */
export async function GET(request: NextRequest) {
  const isPeek = request.nextUrl.searchParams.has('peek')
  const ruling = await budget[isPeek ? 'peek' : 'limit'](visitor(request))
  const { limit, remaining, retryAfterMs, source } = ruling
  const body = { limit, remaining, retryAfterMs, source }
  const status = ruling.success || isPeek ? 200 : 429
  return Response.json(body, { status, headers: ruling.headers })
}

/** Gives the budget back. */
export async function DELETE(request: NextRequest) {
  await budget.reset(visitor(request))
  return new Response(null, { status: 204 })
}
