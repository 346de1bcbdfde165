// @ts-check

const { isMainThread } = require('node:worker_threads')
const at = require('./native.js')
const next = require('./next.js')
const servers = require('./servers.js')

/**
 * How the engine starts where nobody calls it yet: in a server of Next.js once that is about to
 * answer, in a build at once. A build connects to no server unless an option says so. A program that
 * only loads the module starts nothing.
 */
function boot() {
  if (!isMainThread) return
  if (next.isBuilding()) setTimeout(begin, 0).unref()
  else if (next.isHere()) servers.whenListed(() => void servers.loadHandlers().then(begin))
}

function begin() {
  try {
    at.start()
    if (isSecond()) at.native.noteSeveral()
  } catch {
    // The first call starts it.
  }
}

/** Whether this is the second process of a cluster, or of PM2: so there are several. */
function isSecond() {
  const { NODE_APP_INSTANCE } = process.env
  if (NODE_APP_INSTANCE !== undefined) return NODE_APP_INSTANCE === '1'
  // Loading it adds a listener.
  return /** @type {any} */ (require('node:cluster')).worker?.id === 2
}

/**
 * Options cannot be used: a server does not start, instead of failing its visitors. Where another
 * program starts the server, that receives the error.
 * @param {unknown} error
 */
function refuse(error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
  const isOurs = String(code).startsWith('TIERCEL_') && code !== 'TIERCEL_ALREADY_RUNNING'
  if (!isOurs || !isMainThread || next.isBuilding() || next.isDev() || !next.isOwner()) return
  at.native.report(
    'refused-options',
    `${message.replace(/^tiercel: /, '')}; the server does not start`,
  )
  at.native.speak()
  process.exit(1)
}

module.exports = { boot, refuse }
