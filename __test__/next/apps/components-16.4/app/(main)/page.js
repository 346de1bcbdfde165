import { cacheLife, cacheTag } from 'next/cache'
import { generation } from '../../lib/generation.js'
import { Report } from '../../lib/report.js'

/** The whole page is one cached entry. */
export default async function Page() {
  'use cache'
  cacheTag('home')
  cacheLife('hours')
  return <Report generation={generation('home')} />
}
