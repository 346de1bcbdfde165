import { ask } from '../../../lib/ask.js'
import { generation } from '../../../lib/generation.js'
import { Report } from '../../../lib/report.js'

export const revalidate = 3600

export function generateStaticParams() {
  return [{ slug: 'built' }]
}

/** Waits for the origin in every render, so that the origin counts the renders. */
export default async function Page({ params }) {
  const { slug } = await params
  const n = await ask(`slow-${slug}`)
  return <Report generation={generation(`slow-${slug}`)} origin={n} />
}
