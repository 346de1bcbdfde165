/**
 * `tiercel/app`: the engine for the app's own code. In one process without Redis, bounded in memory;
 * with Redis in all processes of the namespace. The same code, no switch.
 *
 * Every rejection has a `code`:
 *
 * - `TIERCEL_INVALID_ARGUMENT`: an argument or option is not what it may be; the message says what is
 * - `TIERCEL_STORE_AWAY`: Redis does not answer; `maybeDone` says whether it may have been done
 * - `TIERCEL_STORE_REFUSED`: Redis answers with an error; `reason` is its code, `OOM` for example
 * - `TIERCEL_STORE_FULL`: there is no room in the memory of this process, without Redis, or for counts
 *   that Redis does not take
 * - `TIERCEL_STORE_BUSY`: more than 8192 calls wait for Redis
 * - `TIERCEL_EDGE_RUNTIME`: this is no Node.js
 * - `TIERCEL_LOCK_TIMEOUT`, `TIERCEL_CONCURRENCY_LIMIT`, `TIERCEL_NOT_A_NUMBER`: see `lock`,
 *   `rateLimit.concurrency` and `kv`
 * - `TIERCEL_CACHE_TIMEOUT`, `TIERCEL_CACHE_UNREADABLE`, `TIERCEL_NOT_RECORDED`: see `cache`
 */

import type { ConnectionEvent, DecisionEvent } from './index.js'

/** A number of seconds, or a text such as `'500ms'`, `'30s'`, `'5m'`, `'1h'`, `'7d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

/** Every error of this module that is not a programming error of its own. */
export interface AppError extends Error {
  code: string
  /** With `TIERCEL_STORE_AWAY`. */
  maybeDone?: boolean
  /** With `TIERCEL_STORE_REFUSED`. */
  reason?: string
}

// The cache.

/** How long a value lives: 30 days at most. */
export interface CacheLife {
  /** A lifetime by name. @default 'moderate' */
  preset?: CachePreset
  /**
   * Age past which it is stale: served once more, and generated anew behind that.
   * @default that of the preset; `expire`, if that is all there is
   */
  revalidate?: Duration
  /** Age past which it is not served. @default that of the preset; ten times `revalidate` */
  expire?: Duration
  /** For how long after that it is served if the function fails. @default 0 */
  staleIfError?: Duration
}

/** `realtime`, `frequent`, `moderate`, `catalog`, `profile`, `static`, and those of `configure`. */
export type CachePreset =
  | 'realtime'
  | 'frequent'
  | 'moderate'
  | 'catalog'
  | 'profile'
  | 'static'
  | (string & {})

/** How values lie in the cache, where that is not what `structuredClone` takes. */
export type CacheCodec<T> =
  | 'json'
  | 'bytes'
  | { encode(value: T): string | Uint8Array; decode(data: any): T }

/** What a function may still say about its value. */
export interface CacheLateOptions extends CacheLife {
  /** What ends it, as tags of Next.js: at most 128 of at most 256 characters. */
  tags?: readonly string[]
  /** How much earlier it may turn stale, so that not all do together; 0 to 50. @default the option */
  jitterPercent?: number
  /**
   * The last part of its time in which it is generated anew if many ask for it; 0 to 50.
   * @default the option
   */
  refreshAheadPercent?: number
  /** How long `null` and `undefined` live. Without it `undefined` is not stored, and `null` is. */
  negativeTtl?: Duration
}

export interface CacheReadOptions<T = unknown> {
  /** Whether only this process knows it. @default false */
  local?: boolean
  /** Whether it is one frozen object for all, instead of one of its own for each. @default false */
  shared?: boolean
  codec?: CacheCodec<T>
  /** Ends the wait of this caller. */
  signal?: AbortSignal
}

export interface CacheSetOptions<T = unknown> extends CacheLateOptions, CacheReadOptions<T> {}

export interface CacheOptions<T = unknown> extends CacheSetOptions<T> {
  /**
   * How long to wait for a new value if there is an old one that may be served, in ms. The function
   * runs on.
   * @default 0, or until it has failed for a value past `expire`
   */
  softTimeoutMs?: number
  /**
   * How long the function may take, in ms; then it has failed, with `TIERCEL_CACHE_TIMEOUT`.
   * @default no limit
   */
  hardTimeoutMs?: number
  /**
   * How long to wait for what another call or process generates, in ms, before generating alone: 0 to
   * 10 000.
   * @default 30 000 for a call of this process; the option `waitMs` for another process
   */
  waitMs?: number
}

