'use server'

import { refresh, revalidatePath, revalidateTag, updateTag } from 'next/cache'
import { cache } from 'tiercel/app'
import { database } from '../lib/database'

const tags = [
  'report',
  'measurement',
  'rate-EUR',
  'rate-JPY',
  'price',
  'guests',
  'headline',
  'quote',
  'origin',
  'ranking',
  'products',
]

// A server action is a public endpoint: it accepts the tags of this demo only.
function known(tag: string) {
  if (!tags.includes(tag)) throw new Error(`Not a tag of this demo: ${tag}`)
  return tag
}

/** Entries with the tag are gone immediately. */
export async function expireTag(tag: string) {
  updateTag(known(tag))
}

/** Entries with the tag are served once more while a new one is generated. */
export async function staleTag(tag: string) {
  revalidateTag(known(tag), 'max')
}

/** Like `expireTag`, with the function that also works in route handlers. */
export async function dropTag(tag: string) {
  revalidateTag(known(tag), { expire: 0 })
}

/** With the function of the app's own code. Next.js is told to show the page again. */
export async function endProducts() {
  await cache.invalidateTags('products')
  refresh()
}

export async function refreshNotice() {
  revalidatePath('/revalidate-path')
}

export async function refreshQuote() {
  revalidatePath('/api/quote')
}

export async function setPrice(form: FormData) {
  const price = Math.round(Number(form.get('price')))
  if (!(price >= 1 && price <= 9999)) return
  await database.write('price', price)
  await expireTag('price')
}

export async function signGuestBook(form: FormData) {
  const name = String(form.get('name') ?? '')
    .trim()
    .slice(0, 40)
  if (!name) return
  const guests = await database.read<string[]>('guests', [])
  await database.write('guests', [name, ...guests].slice(0, 6))
  await expireTag('guests')
}
