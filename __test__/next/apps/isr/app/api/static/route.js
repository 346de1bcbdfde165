import { generation } from '../../../lib/generation.js'
import { origin } from '../../../lib/origin.js'

export const dynamic = 'force-static'
export const revalidate = 3600

export async function GET() {
  const n = await origin('static', { next: { tags: ['static'] } })
  return Response.json({ generation: generation('static'), origin: n })
}
