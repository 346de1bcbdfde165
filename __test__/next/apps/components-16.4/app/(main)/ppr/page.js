import { connection } from 'next/server'
import { Suspense } from 'react'
import { plain } from '../../../lib/cached.js'
import { generation } from '../../../lib/generation.js'
import { Report } from '../../../lib/report.js'

async function Hole() {
  await connection()
  return <aside data-hole={generation('hole')}>streamed</aside>
}

/** A prerendered shell around a hole that every request fills anew. */
export default async function Page() {
  return (
    <>
      <Report generation={await plain('ppr')} />
      <Suspense fallback={<aside>waiting</aside>}>
        <Hole />
      </Suspense>
    </>
  )
}
