import { cacheLife, cacheTag } from 'next/cache'
import { ask } from '../../../../lib/ask.js'
import { generation } from '../../../../lib/generation.js'
import { Report } from '../../../../lib/report.js'

/** All but one are rendered when they are first asked for. */
export function generateStaticParams() {
  return [{ id: 'built' }]
}

/** A page of one cached function, and nothing of it per request. */
export default async function Page({ params }) {
  'use cache'
  const { id } = await params
  cacheTag(`full-${id}`)
  cacheLife('hours')
  const origin = await ask(`full-${id}`)
  return <Report generation={generation(`full-${id}`)} origin={origin} />
}
