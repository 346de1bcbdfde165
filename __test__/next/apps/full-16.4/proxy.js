import { NextResponse } from 'next/server'
import { clientIp, rateLimit } from 'tiercel/app'
import { origin } from './lib/origin.js'

export const config = { matcher: ['/proxied', '/own'] }

const limiter = rateLimit({ name: 'proxy', limit: 3, window: '1h' })

/** Since 16.2 the bundle of this file holds a copy of the cache handler's entry. */
export async function proxy(request) {
  if (request.nextUrl.pathname === '/own') return limited(request)
  const n = await origin('proxy', { next: { revalidate: 3600, tags: ['proxy'] } })
  return NextResponse.next({ headers: { 'x-proxy-origin': String(n) } })
}

async function limited(request) {
  const { success, headers } = await limiter.limit(clientIp(request) ?? 'unknown')
  if (!success) return new NextResponse('too many requests', { status: 429, headers })
  return NextResponse.next({ headers })
}
