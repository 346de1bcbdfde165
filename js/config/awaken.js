// @ts-check

const { loadHandlers, whenListed } = require('../servers.js')

let isAwaken = false

/**
 * Has the handlers loaded as a server starts, where Next.js alone loads a `cacheHandler` with the
 * first request. A process that only reads next.config, as a build and commands do, lists no server.
 */
function awaken() {
  if (isAwaken || process.env.NEXT_PHASE === 'phase-production-build') return
  isAwaken = true
  whenListed(() => void loadHandlers())
}

module.exports = { awaken }