/** What a function of the cache knows, and may decide. */
export interface CacheContext<T = unknown> {
  /** The value that it replaces. */
  readonly stale: { readonly value: T; readonly ageMs: number } | undefined
  /** Aborts past `hardTimeoutMs`, and when all who wait have given up. */
  readonly signal: AbortSignal
  /** Changes how long the value lives, and adds tags to it. */
  setOptions(options: CacheLateOptions): void
  /** `return ctx.skip(value)`: it is returned, and not stored. */
  skip<V>(value: V): V
}

/** The same for several keys. */
export interface CacheManyContext {
  readonly signal: AbortSignal
  /** That of one of the keys. */
  of(key: string): CacheContext
}

export interface Cache {
  /**
   * The value under a key, or what the function returns, which is then stored. Callers in all
   * processes share one run of it.
   * @param key 1 to 512 bytes, without NUL
   * @throws what the function throws
   */
  getOrSet<T>(
    key: string,
    run: (ctx: CacheContext<T>) => T | Promise<T>,
    options?: CacheOptions<T>,
  ): Promise<T>
  /** What is there, fresh or stale; `undefined` if nothing is. */
  get<T = unknown>(key: string, options?: CacheReadOptions<T>): Promise<T | undefined>
  has(key: string, options?: CacheReadOptions): Promise<boolean>
  /** Stores a value. When it resolves, all processes get it. */
  set<T>(key: string, value: T, options?: CacheSetOptions<T>): Promise<void>
  /** Ends an entry, in all processes when it resolves. */
  delete(key: string): Promise<void>
  /** The same for at most 1000. */
  deleteMany(keys: readonly string[]): Promise<void>
  /** Makes an entry stale, in all processes when it resolves. */
  expire(key: string): Promise<void>
  /** As `get`, in order, for at most 1000 keys in one round trip. */
  getMany<T = unknown>(
    keys: readonly string[],
    options?: CacheReadOptions<T>,
  ): Promise<(T | undefined)[]>
  /**
   * As `getOrSet` for at most 1000 keys: one call of the function for those that are missing, which
   * returns their values in that order.
   */
  getOrSetMany<T>(
    keys: readonly string[],
    run: (missing: string[], ctx: CacheManyContext) => T[] | Promise<T[]>,
    options?: CacheOptions<T>,
  ): Promise<T[]>
  /**
   * Ends everything with one of these tags: entries, pages, fetches, `'use cache'`. In all processes
   * when it resolves.
   * @param options `soft`: it is stale instead, and ends after that time if one is given
   * @throws `TIERCEL_NOT_RECORDED` by the option `onInvalidationFailure: 'reject'`
   */
  invalidateTags(
    tags: string | readonly string[],
    options?: { soft?: boolean | Duration },
  ): Promise<void>
  /**
   * A function whose results are cached.
   * @param options `key`: a name, to which the arguments are added as JSON; or a key by the arguments
   */
  wrap<A extends any[], T>(
    run: (...args: A) => T | Promise<T>,
    options: CacheOptions<Awaited<T>> & { key: string | ((...args: A) => string) },
  ): ((...args: A) => Promise<Awaited<T>>) & { key(...args: A): string }
  /** Keys apart from all others, with options that calls need not repeat. */
  namespace(name: string, defaults?: CacheOptions): Cache
  /** Adds presets, and hears of functions that failed behind an answer. */
  configure(options: {
    presets?: Record<string, { revalidate?: Duration; expire?: Duration }>
    onError?: (error: unknown, info: { key: string }) => void
  }): void
}

/** Values of the app, in the memory, the store and under the tags of its pages. */
export const cache: Cache

// Plain values.

export interface KvOptions<V extends 'text' | 'json' | 'bytes' = 'text'> {
  /**
   * How long values live that are set without a time of their own. Everything ends.
   * @default '30d'
   */
  ttl?: Duration
  /**
   * What values are: texts, what JSON can hold, or bytes; 8 MiB at most.
   * @default 'text'
   */
  values?: V
}

/** How long a value lives, by itself or as an option. */
export type Life = Duration | { ttl?: Duration }

