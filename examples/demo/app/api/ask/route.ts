import { connection, type NextRequest } from 'next/server'
import { fleet } from '../../../lib/fleet'
import { allPages } from '../../../lib/pages'

/** `?instance=2&path=/remote`: a page of this demo as that instance of the fleet answers it. */
export async function GET(request: NextRequest) {
  await connection()
  const { searchParams } = request.nextUrl
  const address = fleet().addresses[Number(searchParams.get('instance')) - 1]
  const page = allPages.find(({ href }) => href === searchParams.get('path'))
  if (!address || !page) return new Response('No such instance or page', { status: 404 })
  const headers = { accept: 'text/html' }
  const response = await fetch(address + page.href, { cache: 'no-store', headers })
  return new Response(response.body, {
    status: response.status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  })
}
