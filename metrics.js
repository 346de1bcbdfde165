// @ts-check

/** @type {typeof import('./js/metrics/main.js')} */
let api
// As in `index.js`: bundlers follow one branch, and file tracing the line that is never true.
if (process.env.NEXT_RUNTIME === 'edge') {
  api = /** @type {any} */ (require('./js/metrics/edge.js'))
} else if (process.env.NEXT_RUNTIME === 'traced') {
  api = require('./js/metrics/main.js')
} else {
  const { installed } = require('./js/installed.js')
  api = installed('tiercel/metrics/main', 'tiercel.metrics')
}

// By name, so that `export { GET }` finds it in plain Node.js.
exports.GET = api.GET
exports.collect = api.collect
exports.metrics = api.metrics
exports.route = api.route