export interface Kv<In = string, Out = string> {
  /** The value, or `null`. */
  get(key: string): Promise<Out | null>
  set(key: string, value: In, ttl?: Life): Promise<void>
  /** Whether it was stored: of all who set what is absent, one does. */
  setIfAbsent(key: string, value: In, ttl?: Life): Promise<boolean>
  /** The value, or `null`: of all who ask, one gets it. */
  getAndDelete(key: string): Promise<Out | null>
  /**
   * Adds to a whole number in digits, and returns the sum. A number that is new lives for `ttl`; one
   * that is there lives as long as before.
   * @throws `TIERCEL_NOT_A_NUMBER` if something else is there
   */
  increment(key: string, by?: number, ttl?: Life): Promise<number>
  /** Whether something was there. */
  delete(key: string): Promise<boolean>
  /** Whether something is there: it lives for so long from now on. */
  expire(key: string, ttl: Life): Promise<boolean>
}

/**
 * Plain values by key: 1 to 512 bytes, without NUL.
 * @param name keeps its keys apart from those of others: 1 to 64 of `A-Z a-z 0-9 . _ / -`
 */
export function kv(name: string, options?: KvOptions<'text'>): Kv
export function kv(name: string, options: KvOptions<'bytes'>): Kv<Uint8Array, Buffer>
export function kv<J = unknown>(name: string, options: KvOptions<'json'>): Kv<J, J>

// Codes and tokens.

export interface CodesOptions {
  /** @default 'codes' */
  name?: string
  /** How long a code is of use; a day at most. @default '10m' */
  ttl?: Duration
  /** 4 to 12. @default 6 */
  digits?: number
  /** Wrong answers until a code is of no use. @default 5 */
  attempts?: number
  /** How often codes are issued for one subject. */
  resend?: {
    /** The shortest time between two, `0` for none. @default '30s' */
    after?: Duration
    /** @default 5 */
    perHour?: number
  }
  /** Hashed in, so that who reads the store cannot try all codes. Kept outside of it. */
  secret?: string
}

export type Issued =
  | { issued: true; code: string; expiresInMs: number }
  | { issued: false; retryAfterMs: number }

export type Verified =
  | { ok: true }
  | { ok: false; reason: 'wrong'; attemptsLeft: number }
  | { ok: false; reason: 'none' | 'malformed' }

export interface Codes {
  /** A new code for a subject, an e-mail address for example. The one before is of no use then. */
  issue(subject: string): Promise<Issued>
  /** Whether it is the code: once. Blanks and dashes are left out. */
  verify(subject: string, code: unknown): Promise<Verified>
  /** Makes the code of no use. */
  revoke(subject: string): Promise<void>
}

/** Short codes that a person types. */
export function codes(options?: CodesOptions): Codes

export interface TokensOptions {
  /** @default 'tokens' */
  name?: string
  /** @default '1h' */
  ttl?: Duration
}

export interface Tokens<T> {
  /** A new token, 43 characters for a URL, that stands for `data`: what JSON can hold, 64 KiB. */
  issue(data?: T): Promise<string>
  /** What it stands for, exactly once; `null` if it is none, was used, or is over. */
  consume(token: unknown): Promise<{ data: T } | null>
  /** Whether it was of use until now. */
  revoke(token: unknown): Promise<boolean>
}

/** Tokens that are used once. */
export function tokens<T = unknown>(options?: TokensOptions): Tokens<T>

// Locks.

export interface LockOptions {
  /** How long it is held without a renewal, which this process sends; 1 s to 1 h. @default '30s' */
  ttl?: Duration
  /** How long to wait for it, in ms. @default 10_000 */
  waitMs?: number
  /** Ends the wait. */
  signal?: AbortSignal
}

/** A lock that is held. */
export interface Held {
  readonly key: string
  /** Larger than that of every holder before: what is written with it can be refused if it is old. */
  readonly token: number
  /** Aborts when the lock is lost: somebody else may have it from then on. */
  readonly signal: AbortSignal
}

export interface Lock {
  /**
   * Runs a function while nobody else of the fleet does under the same key, and returns what it
   * returns.
   * @throws `TIERCEL_LOCK_TIMEOUT` if the lock was not to be had within `waitMs`
   */
  <T>(key: string, options: LockOptions, run: (held: Held) => T | Promise<T>): Promise<T>
  <T>(key: string, run: (held: Held) => T | Promise<T>): Promise<T>
  tryLock: TryLock
}

