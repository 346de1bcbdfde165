// @ts-check

const diagnostics = require('node:diagnostics_channel')
// Collects decisions while somebody listens.
require('../channels.js')
const checks = require('./checks.js')
const { reportFailure } = require('./failures.js')

/**
 * Functions that are told what this thread decides, and how it is connected: those of `hooks.js` are
 * called once in the fleet, these in each process. They are fed by the channels, and nothing runs
 * while there are none.
 *
 * @typedef {import('../../index.js').DecisionEvent} DecisionEvent
 * @typedef {import('../../index.js').ConnectionEvent} ConnectionEvent
 */

const OPTIONS = /** @type {const} */ (['onError'])
const DECISIONS = ['tiercel:get', 'tiercel:set', 'tiercel:invalidate']
const CONNECTION = ['tiercel:connection']
/** Events that wait for a function that takes its time. */
const MOST_WAITING = 4_096

/** @template Event, Told */
class Listener {
  #name
  #callback
  #onError
  #take
  /** @type {Event[]} */
  #waiting = []
  #isCalling = false
  #isExiting = false
  #failures = 0
  /** Events that had no room since the last one that had. */
  #lost = 0

  /**
   * @param {string} name
   * @param {{ body: (told: Told) => unknown, onError?: (error: unknown, told: Told) => unknown }} given
   * @param {(waiting: Event[]) => Told} take what the next call is given
   */
  constructor(name, { body, onError }, take) {
    this.#name = name
    this.#callback = body
    this.#onError = onError
    this.#take = take
  }

  /** @param {unknown} event */
  hear = (event) => {
    const one = /** @type {Event & { lost?: number }} */ (event)
    if (this.#waiting.length >= MOST_WAITING) {
      this.#lost += 1
      return
    }
    // Others are told of the same object.
    const lost = (one.lost ?? 0) + this.#lost
    this.#waiting.push(lost > 0 ? { ...one, lost } : one)
    this.#lost = 0
    if (this.#isExiting) void this.#call()
    else if (this.#waiting.length === 1 && !this.#isCalling) setImmediate(this.#next).unref()
  }

  /** What the process decides in its last turn. */
  exit = () => {
    this.#isExiting = true
    while (this.#waiting.length > 0) void this.#call()
  }

  /** What waits is told to nobody any more. */
  end = () => {
    this.#waiting.length = 0
  }

  #next = async () => {
    if (this.#isCalling) return
    this.#isCalling = true
    while (this.#waiting.length > 0) await this.#call()
    this.#isCalling = false
  }

  /** One call at a time, in the order of the events: what comes meanwhile waits. */
  async #call() {
    const told = this.#take(this.#waiting)
    try {
      await this.#callback(told)
    } catch (error) {
      this.#failures += 1
      const onError = this.#onError
      const tell = onError && (() => onError(error, told))
      void reportFailure(this.#name, this.#failures, error, tell)
    }
  }
}

/**
 * @param {string[]} names of channels
 * @param {Listener<any, any>} listener
 * @returns {() => void} ends it
 */
function listen(names, { hear, exit, end }) {
  const channels = names.map((name) => diagnostics.channel(name))
  for (const channel of channels) channel.subscribe(hear)
  process.on('exit', exit)
  return () => {
    for (const channel of channels) channel.unsubscribe(hear)
    process.off('exit', exit)
    end()
  }
}

/** @param {string} name @param {unknown} callback @param {unknown} options */
function read(name, callback, options) {
  const { onError } = checks.options(name, options, OPTIONS)
  if (onError !== undefined) checks.callable(`${name}: \`onError\``, onError)
  return { body: /** @type {any} */ (checks.callable('the function', callback)), onError }
}

/**
 * Calls a function with what this thread decides, some decisions together.
 * @param {(decisions: DecisionEvent[]) => unknown} callback
 * @param {import('../../app.js').ListenerOptions<DecisionEvent[]>} [options]
 * @returns {() => void} ends it
 */
function onDecision(callback, options) {
  const given = read('onDecision', callback, options)
  const all = (/** @type {DecisionEvent[]} */ waiting) => waiting.splice(0)
  return listen(DECISIONS, new Listener('onDecision', given, all))
}

/**
 * Calls a function whenever the connection of this process to the shared tier changes.
 * @param {(event: ConnectionEvent) => unknown} callback
 * @param {import('../../app.js').ListenerOptions<ConnectionEvent>} [options]
 * @returns {() => void} ends it
 */
function onConnection(callback, options) {
  const given = read('onConnection', callback, options)
  const one = (/** @type {ConnectionEvent[]} */ waiting) => waiting.shift()
  return listen(CONNECTION, new Listener('onConnection', given, one))
}

module.exports = { onDecision, onConnection }
