/**
 * Tiercel: a cache engine for Next.js 16.
 *
 * One class serves both options of next.config: its instances are `cacheHandler` (pages, routes,
 * `fetch`, `unstable_cache`, images), and the class itself is one of `cacheHandlers` (`'use cache'`).
 *
 * @example
 * // next.config.ts or next.config.mjs
 * import { createRequire } from 'node:module'
 * const tiercel = createRequire(import.meta.url).resolve('tiercel')
 * export default {
 *   cacheHandler: tiercel,
 *   cacheHandlers: { default: tiercel, remote: tiercel },
 * }
 */
declare class TiercelHandler {
  /** Next.js constructs several per request; all share one engine per process. */
  constructor(context?: TiercelHandler.Context)

  /** The entry of `key`, or `null` for a miss. Settles within 2.5 s and never rejects. */
  get(key: string, context: TiercelHandler.GetContext): Promise<TiercelHandler.Found | null>
  /** Stores `value`, unless its kind is unknown. Never rejects. */
  set(
    key: string,
    value: TiercelHandler.Value | null,
    context: TiercelHandler.SetContext,
  ): Promise<void>
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
   * Sets options for this process, in addition to those of earlier calls. Call it in the module that
   * next.config names or in `instrumentation.ts`. Most options also have an environment variable, which
   * counts if no object sets them. Returns the class it is called on.
   *
   * @throws {Error} with `code` `TIERCEL_INVALID_OPTION`, `TIERCEL_UNKNOWN_OPTION`,
   *   `TIERCEL_INVALID_OPTIONS` or `TIERCEL_ALREADY_RUNNING`
   */
  static configure<Handler>(this: Handler, options?: TiercelHandler.Options): Handler
  /** Counters of this process since it started. */
  static stats(): TiercelHandler.Stats
  /**
   * The last decisions of this process, the newest first, as many as the option `decisions` says.
   * Starts the engine.
   *
   * @example
   * Tiercel.decisions({ key: '/blog/first', limit: 10 })
   */
  static decisions(query?: TiercelHandler.DecisionQuery): TiercelHandler.Decision[]
  /**
   * What each instance of the fleet has told of itself, {@link TiercelHandler.Options.snapshotSeconds}
   * ago at most: by name, this one included. Without a shared tier there is this one alone. Asks over
   * a connection that is opened for it. Starts the engine.
   *
   * @throws {Error} with `code` `TIERCEL_TROUBLE` if the server cannot be used
   */
  static instances(): Promise<TiercelHandler.Instance[]>
  /**
   * What the instances of the fleet remember about something: a path, a key, a tag, a part of the URL of
   * a `fetch`, or of the file and name of a `'use cache'` function. All instances are asked at that
   * moment; those that have not answered within a second are named. Without a shared tier this one
   * answers alone. Starts the engine.
   *
   * @example
   * const { decisions, silent } = await Tiercel.why('/blog/first')
   *
   * @throws {Error} with `code` `TIERCEL_TROUBLE` if the server cannot be used, or
   *   `TIERCEL_INVALID_ARGUMENT`
   */
  static why(about: string): Promise<TiercelHandler.Recollection>
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
    // Generated from `src/options/spec.rs`.
    /**
     * Size of the memory tier; 0 turns the memory tier off. In MiB, 0 to 1048576.
     * @default 64, or `TIERCEL_MEMORY_MB`
     */
    memoryMb?: number
    /**
     * Largest entry that memory holds. Redis takes entries of up to 16 MiB, or of this size if it
     * is larger. An entry that is too large for both is stored nowhere; a log line names its key
     * once an hour, for at most 64 keys an hour. In MiB, 1 to 1024.
     * @default a quarter of `memoryMb`, at least 1, or `TIERCEL_MAX_ENTRY_MB`
     */
    maxEntryMb?: number
    /**
     * Returned JavaScript objects that each thread keeps ready. From 0 to 1048576 objects.
     * @default 4096, or `TIERCEL_HOT_ENTRIES`
     */
    hotEntries?: number
    /**
     * Total size of the entries that those objects belong to. In MiB, 0 to 1048576.
     * @default half of `memoryMb`, or `TIERCEL_HOT_MB`
     */
    hotMb?: number
    /**
     * Tags whose invalidation is remembered. Beyond that number the engine forgets the oldest
     * invalidations and no longer serves entries from before them. From 100 to 10000000 tags.
     * @default 100000, or `TIERCEL_MAX_TAGS`
     */
    maxTags?: number
    /**
     * How long a `fetch` lookup waits for the same `fetch` under way, in this process or another
     * one, before one more is made; 0 never waits. The time counts from the moment the first one
     * began. Lookups that still wait then wait for the new one, no longer than `waitMs` in all. In
     * ms, 0 to 2200.
     * @default 1200, or `TIERCEL_FETCH_WAIT_MS`
     */
    fetchWaitMs?: number
    /**
     * How long a lookup of anything else waits for a generation under way, in this process or
     * another one, and the longest time that any get waits in all; 0 never waits. In ms, 0 to 2200.
     * @default 2200, or `TIERCEL_WAIT_MS`
     */
    waitMs?: number
    /**
     * Jitter: an entry may turn stale up to this share of its lifetime early, so that entries
     * stored together do not turn stale together. The key decides how early, so all instances
     * agree. In %, 0 to 50.
     * @default 5, or `TIERCEL_JITTER_PERCENT`
     */
    jitterPercent?: number
    /**
     * Early refresh: in this last share of its lifetime a popular entry is regenerated before it
     * turns stale; 0 turns early refresh off. Popular means 8 gets in one process. In %, 0 to 50.
     * @default 0, or `TIERCEL_REFRESH_AHEAD_PERCENT`
     */
    refreshAheadPercent?: number
    /**
     * Whether misses of pages, routes, `fetch` and `unstable_cache` look into the output of
     * `next build`.
     * @default true, or `TIERCEL_PRERENDERED`
     */
    prerendered?: boolean
    /**
     * Prints a line per decision to standard error. As an option it may also be a function, which
     * then receives each decision instead. `NEXT_PRIVATE_DEBUG_CACHE=1` turns it on as well.
     * @default false, or `TIERCEL_DEBUG`
     */
    debug?: boolean | ((decision: Decision) => void)
    /**
     * Receives each line for the operator, with its level and its code, instead of standard error.
     * If it throws, the line goes to standard error.
     * @default standard error
     */
    onNotice?: (notice: Notice) => void
    /**
     * Whether the lines of `debug` begin with the time and the number of the process.
     * @default false, or `TIERCEL_DEBUG_TIME`
     */
    debugTime?: boolean
    /**
     * Decisions that this process remembers, each a get, a set or an invalidation with its reason;
     * 0 remembers none. Read them with `decisions()`. From 0 to 1048576 decisions.
     * @default 4096, or `TIERCEL_DECISIONS`
     */
    decisions?: number
    /**
     * Where Redis or Valkey is, such as `rediss://user:password@host:6379/0`; `none` keeps
     * everything in memory, whatever the later sources name.
     * @default memory only, or `TIERCEL_REDIS_URL`, or `REDIS_URL`
     */
    redisUrl?: string | null
    /**
     * User of the access list; needs a password.
     * @default the URL's, or `TIERCEL_REDIS_USERNAME`
     */
    redisUsername?: string
    /**
     * Password, not percent-encoded.
     * @default the URL's, or `TIERCEL_REDIS_PASSWORD`
     */
    redisPassword?: string
    /**
     * Numbered database; in a cluster only 0. From 0 to 255.
     * @default the URL's, else 0, or `TIERCEL_REDIS_DATABASE`
     */
    redisDatabase?: number
    /**
     * Whether connections are encrypted.
     * @default true with `rediss://`, or `TIERCEL_REDIS_TLS`
     */
    redisTls?: boolean
    /**
     * Authorities that may have signed the server's certificate. Like the options of TLS below, it
     * is refused where connections are not encrypted.
     * @default the platform's authorities, or `TIERCEL_REDIS_TLS_CA_FILE`
     */
    redisTlsCaFile?: string
    /**
     * Certificate by which this process identifies itself; needs `redisTlsKeyFile`.
     * @default none, or `TIERCEL_REDIS_TLS_CERT_FILE`
     */
    redisTlsCertFile?: string
    /**
     * Key of that certificate.
     * @default none, or `TIERCEL_REDIS_TLS_KEY_FILE`
     */
    redisTlsKeyFile?: string
    /**
     * Name that the server's certificate must carry.
     * @default the URL's host, or `TIERCEL_REDIS_TLS_SERVER_NAME`
     */
    redisTlsServerName?: string
    /**
     * Whether the server's certificate is checked; `false` trusts any server that answers.
     * @default true, or `TIERCEL_REDIS_TLS_VERIFY`
     */
    redisTlsVerify?: boolean
    /**
     * Name that the Sentinels have for the primary.
     * @default the URL's, or `TIERCEL_REDIS_SENTINEL_NAME`
     */
    redisSentinelName?: string
    /**
     * User of the Sentinels themselves; the server's login is never sent to them.
     * @default the URL's `sentinelUsername`, or `TIERCEL_REDIS_SENTINEL_USERNAME`
     */
    redisSentinelUsername?: string
    /**
     * Password of the Sentinels themselves.
     * @default the URL's `sentinelPassword`, or `TIERCEL_REDIS_SENTINEL_PASSWORD`
     */
    redisSentinelPassword?: string
    /**
     * Treats the hosts of a `redis://` URL as nodes of a cluster, such as its configuration
     * endpoint.
     * @default true with `redis+cluster://`, or `TIERCEL_REDIS_CLUSTER`
     */
    redisCluster?: boolean
    /**
     * How long opening a connection may take. No request waits for it. In ms, 100 to 30000.
     * @default 2000, or `TIERCEL_CONNECT_TIMEOUT_MS`
     */
    connectTimeoutMs?: number
    /**
     * How long one command may take; a slower answer counts as a miss. In ms, 10 to 2000.
     * @default 100, or `TIERCEL_COMMAND_TIMEOUT_MS`
     */
    commandTimeoutMs?: number
    /**
     * Separates apps that share a server: 1 to 64 of `A-Z a-z 0-9 . _ : -`.
     * @default derived from the app, or `TIERCEL_NAMESPACE`
     */
    namespace?: string
    /**
     * The build that pages belong to, such as a commit, where each instance builds for itself: 1 to
     * 64 of `A-Z a-z 0-9 . _ : -`, and a new one for each deploy.
     * @default derived from the build, or `TIERCEL_BUILD_NAME`
     */
    buildName?: string
    /**
     * Authenticates stored entries, so that other users of the server cannot plant any: 16
     * characters or more, the same in all processes.
     * @default none, or `TIERCEL_SECRET`
     */
    secret?: string
    /**
     * Total size of the entries waiting to be written; entries beyond it are not shared. In MiB, 1
     * to 1024.
     * @default 32, or `TIERCEL_WRITE_QUEUE_MB`
     */
    writeQueueMb?: number
    /**
     * Whether entries are stored compressed.
     * @default true, or `TIERCEL_COMPRESS`
     */
    compress?: boolean
    /**
     * Whether a deploy starts without the `fetch` and `unstable_cache` data stored before it.
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
     * How an invalidation ends that could not be recorded: `resolve` or `reject`. In both cases it
     * is in effect in this process and recorded later.
     * @default 'resolve', or `TIERCEL_ON_INVALIDATION_FAILURE`
     */
    onInvalidationFailure?: 'resolve' | 'reject'
    /**
     * Repeats each invalidation this much later, for database replicas that lag behind; 0 does not
     * repeat it. In ms, 0 to 60000.
     * @default 0, or `TIERCEL_INVALIDATION_GRACE_MS`
     */
    invalidationGraceMs?: number
    /**
     * How long memory keeps answering while the server is away. In ms, 0 to 3600000.
     * @default 30000, or `TIERCEL_OUTAGE_SERVE_MS`
     */
    outageServeMs?: number
    /**
     * How often each instance publishes a snapshot of its counters, for `instances()`,
     * `tiercel instances`, `tiercel top` and the dashboard; 0 publishes none. `next build` and
     * `next dev` publish none. From 0 to 60 s.
     * @default 5, or `TIERCEL_SNAPSHOT_SECONDS`
     */
    snapshotSeconds?: number
    // End.
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
    /** What is wrong with the shared tier now; absent if nothing is. */
    reason?: Trouble
  }

  /** What is wrong with the shared tier. The codes and cures are in docs/troubleshooting.md. */
  interface Trouble {
    /** Such as `refused`, `unknown-issuer`, `login`, `right-missing`, or `OOM`. */
    code: string
    /** In words, without a secret. */
    message: string
  }

  /** A line for the operator. The codes are in docs/troubleshooting.md. */
  interface Notice {
    level: 'info' | 'warn' | 'error'
    /** Such as `started` or `away`. */
    code: string
    /** Without the `tiercel:` that it begins with on standard error, and without a secret. */
    text: string
  }

  /** One decision. */
  interface Decision {
    /** When, in ms since the epoch; of a hit, to within a few ms. */
    time: number
    call: 'get' | 'set' | 'invalidate'
    kind:
      | 'USE_CACHE'
      | 'APP_PAGE'
      | 'APP_ROUTE'
      | 'PAGES'
      | 'FETCH'
      | 'IMAGE'
      | 'REDIRECT'
      | 'OWN'
      | 'TAG'
    /** The key, or the tags of an invalidation. The listener of `debug` gets it shortened. */
    key: string
    /** What the key stands for, if that is known: the URL of a `fetch`, the file of a function. */
    subject?: string
    /** The tier that the entry came from or went to. */
    tier: 'memory' | 'shared' | 'memory+shared' | 'prerendered' | 'none'
    outcome: 'fresh' | 'stale' | 'miss' | 'stored' | 'dropped' | 'hard' | 'soft'
    /** Why, in words. */
    reason: string
    /** The tag that decided it. */
    tag?: string
    /** Where that tag was last invalidated, or where an invalidation by another process counts from. */
    position?: number
    /** Of the entry, as are the next four. */
    ageSecs?: number
    /** Absent if it never turns stale. */
    revalidateSecs?: number
    /** Absent if it is kept for as long as there is room. */
    expireSecs?: number
    /** The size of its value. */
    bytes?: number
    tags?: string[]
    /** Who generates, if that was asked: this process, or another one. */
    lease?: 'leader' | 'follower'
    /** What a get has waited for. */
    waitedFor?: (
      | 'agreement'
      | 'redis'
      | 'build output'
      | 'generation here'
      | 'generation elsewhere'
    )[]
    /**
     * Of a get, how long it waited; of a set, how long ago its generation began; of an invalidation,
     * how long it took until it was in effect everywhere. In ms, absent where it is not known.
     */
    ms?: number
  }

  /**
   * What subscribers of `tiercel:get`, `tiercel:set`, `tiercel:invalidate` and `tiercel:lease` receive
   * from `node:diagnostics_channel`.
   */
  interface DecisionEvent extends Decision {
    /** So many decisions before this one were overwritten before they could be told. */
    lost?: number
  }

  /** What subscribers of `tiercel:connection` receive. */
  interface ConnectionEvent {
    /** When, in ms since the epoch. */
    time: number
    state: Readiness['shared']
    previous: Readiness['shared']
    /** What is wrong; absent if nothing is. */
    reason?: Trouble
  }

  /** What the instances of the fleet remember about something. */
  interface Recollection {
    /** Up to 20 of each instance, the newest first. */
    decisions: FleetDecision[]
    /** The instances that answered. */
    instances: {
      name: string
      /** How many decisions it remembers at most: the option `decisions`. */
      remembers: number
      /** How many of those are about what was asked for. */
      found: number
    }[]
    /** The names of those that did not answer within a second: gone, busy, or of an older version. */
    silent: string[]
  }

  /** A decision, its time on the clock of the server. Long texts are cut. */
  interface FleetDecision extends Decision {
    /** The instance that made it, as {@link Instance.name}. */
    instance: string
  }

  /**
   * An instance of the fleet, as it told of itself. Counters are totals since it started. Moments are
   * in ms since the epoch, on the clock of the server.
   */
  interface Instance {
    /** Random, for this start; empty without a shared tier. */
    id: string
    /** Host and process, as messages name it. */
    name: string
    host: string
    pid: number
    /** Of this package. */
    version: string
    /** Absent outside of Next.js. */
    next?: string
    node?: string
    /** The id of its build. */
    build?: string
    startedAt: number
    /** When it told so. */
    at: number
    /** How long ago that is, in ms. */
    ageMs: number
    /** Its connection to the shared tier; see {@link Readiness.shared}. */
    state: 'none' | 'connected' | 'connecting' | 'away' | 'denied'
    /** Answers to gets from whatever tier. Kinds without any are absent. */
    kinds: Partial<
      Record<
        'useCache' | 'appPage' | 'appRoute' | 'pages' | 'fetch' | 'image' | 'own',
        { fresh: number; stale: number; misses: number }
      >
    >
    memory: { entries: number; bytes: number; capacityBytes: number; evictions: number }
    /** How long gets take inside the engine. */
    get: { p50Micros: number; p99Micros: number }
    /** How long ago it last knew every invalidation. */
    lagMs: number
    /** Leases of generations: those that it holds now, and totals as in {@link Stats.leases}. */
    leases: { held: number; taken: number; followed: number; timedOut: number }
    sets: number
    /** Those made by itself. */
    invalidations: number
    /** Keys that are asked for most, by the decisions of the last minute. Long ones are cut. */
    busiest: { name: string; kind: Decision['kind']; perSec: number }[]
    /** Tags of what is asked for most, without those that Next.js derives from paths. */
    busiestTags: { name: string; perSec: number }[]
    /** The longest generation of what was generated lately, in ms, the slowest first. */
    slowest: { name: string; kind: Decision['kind']; ms: number }[]
    /** Its last invalidations, the newest first. */
    invalidated: {
      at: number
      /** Comma-separated, perhaps cut. */
      tags: string
      isSoft: boolean
      /** Whether every instance knew of it when the call ended. */
      isEverywhere: boolean
      /** How long the call took. */
      ms: number
    }[]
  }

  /** Which decisions {@link TiercelHandler.decisions} returns. */
  interface DecisionQuery {
    /** Those whose key, subject or tags contain this. */
    key?: string
    /** At most so many, the newest. */
    limit?: number
  }

  interface Durations {
    /** Seconds until an entry that is stale now is gone. */
    expire?: number
  }

  /** The fields that are read of the context that Next.js passes to a `cacheHandler`. */
  interface Context {
    dev?: boolean
    serverDistDir?: string
    _requestHeaders?: Record<string, string | string[] | undefined>
  }

  /** What Next.js hands to `cacheHandler.get`; only these are read. */
  interface GetContext {
    kind: 'APP_PAGE' | 'APP_ROUTE' | 'PAGES' | 'FETCH' | 'IMAGE'
    /** Of a `fetch`. */
    tags?: string[]
    /** Of a `fetch`: the implicit tags of the route that asks. */
    softTags?: string[]
    isFallback?: boolean
    isRoutePPREnabled?: boolean
  }

  /** What Next.js hands to `cacheHandler.set`; only these are read. */
  interface SetContext {
    /** Whether the value is that of a `fetch`. */
    fetchCache?: boolean
    /** Of a `fetch`. */
    tags?: string[]
    isImplicitBuildTimeCache?: boolean
    /** Of anything else. */
    cacheControl?: CacheControl
  }

  /** In seconds; `false` = never stale, `undefined` = kept for as long as there is room. */
  interface CacheControl {
    revalidate: number | false
    expire: number | undefined
  }

  /** The result of `get` of a `cacheHandler`. */
  interface Found {
    /** On the clock of `performance.timeOrigin + performance.now()`, in ms. */
    lastModified: number
    /**
     * A {@link Value}, or `null` for a page that does not exist. Not typed as one: in the types of
     * Next.js its `kind` is an enum, which no type but that enum fits.
     */
    value: any
    cacheControl?: CacheControl
    [other: string]: unknown
  }

  /** What Next.js stores with `cacheHandler.set`. */
  type Value = AppPageValue | AppRouteValue | PagesValue | RedirectValue | FetchValue | ImageValue

  /** Headers of a response as Node.js has them. */
  type Headers = Record<string, number | string | string[] | undefined>

  /** A page of the App Router. */
  interface AppPageValue {
    kind: 'APP_PAGE'
    html: string
    rscData: Uint8Array | undefined
    headers: Headers | undefined
    postponed: string | undefined
    status: number | undefined
    segmentData: Map<string, Uint8Array> | undefined
  }

  /** The response of a route handler. */
  interface AppRouteValue {
    kind: 'APP_ROUTE'
    body: Uint8Array
    status: number
    headers: Headers
  }

  /** A page of the Pages Router. */
  interface PagesValue {
    kind: 'PAGES'
    html: string
    pageData: unknown
    headers: Headers | undefined
    status: number | undefined
  }

  /** A page of the Pages Router that redirects. */
  interface RedirectValue {
    kind: 'REDIRECT'
    props: unknown
  }

  /** The answer to a `fetch`, or what `unstable_cache` keeps. */
  interface FetchValue {
    kind: 'FETCH'
    data: { headers: Record<string, string>; body: string; url: string; status?: number }
    tags?: string[]
    /** In seconds. */
    revalidate: number
  }

  /** An optimized image. */
  interface ImageValue {
    kind: 'IMAGE'
    etag: string
    upstreamEtag: string
    buffer: Uint8Array
    extension: string
    /** In seconds; from 16.4 on. */
    revalidate?: number
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
    /** The share of gets that found something, fresh or stale; 0 before the first one. */
    hitRate: number
    /** How long gets take in microseconds, waits included, by where they end. */
    latency: {
      memory: HistogramStats
      shared: HistogramStats
      prerendered: HistogramStats
      miss: HistogramStats
    }
  }

  /**
   * A histogram. `counts[i]` counts the values of at most `histogramBounds[i]` that exceed the bound
   * before; the last one counts those that exceed all bounds. In `latency` every get that waited is
   * counted, and of the others one in 64, as 64.
   */
  interface HistogramStats {
    counts: number[]
    /** The sum of all values. */
    sum: number
  }

  /** Time spent in the engine, in microseconds, measured for one call in 64. */
  interface LatencyStats {
    measured: number
    p50Micros: number
    p95Micros: number
    p99Micros: number
  }

  /** The memory tier. */
  interface MemoryStats {
    entries: number
    bytes: number
    capacityBytes: number
    /** Entries that had to leave for others. */
    evictions: number
    /** How old they were, in seconds. */
    evictedAgeSecs: HistogramStats
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
    /** See {@link Readiness.shared}. */
    state: 'connected' | 'connecting' | 'away' | 'denied'
    /** Connections open now. */
    connections: number
    /** How long memory may answer from now on without asking the server, in ms. */
    leaseMs: number
    /** The last invalidation applied here: its position, which counts microseconds. */
    position: number
    /**
     * How long ago this process last knew every invalidation there was, in ms. Absent until it has
     * once.
     */
    lagMs?: number
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
    /** What was wrong with the server last; absent if nothing ever was. */
    lastError?: Trouble & {
      /** When it was last seen, in ms since the epoch. */
      at: number
    }
    /** Calls of `tiercel/app` that the server refused. */
    appRefusals: number
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
    /** How long answered reads and exchanges took, in microseconds. */
    roundTrip: HistogramStats
    /** Entries read from the server and written to it, and their stored bytes. */
    entriesRead: number
    bytesRead: number
    entriesWritten: number
    bytesWritten: number
    /** Bytes of written values before compression, for each byte stored. */
    compressionRatio: number
  }

  /** Totals since the process started, and the present contents. */
  interface Stats {
    useCache: KindStats
    appPage: KindStats
    appRoute: KindStats
    pages: KindStats
    fetch: KindStats
    image: KindStats
    /** `cache` of `tiercel/app`. */
    own: KindStats
    memory: MemoryStats
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
    /** Time that gets and sets took on the event loop, in ms, extrapolated from one in 64. */
    eventLoopMs: number
    /** The bounds of all histograms: 1, 2, 4 and so on up to 4194304. */
    histogramBounds: number[]
  }
}

export = TiercelHandler
