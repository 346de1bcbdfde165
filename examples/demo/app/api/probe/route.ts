import { connection, type NextRequest } from 'next/server'
import { askOrigin } from '../../../lib/origin'

/** One of the simultaneous requests: it reads the origin through the cache. */
export async function GET(request: NextRequest) {
  await connection()
  return Response.json(await askOrigin(request.nextUrl.search))
}
