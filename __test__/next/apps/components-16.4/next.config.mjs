import { fixtureConfig } from './fixture-config.mjs'

export default fixtureConfig(import.meta.url, (tiercel) => ({
  cacheComponents: true,
  ...(tiercel && { cacheHandlers: { default: tiercel, remote: tiercel } }),
}))
