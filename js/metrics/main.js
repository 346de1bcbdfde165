// @ts-check

/**
 * `tiercel/metrics`: what `stats()` counts, for those that collect it. `definitions.js` has every
 * metric once, in the shape of `definition.js`; `names.js` spells them, `text.js` makes text of them,
 * `prom-client.js` metrics of a registry, `route.js` a route handler.
 */

const { metrics } = require('./metrics.js')
const { collect } = require('./prom-client.js')
const { route } = require('./route.js')

const api = { metrics, collect, route, GET: route() }

const one = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (globalThis))
one[Symbol.for('tiercel.metrics')] ??= api

module.exports = /** @type {typeof api} */ (one[Symbol.for('tiercel.metrics')])
