import { connection } from 'next/server'
import { Suspense } from 'react'
import { around, countReads, perRequestOwn } from '../../../lib/own.js'
import { Report } from '../../../lib/report.js'

async function Part() {
  await connection()
  const { generation } = await perRequestOwn('page')
  return <i data-own={generation} />
}

async function Reads() {
  await connection()
  await Promise.all([perRequestOwn('page'), perRequestOwn('page')])
  return <b data-reads={countReads()} />
}

/** A shell made of a value of the app's own cache, and holes that read another. */
export default async function Page() {
  const { outer } = await around('shell')
  return (
    <>
      <Report generation={outer} />
      <Suspense>
        <Part />
        <Part />
        <Reads />
      </Suspense>
    </>
  )
}
