import { NextResponse } from 'next/server'
import { origin } from './lib/origin.js'

export const config = { matcher: '/proxied' }

/** Since 16.2 the bundle of this file holds a copy of the cache handler's entry. */
export async function proxy() {
  const n = await origin('proxy', { next: { revalidate: 3600, tags: ['proxy'] } })
  return NextResponse.next({ headers: { 'x-proxy-origin': String(n) } })
}
