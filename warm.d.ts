/**
 * Fills the caches of a running Next.js server before its traffic arrives: requests every page that its
 * build prerendered, or the given paths.
 *
 * It needs neither the addon nor another package, and works with any Next.js server.
 *
 * @example
 * import { warm } from 'tiercel/warm'
 * const { failed, cache } = await warm({ base: 'http://10.0.0.7:3000', waitMs: 60_000 })
 *
 * @returns the figures, also if `signal` ended the run early
 * @throws {Error} before the first request, with `code` `TIERCEL_INVALID_OPTION`,
 *   `TIERCEL_UNKNOWN_OPTION`, `TIERCEL_INVALID_OPTIONS`, or `TIERCEL_NO_BUILD`: there is none at `dir`
 * @throws {Error} with `code` `TIERCEL_NO_SERVER` if no server answered within `waitMs`
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
   * The paths to request, each beginning with `/` and without `basePath`. A query is fine.
   * @default the paths that the build prerendered
   */
  paths?: Iterable<string>
  /**
   * The build whose prerendered pages are requested, after `paths`.
   * @default '.next', or none with `paths`
   */
  dir?: string
  /**
   * Requests in parallel, 1 to 256.
   * @default 6
   */
  concurrency?: number
  /**
   * How long one request may take, to the end of its body, in ms, 1 to 3600000.
   * @default 30000
   */
  timeoutMs?: number
  /**
   * How long to wait for a server that is not up yet, in ms, 0 to 3600000. A server that refuses or
   * drops connections, or answers 502, 503 or 504, is not up.
   * @default 0
   */
  waitMs?: number
  /** Sent with every request, `host` for example. */
  headers?: Record<string, string | string[]> | Headers
  /** Ends the run early: it then resolves to the figures so far. */
  signal?: AbortSignal
  /** Called after every path. An error that it throws ends the run and rejects it. */
  onProgress?: (progress: WarmProgress) => void
}

/** The result of one path, and the progress of the run. */
export interface WarmProgress {
  path: string
  /** Absent without a complete answer. */
  status?: number
  /** Why there was no complete answer. */
  reason?: string
  /** The header `x-nextjs-cache`: `HIT`, `STALE`, `MISS`. */
  cache?: string
  /** See {@link WarmResult.failed}. */
  isFailed: boolean
  /** Size of the body. */
  bytes: number
  /** Time to the end of the body. */
  ms: number
  /** Paths done. */
  done: number
  failed: number
  total: number
}

/** A path that failed. */
export interface WarmFailure {
  path: string
  /** Absent without a complete answer. */
  status?: number
  /** Why there was no complete answer. */
  reason?: string
}

/** The figures of a run. */
export interface WarmResult {
  /** Paths to request. */
  total: number
  /** Paths requested; fewer than `total` only if the run was aborted. */
  done: number
  ok: number
  /**
   * Paths without a complete answer in time, or with a status of 400 or more that the page did not
   * have in the build. Redirects are answers, and are not followed.
   */
  failed: number
  /** The first 100 paths that failed. */
  failures: WarmFailure[]
  statuses: { '2xx': number; '3xx': number; '4xx': number; '5xx': number }
  /** By the header `x-nextjs-cache`; `other`: without it, such as pages rendered for each request. */
  cache: { hit: number; stale: number; miss: number; other: number }
  /** Size of all bodies. */
  bytes: number
  /** From a request to the end of its body, in ms; failures count too. */
  latencyMs: { p50: number; p95: number; max: number }
  elapsedMs: number
  /** Whether `signal` ended it early. */
  isAborted: boolean
}
