import { updateTag } from 'next/cache'
import { generation } from '../../lib/generation.js'
import { origin } from '../../lib/origin.js'
import { Report } from '../../lib/report.js'

export const revalidate = 3600

async function update() {
  'use server'
  updateTag('action')
}

export default async function Page() {
  const n = await origin('action', { next: { tags: ['action'] } })
  return (
    <form action={update}>
      <Report generation={generation('action')} origin={n} />
    </form>
  )
}
