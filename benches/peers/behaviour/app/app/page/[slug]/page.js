import { generation } from '../../../lib/generation.js'
import { origin } from '../../../lib/origin.js'
import { Report } from '../../../lib/report.js'

export const revalidate = 3600

export const generateStaticParams = () => [{ slug: 'built' }]

/** A page with what it fetches, both under one tag. */
export default async function Page({ params }) {
  const slug = decodeURIComponent((await params).slug)
  const n = await origin(`page-${slug}`, { next: { revalidate: 3600, tags: [`page-${slug}`] } })
  return <Report generation={generation(`page-${slug}`)} origin={n} />
}
