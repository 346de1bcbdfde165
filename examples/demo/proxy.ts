import { type NextRequest, NextResponse } from 'next/server'
import { clientIp } from 'tiercel/app'
import { place } from './lib/fleet'
import { sections } from './lib/pages'
import { views } from './lib/views'

const paths = new Set(['/', ...sections.flatMap(({ pages }) => pages.map(({ href }) => href))])

/**
 * Notes when the request arrived. A page compares that moment with the moment
 * its value was generated, and so knows whether the value came from the cache. In a fleet, also says
 * which instance answers.
 */
export function proxy(request: NextRequest) {
  if (request.headers.get('sec-fetch-dest') === 'document') count(request)
  const arrivedAt = String(Date.now())
  const headers = new Headers(request.headers)
  headers.set('x-arrived-at', arrivedAt)

  const response = NextResponse.next({ request: { headers } })
  response.headers.append('server-timing', `arrived;desc="${arrivedAt}"`)
  if (place()) {
    // For scripts, which cannot see the headers of the document they run in.
    response.headers.append('server-timing', `instance;desc="${place()}"`)
    response.headers.set('x-demo-instance', place())
  }
  return response
}

/** A view, of a document and not of what it loads. Visitors may ask for any path: only pages count. */
function count(request: NextRequest) {
  const { pathname } = request.nextUrl
  if (!paths.has(pathname)) return
  try {
    views.add(pathname)
    views.unique(pathname, clientIp(request) ?? 'somebody')
  } catch {
    // There is no room for counts while Redis is away: the page is shown all the same.
  }
}

export const config = { matcher: ['/((?!_next/|api/cache-log).*)'] }
