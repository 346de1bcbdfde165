import type { CacheHandler } from 'next/cache'
import Tiercel from 'tiercel'

/** From 16.4 on Next exports the type by a public name. */
export const handler: CacheHandler = Tiercel
