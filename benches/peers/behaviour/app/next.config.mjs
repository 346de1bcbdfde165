import { own } from './handlers.mjs'

/** `useCache` alone: with Cache Components the same app could hold no ISR page. */
export default {
  generateBuildId: () => 'first',
  outputFileTracingRoot: process.env.APP_ROOT,
  turbopack: { root: process.env.APP_ROOT },
  ...own,
  experimental: { useCache: true },
}
