import { type NextRequest, NextResponse } from 'next/server'

/**
 * Notes when the request arrived. A page compares that moment with the moment
 * its value was generated, and so knows whether the value came from the cache.
 */
export function proxy(request: NextRequest) {
  const arrivedAt = String(Date.now())
  const headers = new Headers(request.headers)
  headers.set('x-arrived-at', arrivedAt)

  const response = NextResponse.next({ request: { headers } })
  response.headers.set('server-timing', `arrived;desc="${arrivedAt}"`)
  return response
}

export const config = { matcher: ['/((?!_next/|api/cache-log).*)'] }
