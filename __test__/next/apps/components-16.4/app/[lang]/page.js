import { cacheLife, cacheTag } from 'next/cache'
import { lang } from 'next/root-params'
import { generation } from '../../lib/generation.js'
import { Report } from '../../lib/report.js'

/** Reads the root parameter inside: Next then stores two entries, one of them a redirect. */
async function greeting() {
  'use cache'
  const language = await lang()
  cacheTag(`greeting-${language}`)
  cacheLife('hours')
  return generation(`greeting-${language}`)
}

export default async function Page() {
  return <Report generation={await greeting()} />
}
