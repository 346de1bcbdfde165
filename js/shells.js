// @ts-check

/**
 * Pages of the Pages Router whose shell is shown. Where `fallback` is `true`, a request that finds its
 * page missing does not generate it: it asks for the shell of the route. The page is generated when
 * its data is asked for, perhaps of another process, which must not wait for this one.
 */

/**
 * The pages that each request missed. The shell is asked for through another handler: only the headers
 * of the request are common to both.
 * @type {WeakMap<object, string>}
 */
const missed = new WeakMap()

/**
 * Whether a shell is asked for. It is never a plain hit.
 * @param {any} ctx
 * @returns {boolean}
 */
const isShell = (ctx) => ctx.isFallback === true && ctx.kind === 'PAGES'

/**
 * A request has missed the page `key`.
 * @param {any} headers of the request
 * @param {string} key
 */
function miss(headers, key) {
  if (typeof headers === 'object' && headers !== null) missed.set(headers, key)
}

/**
 * A request asks for a shell: what it missed before is not generated.
 * @param {any} headers of the request
 * @param {(key: string) => void} abandon is called with that
 */
function stands(headers, abandon) {
  const key = missed.get(headers)
  if (key === undefined) return
  missed.delete(headers)
  abandon(key)
}

module.exports = { isShell, miss, stands }
