import { generation } from '../../../lib/generation.js'
import { origin } from '../../../lib/origin.js'
import { Report } from '../../../lib/report.js'

export const revalidate = 3600

export function generateStaticParams() {
  return []
}

/** A page of one fetch, which is cached by itself: both have to be gone to ask the origin. */
export default async function Page({ params }) {
  const { slug } = await params
  const n = await origin(`read-${slug}`, { next: { revalidate: 3600, tags: [`read-${slug}`] } })
  return <Report generation={generation(`read-${slug}`)} origin={n} />
}
