import { fixtureConfig } from './fixture-config.mjs'

export default fixtureConfig(import.meta.url, (tiercel) => ({
  images: { customCacheHandler: tiercel !== undefined },
}))
