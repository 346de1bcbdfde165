import { cacheLife, cacheTag } from 'next/cache'
import { generation } from '../../../../lib/generation.js'
import { Report } from '../../../../lib/report.js'

export function generateStaticParams() {
  return ['first', 'max', 'zero', 'path'].map((slug) => ({ slug }))
}

export default async function Page({ params }) {
  'use cache'
  const { slug } = await params
  cacheTag(`blog-${slug}`)
  cacheLife('hours')
  return <Report generation={generation(`blog-${slug}`)} />
}
