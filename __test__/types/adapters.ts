import { type BetterAuthOptions, betterAuth } from 'better-auth'
import Keyv, { type KeyvStoreAdapter } from 'keyv'
import { secondaryStorage } from 'tiercel/better-auth'
import { KeyvTiercel } from 'tiercel/keyv'
import driver from 'tiercel/unstorage'
import { createStorage, type Driver } from 'unstorage'

// What the packages ask for is what there is.
export const secondary: BetterAuthOptions['secondaryStorage'] = secondaryStorage('auth', {
  ttl: '7d',
})
export const store: KeyvStoreAdapter = new KeyvTiercel('products', { ttl: 60 })
export const mounted: Driver = driver({ base: 'docs', ttl: '1d' })

export const auth = betterAuth({ secondaryStorage: secondaryStorage() })
export const products = new Keyv<{ name: string }>({ store: new KeyvTiercel() })
export const storage = createStorage({ driver: driver() })

// @ts-expect-error: no such unit
new KeyvTiercel('products', { ttl: '5y' })
// @ts-expect-error: no such option
driver({ url: 'redis://h' })
// @ts-expect-error: proves that the types of better-auth were found and are compared
export const wrong: BetterAuthOptions['secondaryStorage'] = { get: 5 }
