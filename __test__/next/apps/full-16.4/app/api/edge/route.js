import { origin } from '../../../lib/origin.js'

export const runtime = 'edge'

export async function GET() {
  const n = await origin('edge', { next: { revalidate: 3600, tags: ['edge'] } })
  return Response.json({ runtime: process.env.NEXT_RUNTIME, fetched: n })
}
