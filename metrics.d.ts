/** `tiercel/metrics`: what `stats()` counts, for Prometheus and for those that read its format. */

export interface MetricsOptions {
  /** OpenMetrics 1.0, which has exemplars, instead of the text format 0.0.4. @default false */
  openMetrics?: boolean
}

/** What this process has counted, as text, with the content type of it. */
export function metrics(options?: MetricsOptions): { text: string; contentType: string }

export interface RouteOptions {
  /** What `Authorization: Bearer` has to be. @default TIERCEL_METRICS_TOKEN */
  token?: string
  /** Who is answered, instead of the token. */
  authorize?(request: Request): boolean | Promise<boolean>
}

/**
 * A route handler that answers with the metrics, as OpenMetrics if `Accept` asks for that. It also
 * serves as `HEAD`. Without a token and without `authorize` it answers everybody.
 *
 * @throws {TypeError} `TIERCEL_INVALID_ARGUMENT`
 */
export function route(options?: RouteOptions): (request: Request) => Promise<Response>

/**
 * {@link route} without options.
 *
 * @example
 * // app/metrics/route.js
 * export { GET } from 'tiercel/metrics'
 */
export const GET: (request: Request) => Promise<Response>

/** The part of a registry of `prom-client` that is needed. */
export interface Registry {
  getSingleMetric(name: string): unknown
  registerMetric(metric: any): void
}

/** Has a registry of `prom-client` collect these metrics, too. Repeating it changes nothing. */
export function collect<R extends Registry>(register: R): R
