// @ts-check

/**
 * Pages of the Pages Router whose shell is shown. Where `fallback` is `true`, a request that misses
 * its page does not generate it: it asks for the shell of the route. The request for the page's
 * data then generates it, perhaps in another process, which must not wait for this one.
 */

/**
 * The page that each request missed. The request asks for the shell through another handler: only
 * its headers are common to both.
 * @type {WeakMap<object, string>}
 */
const missed = new WeakMap()

/**
 * Whether the request asks for a shell, which is never a plain hit.
 * @param {any} ctx
 * @returns {boolean}
 */
const isShell = (ctx) => ctx.isFallback === true && ctx.kind === 'PAGES'

/**
 * Notes that a request has missed the page `key`.
 * @param {any} headers of the request
 * @param {string} key
 */
function miss(headers, key) {
  if (typeof headers === 'object' && headers !== null) missed.set(headers, key)
}

/**
 * A request asks for a shell: it does not generate the page that it missed.
 * @param {any} headers of the request
 * @param {(key: string) => void} abandon receives the key of that page
 */
function stands(headers, abandon) {
  const key = missed.get(headers)
  if (key === undefined) return
  missed.delete(headers)
  abandon(key)
}

module.exports = { isShell, miss, stands }
