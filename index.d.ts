/**
 * Tiercel: a cache engine for Next.js 16.
 *
 * One class serves both options of next.config: its instances are `cacheHandler` (pages, routes,
 * `fetch`, `unstable_cache`, images), and the class itself is one of `cacheHandlers` (`'use cache'`).
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
  /** Stores `value`, unless its kind is unknown. Never rejects. */
  set(key: string, value: any, context: any): Promise<void>
  /**
   * Invalidates tags: in effect here immediately, and on every instance when it resolves. Without
   * `durations` entries are gone; with them entries are stale now, and gone after `durations.expire`
   * seconds.
   */
  revalidateTag(tags: string | string[], durations?: TiercelHandler.Durations): Promise<void>
  /** Called by Next.js when a request begins. */
  resetRequestCache(): void

  /**
   * The entry of `key`, each time with a new stream, or `undefined` for a miss. Waits for a set of the
   * key that is under way. Settles within 2.5 s and never rejects.
   */
  static get(key: string, softTags: string[]): Promise<TiercelHandler.Entry | undefined>
  /** Stores an entry once its stream has ended, unless it ended with an error. Never rejects. */
  static set(key: string, pendingEntry: Promise<TiercelHandler.Entry>): Promise<void>
  /** Does nothing: invalidations arrive by themselves. */
  static refreshTags(): Promise<void>
  /** `Infinity`, which tells Next.js that `get` judges soft tags itself. */
  static getExpiration(tags: string[]): Promise<number>
  /** See {@link TiercelHandler.revalidateTag}. */
  static updateTags(tags: string | string[], durations?: TiercelHandler.Durations): Promise<void>
  /** The name of {@link TiercelHandler.updateTags} in Next.js 15. */
  static expireTags(tags: string | string[], durations?: TiercelHandler.Durations): Promise<void>

  /**
   * Sets options for this process. Call it in the module that next.config names, before the first
   * request. Calling it again with the same options changes nothing. Each option also has an
   * environment variable, which counts if the object does not set it. Returns the class it is called
   * on.
   *
   * @throws {Error} with `code` `TIERCEL_INVALID_OPTION`, `TIERCEL_UNKNOWN_OPTION`,
   *   `TIERCEL_INVALID_OPTIONS` or `TIERCEL_ALREADY_RUNNING`
   */
  static configure<Handler>(this: Handler, options?: TiercelHandler.Options): Handler
  /** Counters of this process since it started. */
  static stats(): TiercelHandler.Stats
  /**
   * Whether this process may receive traffic, for a readiness probe. Without a shared tier it is ready
   * immediately; with one, once it has loaded all past invalidations, and 10 s after its start at the
   * latest. From then on it stays ready, even while the server is away, because no request needs the
   * server. Starts the engine. Settles within `timeoutMs` and never rejects.
   *
   * @example
   * // app/api/ready/route.js
   * export async function GET() {
   *   await connection()
   *   const state = await Tiercel.ready()
   *   return Response.json(state, { status: state.ready ? 200 : 503 })
   * }
   */
  static ready(options?: TiercelHandler.ReadyOptions): Promise<TiercelHandler.Readiness>
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
     * How long a `fetch` that is under way, here or in another process, is waited for, in ms; 0 = not
     * at all. What counts is when it began: then one of those who wait makes one more, and the others
     * wait for that, no longer than `waitMs` in all.
     * @default 1200, or `TIERCEL_FETCH_WAIT_MS`; at most 2200
     */
    fetchWaitMs?: number
    /**
     * How long any other generation that is under way, here or in another process, is waited for, and
     * how long a get waits in all, in ms; 0 = not at all.
     * @default 2200, or `TIERCEL_WAIT_MS`; at most 2200
     */
    waitMs?: number
    /**
     * Whether misses of pages, routes, `fetch` and `unstable_cache` look into what `next build` left.
     * @default true, or `TIERCEL_PRERENDERED`
     */
    prerendered?: boolean
    /**
     * By how much of its time an entry turns stale early, at most, in percent, 0 to 50; how much is
     * decided by its key. What was stored together is then not generated anew together.
     * @default 5, or `TIERCEL_JITTER_PERCENT`
     */
    jitterPercent?: number
    /**
     * For which last part of its time an entry that many ask for is generated anew before it turns
     * stale, in percent, 0 to 50; 0 = not. Many are 8 gets in one process.
     * @default 0, or `TIERCEL_REFRESH_AHEAD_PERCENT`
     */
    refreshAheadPercent?: number
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

    /**
     * Where Redis or Valkey is, such as `rediss://user:password@host:6379/0`; `docs/redis.md` of the
     * repository lists the spellings. `'none'` = memory only, also where a variable names a server.
     * @default memory only, or `TIERCEL_REDIS_URL`, or `REDIS_URL`
     */
    redisUrl?: string | null
    /**
     * User of the access list; wins over the URL's. Needs a password.
     * @default the URL's, or `TIERCEL_REDIS_USERNAME`
     */
    redisUsername?: string
    /**
     * Password as it is, not percent-encoded; wins over the URL's.
     * @default the URL's, or `TIERCEL_REDIS_PASSWORD`
     */
    redisPassword?: string
    /**
     * Numbered database, 0 to 255, in a cluster 0; wins over the URL's.
     * @default the URL's, else 0, or `TIERCEL_REDIS_DATABASE`
     */
    redisDatabase?: number
    /**
     * Whether connections are encrypted; wins over the URL's scheme.
     * @default true with `rediss://`, or `TIERCEL_REDIS_TLS`
     */
    redisTls?: boolean
    /**
     * PEM file of the authorities that may have signed the server's certificate. This and the
     * options of TLS below are refused where connections are not encrypted.
     * @default the platform's authorities, or `TIERCEL_REDIS_TLS_CA_FILE`
     */
    redisTlsCaFile?: string
    /**
     * PEM file of the certificate this process proves itself with. Needs `redisTlsKeyFile`.
     * @default none, or `TIERCEL_REDIS_TLS_CERT_FILE`
     */
    redisTlsCertFile?: string
    /**
     * PEM file of the key of that certificate.
     * @default none, or `TIERCEL_REDIS_TLS_KEY_FILE`
     */
    redisTlsKeyFile?: string
    /**
     * The name the server's certificate must be for.
     * @default the host's, or `TIERCEL_REDIS_TLS_SERVER_NAME`
     */
    redisTlsServerName?: string
    /**
     * Whether the server's certificate is checked. `false` trusts whoever answers.
     * @default true, or `TIERCEL_REDIS_TLS_VERIFY`
     */
    redisTlsVerify?: boolean
    /**
     * What the Sentinels call the primary; wins over the URL's.
     * @default the URL's, or `TIERCEL_REDIS_SENTINEL_NAME`
     */
    redisSentinelName?: string
    /**
     * User of the Sentinels themselves; they never get the server's login.
     * @default the URL's `sentinelUsername`, or `TIERCEL_REDIS_SENTINEL_USERNAME`
     */
    redisSentinelUsername?: string
    /**
     * Password of the Sentinels themselves.
     * @default the URL's `sentinelPassword`, or `TIERCEL_REDIS_SENTINEL_PASSWORD`
     */
    redisSentinelPassword?: string
    /**
     * Takes the hosts of a `redis://` URL as a cluster's: its configuration endpoint, or some nodes.
     * @default true with `redis+cluster://`, or `TIERCEL_REDIS_CLUSTER`
     */
    redisCluster?: boolean
    /**
     * Keeps apps that share a server apart: 1 to 64 of `A-Z a-z 0-9 . _ : -`.
     * @default found out from the app, or `TIERCEL_NAMESPACE`
     */
    namespace?: string
    /**
     * Authenticates stored entries, so that nobody else who can write to the server can plant one:
     * 16 characters or more, the same in all processes.
     * @default entries are not authenticated, or `TIERCEL_SECRET`
     */
    secret?: string
    /**
     * How long one command may take, in ms, 10 to 2000; beyond, it is a miss.
     * @default 100, or `TIERCEL_COMMAND_TIMEOUT_MS`
     */
    commandTimeoutMs?: number
    /**
     * What pages belong to, such as a commit, where each instance builds for itself: 1 to 64 of the
     * characters `A-Z a-z 0-9 . _ : -`. It must be another one for each deploy.
     * @default the build that is served, and copies of it, or `TIERCEL_BUILD_NAME`
     */
    buildName?: string
    /**
     * How long opening a connection may take, in ms, 100 to 30000. No request waits for it.
     * @default 2000, or `TIERCEL_CONNECT_TIMEOUT_MS`
     */
    connectTimeoutMs?: number
    /**
     * Bound of the entries waiting to be written, in MiB, 1 to 1024; beyond, entries are not shared.
     * @default 32, or `TIERCEL_WRITE_QUEUE_MB`
     */
    writeQueueMb?: number
    /**
     * Whether entries are stored compressed.
     * @default true, or `TIERCEL_COMPRESS`
     */
    compress?: boolean
    /**
     * Whether a deploy begins without what `fetch` and `unstable_cache` stored before it.
     * @default false, or `TIERCEL_ISOLATE_FETCH`
     */
    isolateFetch?: boolean
    /**
     * Whether `next build` connects, and so warms the shared tier.
     * @default false, or `TIERCEL_REDIS_IN_BUILD`
     */
    redisInBuild?: boolean
    /**
     * Whether `next dev` connects.
     * @default false, or `TIERCEL_REDIS_IN_DEV`
     */
    redisInDev?: boolean
    /**
     * How an invalidation ends that could not be recorded because the server is away. It is in
     * effect in this process, and recorded later, in both cases.
     * @default 'resolve', or `TIERCEL_ON_INVALIDATION_FAILURE`
     */
    onInvalidationFailure?: 'resolve' | 'reject'
    /**
     * Repeats each invalidation this much later, in ms, 0 to 60000; 0 = not. For apps that read
     * from a database replica that lags behind what was written.
     * @default 0, or `TIERCEL_INVALIDATION_GRACE_MS`
     */
    invalidationGraceMs?: number
    /**
     * How long memory goes on answering while the server is away, in ms, 0 to 3600000.
     * @default 30000, or `TIERCEL_OUTAGE_SERVE_MS`
     */
    outageServeMs?: number
  }

  interface ReadyOptions {
    /**
     * How long this call waits for the shared tier, in ms, at most 60000; 0 does not wait.
     * @default 500
     */
    timeoutMs?: number
    /**
     * How long after its start an absent server holds this process back, in ms; with `Infinity` until
     * it has connected once.
     * @default 10000
     */
    giveUpMs?: number
  }

  interface Readiness {
    ready: boolean
    /**
     * The state of the shared tier.
     *
     * - `none`: there is none.
     * - `connected`: this process knows every invalidation.
     * - `connecting`: the first connection is being made, or the table of tags is being loaded.
     * - `away`: the server does not answer.
     * - `denied`: the server forbids commands that invalidations need.
     * - `unknown`: the call ran in the edge runtime, where there is no engine; `ready` is false.
     */
    shared: 'none' | 'connected' | 'connecting' | 'away' | 'denied' | 'unknown'
  }

  /** One decision. */
  interface Decision {
    call: 'get' | 'set' | 'invalidate'
    kind: 'USE_CACHE' | 'APP_PAGE' | 'APP_ROUTE' | 'PAGES' | 'FETCH' | 'IMAGE' | 'REDIRECT' | 'TAG'
    /** The key, shortened, or the tags of an invalidation. */
    key: string
    /** The tier that the entry came from or went to. */
    tier: 'memory' | 'shared' | 'prerendered' | 'none'
    outcome: 'fresh' | 'stale' | 'miss' | 'stored' | 'dropped' | 'hard' | 'soft'
    /** Why, in words. */
    reason: string
  }

  interface Durations {
    /** Seconds until an entry that is stale now is gone. */
    expire?: number
  }

  /** The fields that are read of the context that Next.js passes to a `cacheHandler`. */
  interface Context {
    dev?: boolean
    serverDistDir?: string
  }

  /** The result of `get` of a `cacheHandler`. */
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
    /** From the shared tier; memory holds the entry from then on. */
    sharedFresh: number
    sharedStale: number
    /** From prerendered build output, or data that the build fetched. */
    prerenderedFresh: number
    prerenderedStale: number
  }

  /** Time spent in the engine, in microseconds, measured for one call in 64. */
  interface LatencyStats {
    measured: number
    p50Micros: number
    p95Micros: number
    p99Micros: number
  }

  /** Generations that several requests needed. Without a shared tier only those of this process. */
  interface LeaseStats {
    /** Leases that this process got: for each it generated one entry for the whole fleet. */
    taken: number
    /** Gets that waited for a generation in another process. */
    followed: number
    /** Of those, gets whose wait timed out, so that they generated too. */
    timedOut: number
    /** Gets that waited and were served the result. */
    saved: number
    /** Gets that were served a stale entry as if it were fresh, while another request generated. */
    staleMeanwhile: number
  }

  /** The shared tier: totals since the process started, and its present state. */
  interface SharedStats {
    /** The server, without a password: `redis cache:6379/0`. */
    place: string
    namespace: string
    /** Connections open now. */
    connections: number
    /** How long memory may answer from now on without asking the server, in ms. */
    leaseMs: number
    /**
     * Whether the server is away, or no longer lets this process follow invalidations. Memory answers
     * for `outageServeMs`.
     */
    isAway: boolean
    /** Whether commands fail immediately, because the server did not answer the last ones. */
    isBroken: boolean
    /**
     * The present refusal of a server that answers: `keys` or the command that this user may not touch
     * or run, `commands` if the server does not say which, or the code of an error such as `MISCONF`.
     * Empty if it refuses nothing.
     */
    refuses: string
    /** How often `isBroken` became true. */
    breaks: number
    /** Connections replaced because they did not answer. */
    replacedConnections: number
    /** Commands that were not answered in time. */
    timeouts: number
    /** Writes waiting now, and their bytes. */
    queuedWrites: number
    queuedBytes: number
    /** Writes dropped because the queue was full. */
    droppedWrites: number
    /** Stored bytes that were not the entry asked for, which is a miss. */
    brokenEntries: number
    /** Invalidations that could not be recorded immediately. */
    unrecorded: number
    /** Time until an invalidation was in effect everywhere, measured for each one. */
    invalidation: LatencyStats
  }

  /** Totals since the process started, and the present contents. */
  interface Stats {
    useCache: KindStats
    appPage: KindStats
    appRoute: KindStats
    pages: KindStats
    fetch: KindStats
    image: KindStats
    memory: { entries: number; bytes: number; capacityBytes: number; evictions: number }
    /** Absent without a shared tier. */
    shared?: SharedStats
    leases: LeaseStats
    /** Entries stored. */
    sets: number
    /** Values not stored: invalidated while generated, too large, failed, dynamic. */
    dropped: number
    /** Values over `maxEntryMb`, which memory does not hold. The log names those that no tier holds. */
    tooLarge: number
    /** Invalidations; repeats of one user call count once. */
    invalidations: number
    /** Tags remembered now. */
    tags: number
    /** Gets that waited for another get and were served its result. */
    joined: number
    /** Gets whose wait timed out. */
    waitTimeouts: number
    /** Keys being generated now, and keys that no request waits for, because they were not stored. */
    flights: number
    /** Panics of the engine that were caught and answered with a miss. */
    panics: number
    get: LatencyStats
    set: LatencyStats
  }
}

export = TiercelHandler