export interface TryLock {
  /** The same if the lock is free now; otherwise the function is not run. */
  <T>(
    key: string,
    options: { ttl?: Duration },
    run: (held: Held) => T | Promise<T>,
  ): Promise<{ acquired: true; value: T } | { acquired: false }>
  <T>(
    key: string,
    run: (held: Held) => T | Promise<T>,
  ): Promise<{ acquired: true; value: T } | { acquired: false }>
}

export const lock: Lock
export const tryLock: TryLock

// Rate limits.

export type Algorithm = 'fixed-window' | 'sliding-window' | 'token-bucket'

export interface LimitWindow {
  /** What is admitted per window: 1 to 1 000 000. */
  limit: number
  /** 1 ms to 31 days. */
  window: Duration
  /** @default 'sliding-window' */
  algorithm?: Algorithm
  /** What a `token-bucket` holds. @default limit */
  burst?: number
}

export type RateLimitOptions = (
  | LimitWindow
  | {
      /** Several that count together, in one round trip: 1 to 8. */
      windows: LimitWindow[]
      /** Of those that name none. @default 'sliding-window' */
      algorithm?: Algorithm
    }
) & {
  name: string
  /**
   * While Redis does not answer: each process counts by itself, everything is admitted, or nothing.
   * @default 'local'
   */
  onError?: 'local' | 'open' | 'closed'
  /**
   * `'exact'`: Redis decides about each call. `'fast'`: each process takes a part of the limit ahead, for a
   * second at most, and decides by itself meanwhile: most calls need no round trip.
   * @default 'exact'
   */
  mode?: 'exact' | 'fast'
}

export interface Ruling {
  success: boolean
  /** What the tightest window admits in all. */
  limit: number
  /** What it would still admit. */
  remaining: number
  /** When all of it is there again, in ms. */
  resetMs: number
  /** When the same would be admitted, in ms; 0 if it was. */
  retryAfterMs: number
  /** Why it was not admitted; `null` if it was. */
  reason: 'limit' | 'blocked' | 'store-away' | null
  /**
   * Who decided: the store, what it had said before, what this process took ahead, this process by
   * itself, or nobody.
   */
  source: 'store' | 'known' | 'share' | 'local' | 'nobody'
  /** `RateLimit`, `RateLimit-Policy`, `X-RateLimit-*`, and `Retry-After` if it was not admitted. */
  readonly headers: Record<string, string>
}

export interface RateLimiter {
  readonly name: string
  /** Takes `cost` for an id, or nothing. @param options `cost`: a whole number; 1 by default */
  limit(id: string, options?: { cost?: number }): Promise<Ruling>
  /** What `limit` would say, without taking anything. */
  peek(id: string): Promise<Ruling>
  /** Forgets what was taken, and a block. Other processes see it within a minute. */
  reset(id: string): Promise<void>
  /** Admits nothing for so long. */
  block(id: string, span: Duration): Promise<void>
  /** A route handler behind the limit: 429 beyond it, and the headers on every response. */
  route<A extends [Request, ...any[]]>(
    handler: (...args: A) => Response | Promise<Response>,
    options: { id: (request: A[0]) => string | Promise<string>; cost?: number },
  ): (...args: A) => Promise<Response>
}

export interface Tiers<N extends string> {
  limit(tier: N, id: string, options?: { cost?: number }): Promise<Ruling>
  peek(tier: N, id: string): Promise<Ruling>
  reset(tier: N, id: string): Promise<void>
  block(tier: N, id: string, span: Duration): Promise<void>
}

export interface ConcurrencyOptions {
  name: string
  /** How many run at the same time, per id: 1 to 10 000. */
  limit: number
  /** How long one counts without a renewal, which this process sends; 1 s to 1 day. @default '30s' */
  ttl?: Duration
  /**
   * While Redis does not answer: each process counts by itself, everything is admitted, or nothing.
   * @default 'local'
   */
  onError?: 'local' | 'open' | 'closed'
}

export interface AcquireOptions {
  /** How long to wait for it, in ms. @default 0 */
  waitMs?: number
  /** Ends the wait. */
  signal?: AbortSignal
}

