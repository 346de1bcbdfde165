import { generation } from '../../../lib/generation.js'
import { origin } from '../../../lib/origin.js'
import { Report } from '../../../lib/report.js'
import { slugs } from '../../../lib/slugs.js'

export const revalidate = 3600
export const dynamicParams = false

export function generateStaticParams() {
  return slugs.map((slug) => ({ slug }))
}

export default async function Page({ params }) {
  const { slug } = await params
  const n = await origin(`locked-${slug}`, { next: { tags: [`locked-${slug}`] } })
  return <Report generation={generation(`locked-${slug}`)} origin={n} />
}
