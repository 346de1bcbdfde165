// @ts-check

const diagnostics = require('node:diagnostics_channel')
const { isMainThread } = require('node:worker_threads')

/**
 * Decisions, for those that subscribe to `tiercel:get` and its like. Calls note them in any case, see
 * `src/journal.rs`; here they are collected, from time to time, while somebody listens. Nothing else
 * ever runs: a call does not even look whether there is a subscriber.
 *
 * @typedef {import('../index.js').DecisionEvent} DecisionEvent
 * @typedef {import('../index.js').ConnectionEvent} ConnectionEvent
 * @typedef {Pick<import('./native.js').Native, 'told' | 'hush' | 'heard' | 'link' | 'trouble'>} Told
 */

/** How often decisions are collected. */
const LOOK_MS = 100
/** How many decisions may come between two looks, which is a fourth of what is remembered. */
const MANY = 1_024

const channels = {
  get: diagnostics.channel('tiercel:get'),
  set: diagnostics.channel('tiercel:set'),
  invalidate: diagnostics.channel('tiercel:invalidate'),
  lease: diagnostics.channel('tiercel:lease'),
  connection: diagnostics.channel('tiercel:connection'),
}
const all = Object.values(channels)

/** Once the engine runs. @type {Told | undefined} */
let native
/** What was told so far, while somebody listens.
 * @type {{ end: number, lost: number, position: number, state: ConnectionEvent['state'] } | undefined} */
let seen

/** @param {Told} started */
function begin(started) {
  const isFirst = native === undefined
  native ??= started
  wake()
  // It may be connected by now. Whoever subscribed before is told of that, too.
  if (isFirst && seen !== undefined && seen.state !== 'none') seen.state = 'connecting'
}

const isHeard = () => all.some((channel) => channel.hasSubscribers)

/** What is decided from now on is told. */
function wake() {
  if (native === undefined || seen !== undefined || !isHeard()) return
  const { end } = JSON.parse(native.told())
  seen = { end, lost: 0, position: lastHeard(), state: native.link() }
  ended = performance.now()
  setImmediate(look).unref()
  process.on('exit', tell)
}

/** The last invalidation by another process. */
function lastHeard() {
  const heard = isMainThread && native ? JSON.parse(native.heard(-1)) : []
  return heard.at(-1)?.position ?? -1
}

/** When the last look ended. */
let ended = 0

function look() {
  if (!isHeard()) {
    seen = undefined
    native?.hush()
    process.off('exit', tell)
    return
  }
  const ms = performance.now() - ended
  const pause = Math.min(LOOK_MS, (ms * MANY) / Math.max(tell(), 1))
  ended = performance.now()
  if (pause < 1) setImmediate(look).unref()
  else setTimeout(look, pause).unref()
}

/** Tells what was decided since, and how much that is. */
function tell() {
  if (native === undefined || seen === undefined) return 0
  const { end, lost, decisions } = JSON.parse(native.told(seen.end))
  const count = end - seen.end
  seen.end = end
  seen.lost += lost
  // With none to say it, the next one does.
  if (seen.lost > 0 && decisions.length > 0) {
    decisions[0].lost = seen.lost
    seen.lost = 0
  }
  decisions.forEach(publish)
  // One thread tells for all of them.
  const heard = isMainThread ? JSON.parse(native.heard(seen.position)) : []
  for (const decision of heard) {
    seen.position = Math.max(seen.position, decision.position)
    publish(decision)
  }
  tellConnection()
  return count
}

/** @param {DecisionEvent} decision */
function publish(decision) {
  const { call, lease } = decision
  if (channels[call].hasSubscribers) channels[call].publish(decision)
  if (lease && channels.lease.hasSubscribers) channels.lease.publish(decision)
}

function tellConnection() {
  if (native === undefined || seen === undefined) return
  const state = native.link()
  if (state === seen.state) return
  /** @type {ConnectionEvent} */
  const event = { time: Date.now(), state, previous: seen.state }
  const reason = native.trouble()
  if (reason) event.reason = reason
  seen.state = state
  channels.connection.publish(event)
}

const realm = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (globalThis))
const ONE = Symbol.for('tiercel.channels')
if (realm[ONE] === undefined) {
  realm[ONE] = { begin }
  // Node.js does not tell that somebody subscribes.
  for (const channel of all) {
    channel.subscribe = function (listener) {
      Object.getPrototypeOf(this).subscribe.call(this, listener)
      wake()
    }
  }
}

/** One copy of this module tells for all copies of a realm: the first. @type {{ begin: typeof begin }} */
module.exports = realm[ONE]
