import { createRequire } from 'node:module'
import type { NextConfig } from 'next'

const tiercel = createRequire(import.meta.url).resolve('tiercel')

const config: NextConfig = {
  cacheComponents: true,
  partialPrefetching: true,
  cacheHandler: tiercel,
  cacheHandlers: { default: tiercel, remote: tiercel },
  cacheMaxMemorySize: 0, // Next.js' own memory cache would hold everything a second time
}

export default config
