'use server'

import { revalidatePath, revalidateTag, updateTag } from 'next/cache'
import { memory } from '../lib/memory'

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
]

// A server action is a public endpoint: it accepts the tags of this demo only.
function note(tag: string) {
  if (!tags.includes(tag)) throw new Error(`Not a tag of this demo: ${tag}`)
  memory.invalidatedAt[tag] = Date.now()
}

/** Entries with the tag are gone at once. */
export async function expireTag(tag: string) {
  note(tag)
  updateTag(tag)
}

/** Entries with the tag are served once more while a new one is generated. */
export async function staleTag(tag: string) {
  note(tag)
  revalidateTag(tag, 'max')
}

/** Like `expireTag`, with the function that also works in route handlers. */
export async function dropTag(tag: string) {
  note(tag)
  revalidateTag(tag, { expire: 0 })
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
  memory.price = price
  await expireTag('price')
}

export async function signGuestBook(form: FormData) {
  const name = String(form.get('name') ?? '')
    .trim()
    .slice(0, 40)
  if (!name) return
  memory.guests = [{ name, at: Date.now() }, ...memory.guests].slice(0, 6)
  await expireTag('guests')
}
