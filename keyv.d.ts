import { EventEmitter } from 'node:events'
import type { Duration } from './app.js'

/**
 * A store for Keyv, over `kv`. Each `Keyv` takes one of its own.
 *
 * @example
 * const products = new Keyv({ store: new KeyvTiercel('products'), namespace: 'v1', ttl: 60_000 })
 */
export class KeyvTiercel extends EventEmitter {
  /**
   * @param name keeps its keys apart: 1 to 64 of `A-Z a-z 0-9 . _ / -`. `'keyv'` by default
   * @param options `ttl`: how long what is set without a time lives; `'30d'` by default
   */
  constructor(name?: string, options?: { ttl?: Duration })

  opts: any
  /** Set by Keyv. */
  namespace?: string
  get(key: string): Promise<any>
  getMany(keys: string[]): Promise<any[]>
  /** @param ttl in ms */
  set(key: string, value: any, ttl?: number): Promise<void>
  setMany(all: { key: string; value: any; ttl?: number }[]): Promise<void>
  delete(key: string): Promise<boolean>
  /** Whether one of them was there. */
  deleteMany(keys: string[]): Promise<boolean>
  has(key: string): Promise<boolean>
  hasMany(keys: string[]): Promise<boolean[]>
  /** Nothing of its namespace is there, in any process, by the time it resolves. */
  clear(): Promise<void>
  /** Does nothing: the connection is that of the process. */
  disconnect(): Promise<void>
}
