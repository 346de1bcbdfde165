import { connection } from 'next/server'
import { views } from '../../../lib/views'

const MOST = 5

/** The pages that were seen most, and by how many. */
export async function GET() {
  await connection()
  const top = await views.top(MOST)
  const pages = await Promise.all(
    top.map(async ({ id, count }) => ({ page: id, count, visitors: await views.uniques(id) })),
  )
  return Response.json(pages, { headers: { 'cache-control': 'no-store' } })
}
