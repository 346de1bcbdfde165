import type { NextConfig } from 'next'
import { withTiercel } from 'tiercel/config'

const nextConfig: NextConfig = {
  cacheComponents: true,
  partialPrefetching: true,
}

export default withTiercel(nextConfig)
