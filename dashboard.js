// @ts-check

/** @type {typeof import('./js/dashboard/main.js')} */
let api
// As in `index.js`: bundlers follow one branch, and file tracing the line that is never true.
if (process.env.NEXT_RUNTIME === 'edge') {
  api = /** @type {any} */ (require('./js/dashboard/edge.js'))
} else if (process.env.NEXT_RUNTIME === 'traced') {
  api = require('./js/dashboard/main.js')
} else {
  const { installed } = require('./js/installed.js')
  api = installed('tiercel/dashboard/main', 'tiercel.dashboard')
}

// By name, so that `export { GET, POST }` finds them in plain Node.js.
exports.GET = api.GET
exports.POST = api.POST
exports.dashboard = api.dashboard
