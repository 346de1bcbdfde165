import { ask } from '../../../lib/ask.js'
import { generation } from '../../../lib/generation.js'
import { Report } from '../../../lib/report.js'

export const revalidate = 5

export function generateStaticParams() {
  return []
}

/** As `/slow`, and stale soon. */
export default async function Page({ params }) {
  const { slug } = await params
  const n = await ask(`brief-${slug}`)
  return <Report generation={generation(`brief-${slug}`)} origin={n} />
}
