import type { Duration } from './app.js'

/** What `betterAuth` calls `secondaryStorage`. */
export interface SecondaryStorage {
  get(key: string): Promise<string | null>
  /** @param ttl in seconds */
  set(key: string, value: string, ttl?: number): Promise<void>
  delete(key: string): Promise<void>
  getAndDelete(key: string): Promise<string | null>
  /** Adds one. @param ttl in seconds, of a count that is new */
  increment(key: string, ttl: number): Promise<number>
}

/**
 * The secondary storage of better-auth: sessions, verifications and counts of requests lie in `kv`.
 * Calls reject as those of `tiercel/app` do.
 *
 * @example
 * export const auth = betterAuth({ secondaryStorage: secondaryStorage() })
 *
 * @param name keeps its keys apart: 1 to 64 of `A-Z a-z 0-9 . _ / -`. `'better-auth'` by default
 * @param options `ttl`: how long what is set without a time lives; `'30d'` by default
 */
export function secondaryStorage(name?: string, options?: { ttl?: Duration }): SecondaryStorage
