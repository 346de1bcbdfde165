// @ts-check

// Next.js bundles the module named in next.config into proxy and edge bundles, where no addon can
// be loaded. Bundlers know NEXT_RUNTIME, so they follow one branch and drop the others.
if (process.env.NEXT_RUNTIME === 'edge') {
  module.exports = require('./js/edge.js')
} else if (process.env.NEXT_RUNTIME === 'traced') {
  // Never true. File tracing follows these lines, so the addon reaches a standalone build, and so do
  // `tiercel/app`, which the trace of a bundled proxy.ts does not find, and `tiercel/metrics`.
  require('./js/app/main.js')
  require('./js/metrics/main.js')
  module.exports = require('./js/handler.js')
  // Node.js finds names for `import { configure }` by reading these lines; the class has them all.
  exports.configure = exports.ready = exports.stats = exports.updateTags = exports.expireTags = 0
  exports.get = exports.set = exports.refreshTags = exports.getExpiration = exports.decisions = 0
  exports.instances = exports.why = 0
} else {
  const { installed } = require('./js/installed.js')
  module.exports = installed('tiercel/handler', 'tiercel.handler')
}
