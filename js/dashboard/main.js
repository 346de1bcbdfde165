// @ts-check

/**
 * `tiercel/dashboard`: a page that shows the fleet while somebody looks.
 *
 *   route.js    what is answered           gate.js     who is answered
 *   sampler.js  one look for all viewers   source.js   where figures come from (series.js: the hour)
 *   lane.js     one question at a time
 *   acts.js     why, dry run, purge        page.js     the page; its script and style: assets.js
 *   serve.js    the same without an app, for `tiercel dashboard`
 */

const { routes } = require('./route.js')
const { ofProcess } = require('./source.js')

/** @param {import('./route.js').Options} [options] */
function dashboard(options) {
  const { GET, POST } = routes(ofProcess, options)
  return { GET, POST }
}

const api = { dashboard, ...dashboard() }

const one = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (globalThis))
one[Symbol.for('tiercel.dashboard')] ??= api

module.exports = /** @type {typeof api} */ (one[Symbol.for('tiercel.dashboard')])
