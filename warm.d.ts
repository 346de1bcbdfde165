/**
 * Fills the caches of a running Next.js server before its traffic arrives: asks for every page that
 * its build prerendered, or for the paths it is given.
 *
 * It needs no addon and no other package, and works against any Next.js server.
 *
 * @example
 * import { warm } from 'tiercel/warm'
 * const { failed, cache } = await warm({ base: 'http://10.0.0.7:3000', waitMs: 60_000 })
 *
 * @returns the figures; also of a run that `signal` ended early
 * @throws {Error} before anything is asked, with `code` `TIERCEL_INVALID_OPTION`,
 *   `TIERCEL_UNKNOWN_OPTION`, `TIERCEL_INVALID_OPTIONS`, or `TIERCEL_NO_BUILD`: there is none at `dir`
 * @throws {Error} with `code` `TIERCEL_NO_SERVER` if nobody answered within `waitMs`
 */
export function warm(options?: WarmOptions): Promise<WarmResult>

export interface WarmOptions {
  /**
   * Where the server listens. A login in it is sent as basic authentication, and never shown.
   * @default 'http://127.0.0.1:3000'
   */
  base?: string | URL
  /**
   * `basePath` of the app: stands before every path.
   * @default the path of `base`, else that of the build
   */
  basePath?: string
  /**
   * What to ask for, each beginning with `/` and without `basePath`. A query is fine.
   * @default what the build prerendered
   */
  paths?: Iterable<string>
  /**
   * The build whose prerendered pages are asked for, after `paths`.
   * @default '.next', or none with `paths`
   */
  dir?: string
  /**
   * Requests at once, 1 to 256.
   * @default 6
   */
  concurrency?: number
  /**
   * How long one request may take, to the end of its body, in ms, 1 to 3600000.
   * @default 30000
   */
  timeoutMs?: number
  /**
   * How long to wait for a server that is not up yet, in ms, 0 to 3600000. One that refuses or drops
   * connections, or answers 502, 503 or 504, is not.
   * @default 0
   */
  waitMs?: number
  /** Sent with every request, `host` for example. */
  headers?: Record<string, string | string[]> | Headers
  /** Ends the run early: it then resolves to the figures so far. */
  signal?: AbortSignal
  /** Called after every path. What it throws ends the run and rejects. */
  onProgress?: (progress: WarmProgress) => void
}

/** One path that is done, and how far the run is. */
export interface WarmProgress {
  path: string
  /** Nothing if there was no whole answer. */
  status?: number
  /** Why there was none. */
  reason?: string
  /** The header `x-nextjs-cache`: `HIT`, `STALE`, `MISS`. */
  cache?: string
  /** See {@link WarmResult.failed}. */
  isFailed: boolean
  /** Of the body. */
  bytes: number
  /** To the end of the body. */
  ms: number
  /** Paths done. */
  done: number
  failed: number
  total: number
}

/** A path that failed. */
export interface WarmFailure {
  path: string
  /** Nothing if there was no whole answer. */
  status?: number
  /** Why there was none. */
  reason?: string
}

/** The figures of a run. */
export interface WarmResult {
  /** Paths there were to ask for. */
  total: number
  /** Those that were; fewer than `total` only if the run was aborted. */
  done: number
  ok: number
  /**
   * Those without a whole answer in time, or with a status of 400 or more that the page did not
   * have in the build. Redirects are answers, and are not followed.
   */
  failed: number
  /** The first 100 of them. */
  failures: WarmFailure[]
  statuses: { '2xx': number; '3xx': number; '4xx': number; '5xx': number }
  /** By the header `x-nextjs-cache`; `other`: without it, as what is rendered for each request. */
  cache: { hit: number; stale: number; miss: number; other: number }
  /** Of all bodies. */
  bytes: number
  /** From a request to the end of its body, in ms; what had no answer counts as long as it took. */
  latencyMs: { p50: number; p95: number; max: number }
  elapsedMs: number
  /** Whether `signal` ended it early. */
  isAborted: boolean
}
