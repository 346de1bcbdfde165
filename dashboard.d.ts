/** `tiercel/dashboard`: a page that shows the fleet while somebody looks. */

export interface DashboardOptions {
  /**
   * Who is answered, instead of the token: whoever it returns `true` for. Everybody else is told that
   * there is no such page. A `Response` is passed on, for example a redirect to a login.
   */
  authorize?(request: Request): boolean | Response | Promise<boolean | Response>
  /**
   * What has to be typed once, or given as `Authorization: Bearer`.
   * @default TIERCEL_DASHBOARD_TOKEN
   */
  token?: string
  /** Browsers that may look at once. @default 100 */
  viewers?: number
}

type Handler = (request: Request, context: { params: Promise<any> }) => Promise<Response>

/**
 * Route handlers for a folder whose segment catches all, `[[...path]]`. Without a token and without
 * `authorize` they answer nobody, except in development.
 *
 * @throws {TypeError} `TIERCEL_INVALID_ARGUMENT`
 * @example
 * // app/%5Fcache/[[...path]]/route.js
 * export const { GET, POST } = dashboard({ authorize: (request) => isAdmin(request) })
 */
export function dashboard(options?: DashboardOptions): { GET: Handler; POST: Handler }

/**
 * {@link dashboard} without options.
 *
 * @example
 * // app/%5Fcache/[[...path]]/route.js
 * export { GET, POST } from 'tiercel/dashboard'
 */
export const GET: Handler
export const POST: Handler
