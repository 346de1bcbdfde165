import type TiercelHandler = require('./index.js')

/**
 * What `withTiercel` takes: every option of `configure()` that is no function, since functions do not
 * reach the processes that serve. `debug: true` prints.
 */
export type TiercelOptions = {
  [Name in keyof TiercelHandler.Options]: Exclude<
    TiercelHandler.Options[Name],
    (...args: never[]) => unknown
  >
}

/**
 * Makes Tiercel the cache of an app: wraps what next.config exports, which may be an object or a
 * function, also an async one.
 *
 * It sets `cacheHandler`, `cacheMaxMemorySize: 0`, `images.customCacheHandler` where Next.js has it,
 * `cacheHandlers` if the app uses `'use cache'`, and the root of the repository where Next.js would
 * take one that Tiercel lies outside of. What the app has set itself stays.
 *
 * @example
 * // next.config.ts
 * import type { NextConfig } from 'next'
 * import { withTiercel } from 'tiercel/config'
 *
 * const nextConfig: NextConfig = {}
 * export default withTiercel(nextConfig)
 *
 * @param nextConfig what next.config would export without it
 * @param options counts where `configure()` says nothing, and wins over the environment
 * @throws {Error} with `code` `TIERCEL_CONFLICT`: the app names another `cacheHandler`;
 *   `TIERCEL_INVALID_OPTION`: a function, or a password that would become part of a standalone build
 */
export function withTiercel<Config>(nextConfig?: Config, options?: TiercelOptions): Config
