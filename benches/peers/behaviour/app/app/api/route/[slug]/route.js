import { generation } from '../../../../lib/generation.js'
import { origin } from '../../../../lib/origin.js'

export const dynamic = 'force-static'
export const revalidate = 3600

export const generateStaticParams = () => []

/** A route handler that is cached as a page is. */
export async function GET(_, { params }) {
  const { slug } = await params
  const n = await origin(`route-${slug}`, { next: { tags: [`route-${slug}`] } })
  return Response.json({ generation: generation(`route-${slug}`), origin: n })
}
