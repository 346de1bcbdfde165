import { refresh, revalidatePath, revalidateTag, updateTag } from 'next/cache'
import { after } from 'next/server'
import Tiercel from 'tiercel'
import { plain } from '../../../lib/cached.js'
import { Report } from '../../../lib/report.js'

/** The button pressed is the invalidation made. */
async function act(form) {
  'use server'
  const how = form.get('how')
  if (how === 'update') updateTag('plain-action')
  if (how === 'max') revalidateTag('plain-action', 'max')
  if (how === 'zero') revalidateTag('plain-action', { expire: 0 })
  if (how === 'path') revalidatePath('/cached-action')
  if (how === 'refresh') refresh()
  if (how === 'directly') {
    updateTag('plain-action')
    after(() => Tiercel.updateTags(['plain-action']))
  }
}

export default async function Page() {
  return (
    <form action={act}>
      <Report generation={await plain('action')} />
    </form>
  )
}
