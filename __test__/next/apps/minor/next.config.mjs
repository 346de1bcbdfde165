import { fixtureConfig } from './fixture-config.mjs'

/** `useCache` alone: with Cache Components the same app could hold no ISR page. */
export default fixtureConfig(import.meta.url, (tiercel) => ({
  experimental: { useCache: true },
  ...(tiercel && { cacheHandlers: { default: tiercel, remote: tiercel } }),
}))
