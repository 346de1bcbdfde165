import { createRequire } from 'node:module'
import type { NextConfig } from 'next'

const tiercel = createRequire(import.meta.url).resolve('tiercel')

const config: NextConfig = {
  // A folder with the server and all that it needs: the image copies it.
  output: 'standalone',
  cacheHandler: tiercel,
  cacheMaxMemorySize: 0,
}

export default config
