import { ask } from '../../../lib/ask.js'
import { generation } from '../../../lib/generation.js'
import { Report } from '../../../lib/report.js'

export const revalidate = 2

export const generateStaticParams = () => []

/** Stale after two seconds; asks the origin past every cache of fetches. */
export default async function Page({ params }) {
  const { slug } = await params
  const n = await ask(`brief-${slug}`)
  return <Report generation={generation(`brief-${slug}`)} origin={n} />
}
