import { notFound } from 'next/navigation'
import { generation } from '../../../lib/generation.js'
import { origin } from '../../../lib/origin.js'
import { Report } from '../../../lib/report.js'
import { slugs } from '../../../lib/slugs.js'

export const revalidate = 3600

export function generateStaticParams() {
  return slugs.map((slug) => ({ slug }))
}

export default async function Page({ params }) {
  const { slug } = await params
  if (slug === 'gone') notFound()
  const n = await origin(`blog-${slug}`, { next: { tags: ['blog', `blog-${slug}`] } })
  return <Report generation={generation(`blog-${slug}`)} origin={n} />
}
