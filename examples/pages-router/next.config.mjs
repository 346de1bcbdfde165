import { createRequire } from 'node:module'

const tiercel = createRequire(import.meta.url).resolve('tiercel')

export default {
  cacheHandler: tiercel,
  cacheMaxMemorySize: 0, // Next.js' own memory cache would hold everything a second time
}
