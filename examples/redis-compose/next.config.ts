import type { NextConfig } from 'next'
import { withTiercel } from 'tiercel/config'

const nextConfig: NextConfig = {
  // A folder with the server and all that it needs: the image copies it.
  output: 'standalone',
}

export default withTiercel(nextConfig)
