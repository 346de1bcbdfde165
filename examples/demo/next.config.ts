import type { NextConfig } from 'next'

const handler = require.resolve('./cache-handler.js')

const config: NextConfig = {
  cacheComponents: true,
  partialPrefetching: true,

  // One file for both options: Next.js constructs the class for `cacheHandler`
  // and calls its static methods for `cacheHandlers`.
  cacheHandler: handler,
  cacheHandlers: { default: handler, remote: handler },

  // Next.js keeps no second copy in front of the handler.
  cacheMaxMemorySize: 0,

  images: {
    customCacheHandler: true,
    qualities: [50, 75, 90],
  },

  // This folder is the whole application, whatever lies above it.
  turbopack: { root: __dirname },
  outputFileTracingRoot: __dirname,

  agentRules: false,
  poweredByHeader: false,
}

export default config
