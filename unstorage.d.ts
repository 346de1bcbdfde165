import type { Duration } from './app.js'

/**
 * A driver of unstorage, over `kv`.
 *
 * @example
 * const storage = createStorage({ driver: driver({ base: 'docs', ttl: '1d' }) })
 */
declare function driver(options?: driver.Options): driver.Driver

declare namespace driver {
  interface Options {
    /** Keeps its keys apart: 1 to 64 of `A-Z a-z 0-9 . _ / -`. @default 'unstorage' */
    base?: string
    /** How long what is set without a `ttl` of its own lives. @default '30d' */
    ttl?: Duration
    /** What Nitro was told; without effect. */
    driver?: string
  }

  /** `ttl`: in seconds. */
  interface SetOptions {
    ttl?: number
  }

  interface Driver {
    name: string
    options: Options
    hasItem(key: string): Promise<boolean>
    getItem(key: string): Promise<string | null>
    getItemRaw(key: string): Promise<Buffer | null>
    setItem(key: string, value: string, options?: SetOptions): Promise<void>
    setItemRaw(
      key: string,
      value: string | Uint8Array | ArrayBuffer,
      options?: SetOptions,
    ): Promise<void>
    removeItem(key: string): Promise<void>
    /** @throws `TIERCEL_NO_KEYS`: keys cannot be listed */
    getKeys(): Promise<string[]>
    /**
     * Nothing is there, in any process, by the time it resolves.
     * @throws `TIERCEL_NO_KEYS` for a part of it
     */
    clear(base?: string): Promise<void>
  }
}

export = driver
