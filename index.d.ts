/**
 * Tiercel: a cache engine for Next.js 16.
 *
 * One class serves both options of next.config: its instances are `cacheHandler` (pages, routes,
 * fetch, images), the class itself is one of `cacheHandlers` (`'use cache'`).
 *
 * @example
 * // next.config.mjs
 * import { createRequire } from 'node:module'
 * const require = createRequire(import.meta.url)
 * export default {
 *   cacheHandler: require.resolve('tiercel'),
 *   cacheHandlers: { default: require.resolve('tiercel'), remote: require.resolve('tiercel') },
 * }
 */
declare class TiercelHandler {
  /** Next.js constructs several per request; all share one engine per process. */
  constructor(context?: TiercelHandler.Context)

  /** The entry of `key`, or `null` for a miss. Settles within 2.5 s and never rejects. */
  get(key: string, context: any): Promise<TiercelHandler.Found | null>
  /** Stores `value`; a kind of value that is not known is not stored. Never rejects. */
  set(key: string, value: any, context: any): Promise<void>
  /**
   * Invalidates tags, in effect when it resolves: hard without `durations`, else stale now and dead
   * after `durations.expire` seconds.
   */
  revalidateTag(tags: string | string[], durations?: TiercelHandler.Durations): Promise<void>
  /** Forgets what this instance noted of its request. */
  resetRequestCache(): void

  /**
   * The entry of `key`, or `undefined` for a miss; each with a stream of its own. Waits for a set
   * of the key that is under way. Settles within 2.5 s and never rejects.
   */
  static get(key: string, softTags: string[]): Promise<TiercelHandler.Entry | undefined>
  /** Stores an entry once its stream has ended; an errored one is not stored. Never rejects. */
  static set(key: string, pendingEntry: Promise<TiercelHandler.Entry>): Promise<void>
  /** Nothing to do: invalidations are in effect where they are made. */
  static refreshTags(): Promise<void>
  /** `Infinity`: soft tags are judged in `get`. */
  static getExpiration(tags: string[]): Promise<number>
  /** See {@link TiercelHandler.revalidateTag}. */
  static updateTags(tags: string | string[], durations?: TiercelHandler.Durations): Promise<void>
  /** The name of {@link TiercelHandler.updateTags} in Next.js 15. */
  static expireTags(tags: string | string[], durations?: TiercelHandler.Durations): Promise<void>

  /**
   * Chooses options for this process. Call it in the module that next.config names, before the
   * first request; the same options again are fine. Each option also has an environment variable,
   * which counts where the object says nothing.
   *
   * @throws {Error} with `code` `TIERCEL_INVALID_OPTION`, `TIERCEL_UNKNOWN_OPTION`,
   *   `TIERCEL_INVALID_OPTIONS` or `TIERCEL_ALREADY_RUNNING`
   */
  static configure(options?: TiercelHandler.Options): typeof TiercelHandler
  /** What this process has counted since it started. */
  static stats(): TiercelHandler.Stats
}

declare namespace TiercelHandler {
  interface Options {
    /**
     * Bound of the memory tier, in MiB; 0 = no memory tier.
     * @default 64, or `TIERCEL_MEMORY_MB`
     */
    memoryMb?: number
    /**
     * Bound of one entry, in MiB.
     * @default a quarter of `memoryMb`, at least 1, or `TIERCEL_MAX_ENTRY_MB`
     */
    maxEntryMb?: number
    /**
     * Returned objects that are kept ready, per thread.
     * @default 4096, or `TIERCEL_HOT_ENTRIES`
     */
    hotEntries?: number
    /**
     * Bound of the entries those objects belong to, in MiB.
     * @default half of `memoryMb`, or `TIERCEL_HOT_MB`
     */
    hotMb?: number
    /**
     * How long a `fetch` miss waits for the same fetch under way, in ms; 0 = not at all.
     * @default 1200, or `TIERCEL_FETCH_WAIT_MS`; at most 2200
     */
    fetchWaitMs?: number
    /**
     * How long any other get waits for a set or a generation under way, in ms; 0 = not at all.
     * @default 2200, or `TIERCEL_WAIT_MS`; at most 2200
     */
    waitMs?: number
    /**
     * Whether misses of pages and routes look into the build output.
     * @default true, or `TIERCEL_PRERENDERED`
     */
    prerendered?: boolean
    /**
     * Tags whose invalidation is remembered, 100 to 10 000 000. Beyond, the oldest are forgotten
     * and entries older than those are not served.
     * @default 100000, or `TIERCEL_MAX_TAGS`
     */
    maxTags?: number
    /**
     * Prints a line per decision to standard error, or hands each to a function.
     * @default false, or `TIERCEL_DEBUG`, or `NEXT_PRIVATE_DEBUG_CACHE`
     */
    debug?: boolean | ((decision: Decision) => void)
  }

  /** One decision. */
  interface Decision {
    call: 'get' | 'set' | 'invalidate'
    kind: 'USE_CACHE' | 'APP_PAGE' | 'APP_ROUTE' | 'PAGES' | 'FETCH' | 'IMAGE' | 'REDIRECT' | 'TAG'
    /** The key, shortened; of an invalidation the tags. */
    key: string
    /** Where it came from or went to. */
    tier: 'memory' | 'prerendered' | 'none'
    outcome: 'fresh' | 'stale' | 'miss' | 'stored' | 'dropped' | 'hard' | 'soft'
    /** Why, in words. */
    reason: string
  }

  interface Durations {
    /** Seconds until what is stale now is dead. */
    expire?: number
  }

  /** What Next.js hands to a `cacheHandler`; only these are read. */
  interface Context {
    dev?: boolean
    serverDistDir?: string
  }

  /** What `cacheHandler.get` returns. */
  interface Found {
    /** On the clock of `performance.timeOrigin + performance.now()`, in ms. */
    lastModified: number
    value: any
    cacheControl?: { revalidate: number | false; expire: number | undefined }
    [other: string]: unknown
  }

  /** An entry of `'use cache'`. Durations in seconds. */
  interface Entry {
    value: ReadableStream<Uint8Array>
    tags: string[]
    stale: number
    /** When its generation began, on the clock of `performance.timeOrigin + performance.now()`, in ms. */
    timestamp: number
    expire: number
    revalidate: number
  }

  /** Answers to gets of one kind. */
  interface KindStats {
    /** From memory, fresh. */
    fresh: number
    /** From memory, stale by age or tag. */
    stale: number
    misses: number
    /** From prerendered build output. */
    prerenderedFresh: number
    prerenderedStale: number
  }

  /** Time inside the engine, in microseconds, of one call in 64. */
  interface LatencyStats {
    measured: number
    p50Micros: number
    p95Micros: number
    p99Micros: number
  }

  /** Totals since the process started, but for what is held now. */
  interface Stats {
    useCache: KindStats
    appPage: KindStats
    appRoute: KindStats
    pages: KindStats
    fetch: KindStats
    image: KindStats
    memory: { entries: number; bytes: number; capacityBytes: number; evictions: number }
    /** Entries stored. */
    sets: number
    /** Values not stored: invalidated while generated, too large, failed, dynamic. */
    dropped: number
    /** Invalidations; repeats of one user call count once. */
    invalidations: number
    /** Tags remembered now. */
    tags: number
    /** Gets that waited for another and were served from it. */
    joined: number
    /** Gets that waited in vain. */
    waitTimeouts: number
    /** Keys under way now, or passed because theirs could not be stored. */
    flights: number
    /** Panics caught and answered with a miss. */
    panics: number
    get: LatencyStats
    set: LatencyStats
  }
}

export = TiercelHandler
