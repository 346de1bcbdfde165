// @ts-check

const { native, start } = require('./native.js')
const next = require('./next.js')
const { loadHandlers } = require('./servers.js')

/** How long one call waits, in ms: less than the second that Kubernetes gives a probe. */
const TIMEOUT_MS = 500

/** The longest that one call waits, in ms: probes repeat, and must not pile up. */
const MOST_TIMEOUT_MS = 60_000

/** How long a missing shared tier may hold a process back, in ms. */
const GIVE_UP_MS = 10_000

/** The time between looks at the engine, in ms. */
const EVERY_MS = 20

const loaded = performance.now()

/**
 * Whether this process has once known every invalidation, or was forbidden to: an access list that
 * stays as it is should hold no instance back. From then on it is ready: otherwise a failing server
 * would take all instances out of traffic together, and the app with them.
 */
let hasKnown = false

/**
 * Whether this process may get traffic. Starts the engine, waits briefly for its shared tier, and
 * never rejects.
 * @param {{ timeoutMs?: number, giveUpMs?: number }} [options]
 */
async function ready(options) {
  const giveUpMs = duration(options?.giveUpMs, GIVE_UP_MS)
  const timeoutMs = Math.min(duration(options?.timeoutMs, TIMEOUT_MS), MOST_TIMEOUT_MS)
  const until = performance.now() + timeoutMs
  // The options of a handler file count, although Next.js loads that later than `instrumentation.ts`.
  if (next.isHere() && !next.isBuilding()) await Promise.race([loadHandlers(), pause(timeoutMs)])
  let state = look(giveUpMs)
  while (!state.ready && performance.now() < until) {
    await pause(EVERY_MS)
    state = look(giveUpMs)
  }
  return state
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((wake) => setTimeout(wake, ms))
}

/**
 * Anything but a number counts as not given.
 * @param {unknown} given
 * @param {number} otherwise
 */
function duration(given, otherwise) {
  return typeof given === 'number' && !Number.isNaN(given) ? given : otherwise
}

/** @param {number} giveUpMs */
function look(giveUpMs) {
  const shared = link()
  hasKnown ||= shared === 'none' || shared === 'connected' || shared === 'denied'
  const state = { ready: hasKnown || performance.now() - loaded >= giveUpMs, shared }
  const reason = shared === 'none' ? undefined : native.trouble()
  return reason ? { ...state, reason } : state
}

function link() {
  try {
    start()
    return native.link()
  } catch {
    // An engine that does not start finds nothing in the shared tier either.
    return /** @type {const} */ ('away')
  }
}

module.exports = { ready }