/** What `acquire` and `peek` say. Given back by `using`, `await using` or `release()`. */
export interface Permit {
  success: boolean
  limit: number
  /** How many more may run. */
  remaining: number
  /** When the first of those that run ends, at the latest, unless it is renewed; in ms. */
  resetMs: number
  /** When to ask again, in ms; 0 if it was admitted. */
  retryAfterMs: number
  /** Why it was not admitted; `null` if it was. */
  reason: 'limit' | 'store-away' | null
  source: 'store' | 'local' | 'nobody'
  /** Aborts when it counts no more while it is held: it could not be renewed in time. */
  readonly signal: AbortSignal
  /** `RateLimit`, `RateLimit-Policy`, `X-RateLimit-*`, and `Retry-After` if it was not admitted. */
  readonly headers: Record<string, string>
  /** Gives it back; nothing happens if it is not held. Never rejects. */
  release(): Promise<void>
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

export interface Concurrency {
  readonly name: string
  /** Takes one for an id; look at `success`. */
  acquire(id: string, options?: AcquireOptions): Promise<Permit>
  /**
   * Runs a function while it holds one, and returns what it returns.
   * @throws `TIERCEL_CONCURRENCY_LIMIT` if none was to be had within `waitMs`
   */
  run<T>(id: string, options: AcquireOptions, run: (permit: Permit) => T | Promise<T>): Promise<T>
  run<T>(id: string, run: (permit: Permit) => T | Promise<T>): Promise<T>
  /** What `acquire` would say, without taking anything. */
  peek(id: string): Promise<Permit>
  /** A route handler of which so many run at the same time: 429 beyond it. */
  route<A extends [Request, ...any[]]>(
    handler: (...args: A) => Response | Promise<Response>,
    options: { id: (request: A[0]) => string | Promise<string>; waitMs?: number },
  ): (...args: A) => Promise<Response>
}

type Unnamed<T> = T extends unknown ? Omit<T, 'name'> & { name?: string } : never

export const rateLimit: {
  (options: RateLimitOptions): RateLimiter
  /** Limits by the name of a tier, chosen per call. */
  tiers<N extends string>(tiers: Record<N, RateLimiter | Unnamed<RateLimitOptions>>): Tiers<N>
  /** So many at the same time, by id, in all processes. */
  concurrency(options: ConcurrencyOptions): Concurrency
}

/**
 * The address of the client, as the outermost proxy of yours saw it; `undefined` if none did. Of IPv6
 * the network of one customer.
 * @param request a `Request`, `Headers`, or Node's `IncomingMessage`
 * @param options `trustedHops`: how many proxies of yours add to the header (1 by default; 0: the
 * address of the connection, of an `IncomingMessage`). `header`: `x-forwarded-for` by default.
 * `ipv6Prefix`: 64 by default, 128 for the whole address.
 */
export function clientIp(
  request: unknown,
  options?: { trustedHops?: number; header?: string; ipv6Prefix?: number },
): string | undefined

// Webhooks.

/** How a sender signs its webhooks: with HMAC-SHA256. docs/webhooks.md has the options of some. */
export interface SignatureOptions {
  /** What the sender and the app know; several while it changes. */
  secret: string | Uint8Array | readonly (string | Uint8Array)[]
  /** The header with the signature. */
  header: string
  /**
   * How that header is written: `sha256={signature}`, `t={timestamp},v1={signature}`. Of several
   * signatures one has to be right.
   * @default '{signature}'
   */
  format?: string
  /** How a signature is written; `base64` is also that of URLs. @default 'hex' */
  encoding?: 'hex' | 'base64'
  /**
   * What is signed: `{body}`, `{timestamp}`, and headers by name, such as `{webhook-id}`. Or a function
   * that returns it.
   * @default '{timestamp}.{body}' if there is a timestamp, else '{body}'
   */
  signed?:
    | string
    | ((parts: {
        body: string
        timestamp: string | undefined
        header(name: string): string
      }) => string | Uint8Array)
  /** The header with the timestamp, if it is not in `format`. In seconds or milliseconds. */
  timestampHeader?: string
  /** How far the timestamp may be off. @default '5m' */
  tolerance?: Duration
  /** The largest body. @default 1048576 */
  maxBytes?: number
}

/** Whether a webhook is genuine, with its body if it is. */
export type VerifiedWebhook =
  | { ok: true; body: string }
  | {
      ok: false
      /**
       * - `missing`: there is no such header.
       * - `malformed`: it is not in `format`.
       * - `expired`: the timestamp is further off than `tolerance`.
       * - `mismatch`: who signed it does not know the secret, or it was changed since.
       * - `too-large`: the body exceeds `maxBytes`.
       */
      reason: 'missing' | 'malformed' | 'expired' | 'mismatch' | 'too-large'
    }

/**
 * Whether a webhook was signed by who knows the secret, compared in constant time. It reads the body,
 * and returns it as text.
 * @param request a `Request`, or Node's `IncomingMessage` with its body unread (`bodyParser: false`)
 * @throws {TypeError} `TIERCEL_INVALID_ARGUMENT`, also without a secret
 *
 * @example
 * const { ok, body } = await verifySignature(request, {
 *   secret: process.env.WEBHOOK_SECRET,
 *   header: 'x-hub-signature-256',
 *   format: 'sha256={signature}',
 * })
 */
export function verifySignature(
  request: unknown,
  options: SignatureOptions,
): Promise<VerifiedWebhook>

// Hooks.

/** An invalidation, wherever it was made. */
export interface InvalidationEvent {
  /** The tags, without those of `revalidatePath`. */
  tags: string[]
  /** The paths of `revalidatePath`, with `/layout` or `/page` behind them if it was given that. */
  paths: string[]
  /** Whether entries are stale only. */
  soft: boolean
  /** Whether all that was stored before is gone: `tiercel purge --all`, or more tags than `maxTags`. */
  everything: boolean
  /** Where it is in the sequence of invalidations: each is higher than the one before it. */
  position: number
  /** 1, and one more whenever the function has failed. */
  attempt: number
  /** Aborts after `timeout`, and when another instance takes the duty over. */
  signal: AbortSignal
}

export type InvalidationHook = (event: InvalidationEvent) => unknown

export interface HookOptions {
  /** Each name has a function of its own in the fleet. @default 'default' */
  name?: string
  /** After this time it counts as failed; up to an hour. @default '30s' */
  timeout?: Duration
  /** Told of each failure, instead of a warning of the process, which comes if this one fails too. */
  onError?(error: unknown, event: Omit<InvalidationEvent, 'signal'>): unknown
}

/**
 * Calls a function for each invalidation of the fleet, in their order and in one instance at a time: at
 * least once, and again until it succeeds. When that instance ends, another one goes on within seven
 * seconds. Call it in every instance, in `instrumentation.ts`.
 *
 * @returns ends it in this process
 * @throws {TypeError} `TIERCEL_INVALID_ARGUMENT`
 */
export function onInvalidate(callback: InvalidationHook, options?: HookOptions): () => void

export interface ListenerOptions<Told> {
  /** Told of each failure, instead of a warning of the process, which comes if this one fails too. */
  onError?(error: unknown, told: Told): unknown
}

/**
 * Calls a function with what this thread decides, some decisions together and in their order, within
 * 100 ms: gets, sets, and invalidations, in the main thread also those of other processes. One call at a
 * time: what is decided meanwhile waits, 4096 decisions at most, and `lost` says how many came before
 * that found no room. A call that fails is reported, and not repeated. Nothing runs while no function is
 * registered.
 *
 * @returns ends it
 * @throws {TypeError} `TIERCEL_INVALID_ARGUMENT`
 */
export function onDecision(
  callback: (decisions: DecisionEvent[]) => unknown,
  options?: ListenerOptions<DecisionEvent[]>,
): () => void

/**
 * Calls a function for each change of the connection to the shared tier, as `ready()` has it: one call
 * at a time, in their order. A state that lasts less than 100 ms may be missed.
 *
 * @returns ends it
 * @throws {TypeError} `TIERCEL_INVALID_ARGUMENT`
 */
export function onConnection(
  callback: (event: ConnectionEvent) => unknown,
  options?: ListenerOptions<ConnectionEvent>,
): () => void

// Counters.

export interface CounterOptions {
  /**
   * How long an id lives to which nothing is added: as long as `history`, or longer.
   * @default '30d', or `history` if that is longer
   */
  ttl?: Duration
  /** How long adds are collected before they are sent, in ms: 1 to 60 000. @default 1_000 */
  flushMs?: number
  /** The length of a bucket. @default '1h', or `history` if that is shorter */
  bucket?: Duration
  /** How far back buckets are kept: 1 to 1000 times `bucket`. @default '7d', or `ttl` if that is shorter */
  history?: Duration
}

export interface Counter {
  /**
   * Adds to an id; it is sent later. A whole number, ±1 000 000 000 at most; 1 by default.
   * @throws `TIERCEL_STORE_FULL` if there is no room: nothing was added
   */
  add(id: string, n?: number): void
  /**
   * Notes that a member was seen by an id: a visitor of a page.
   * @throws `TIERCEL_STORE_FULL` if there is no room
   */
  unique(id: string, member: string): void
  /** What was added in all, by all processes as far as they have sent it, and by this one. */
  get(id: string): Promise<number>
  /** What was added in the last `span`, in whole buckets: up to one bucket longer. */
  window(id: string, span: Duration): Promise<number>
  /** The same by buckets, without gaps, the oldest first; `from` in ms since the epoch. */
  series(id: string, span: Duration): Promise<{ from: number; count: number }[]>
  /** The ids with the largest sums: 1 to 1000; 10 by default. */
  top(n?: number): Promise<{ id: string; count: number }[]>
  /** How many different members an id had, within a percent or two. */
  uniques(id: string): Promise<number>
  /** Begins an id anew, and returns what it had: of all who ask at once, one gets it. */
  reset(id: string): Promise<number>
  /** Forgets an id, its buckets and its members. Whether it was there. */
  delete(id: string): Promise<boolean>
  /** Sends what this process has collected. Rejects if that did not arrive: it is sent again. */
  flush(): Promise<void>
}

/** Counts by id. Adds of a process are collected, and leave together. */
export function counter(name: string, options?: CounterOptions): Counter

// Sessions.

export interface SessionsOptions {
  /** @default 'sessions' */
  name?: string
  /** How long a session lives without being seen. @default '7d' */
  ttl?: Duration
  /** How long it lives at most. @default '30d' */
  absoluteTtl?: Duration
  /** Whether `get` lets it live for another `ttl`: one write per hundredth of it. @default true */
  rolling?: boolean
  /** Beyond that the one not seen for longest ends: 1 to 1000. @default 100 */
  maxPerUser?: number
  /** How long an old id is of use after `rotate`. @default '30s' */
  grace?: Duration
  cookie?: {
    /** @default '__Host-session', or 'session' where that is not allowed */
    name?: string
    /** @default '/' */
    path?: string
    domain?: string
    /** @default 'lax' */
    sameSite?: 'lax' | 'strict' | 'none'
    /** @default true */
    secure?: boolean
  }
  /**
   * Encrypts what sessions hold, by AES-256-GCM: 32 characters or more. Of several the first one
   * encrypts, and all decrypt; what none of them decrypts is no session.
   */
  secrets?: string | string[]
}

/** Moments are in ms since the epoch. */
export interface SessionInfo {
  userId: string
  device: string | undefined
  createdAt: number
  lastSeenAt: number
  /** Unless it is seen. */
  expiresAt: number
  /** In any case. */
  endsAt: number
  /** Whether it has another id by now. */
  isRotated: boolean
}

export interface Session<T> extends SessionInfo {
  id: string
  data: T
}

export interface SessionCookie {
  readonly name: string
  /** The `Set-Cookie` header that keeps an id. */
  serialize(id: string): string
  /** The `Set-Cookie` header that removes it. */
  clear(): string
  /** The id that a request comes with: a `Request`, `Headers`, an `IncomingMessage`, or the header. */
  read(from: unknown): string | undefined
}

export interface Sessions<T> {
  readonly cookie: SessionCookie
  /** Begins a session, and returns its id. `data`: what JSON can hold, 32 KiB. */
  create(userId: string, data?: T, more?: { device?: string }): Promise<string>
  /** The session; `null` if there is none. An outage rejects: nobody is logged out by it. */
  get(id: unknown): Promise<Session<T> | null>
  /** Whether there is such a session: it holds this from now on. */
  update(id: unknown, data: T): Promise<boolean>
  /** A new id; `null` if there is no such session, or it has one already. */
  rotate(id: unknown): Promise<string | null>
  /** Whether there was such a session. It ends under all its ids. */
  destroy(id: unknown): Promise<boolean>
  /** All sessions of a user, the oldest first. `handle` tells them apart, and is no id. */
  list(userId: string): Promise<(SessionInfo & { handle: string })[]>
  /** Ends them in all processes, and returns how many. */
  destroyAll(userId: string, options?: { except?: string }): Promise<number>
}

export function sessions<T = any>(options?: SessionsOptions): Sessions<T>
