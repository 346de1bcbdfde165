import { cacheLife, cacheTag } from 'next/cache'

async function headline() {
  'use cache'
  cacheLife('hours')
  cacheTag('headline')
  return `Generated at ${new Date().toISOString()}`
}

export default async function Page() {
  return <h1>{await headline()}</h1>
}
