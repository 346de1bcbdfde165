// @ts-check

const { FIELD } = require('../abi.js')
const { native, mailbox, start } = require('../native.js')
const waits = require('../waits.js')
const { invalid, notDone } = require('./errors.js')

/** The addon answers by itself, also when the store is away: this is longer than it may take. */
const PATIENCE_MS = 35_000

/**
 * Has an order carried out; rejects when that failed.
 * @param {number} order one of `ASK`
 * @param {string | number} group or the number of a limit
 * @param {string} own
 * @param {...unknown} details
 * @returns {Promise<any[]>} a word, and what goes with it
 */
async function ask(order, group, own, ...details) {
  return asked(order, group, own, ...details)
}

/**
 * The same. What this process knows is returned at once, and may be thrown: nobody waits for a turn of
 * the event loop, or for a promise.
 * @param {number} order
 * @param {string | number} group
 * @param {string} own
 * @param {...unknown} details
 * @returns {any[] | Promise<any[]>}
 */
function asked(order, group, own, ...details) {
  // What runs here need be found out once only.
  if (mailbox[FIELD.ATTACHED] !== 1) start()
  const answer = native.ask(order, group, own, ...details)
  return typeof answer === 'number' ? later(answer) : done(answer)
}

/** @param {number} token */
async function later(token) {
  await waits.wait(token, PATIENCE_MS)
  return done(native.answered(token) ?? ['failed', 'unknown', ''])
}

/** @param {any[] | undefined} answer */
function done(answer) {
  if (answer === undefined) throw invalid('what is asked for', 'within its limits', undefined)
  if (answer[0] === 'failed') throw notDone(answer[1], answer[2])
  return answer
}

/**
 * The number of a limit. There is no engine needed, nor begun by that.
 * @param {string} group
 * @param {number} onError
 * @param {number[]} windows
 * @param {number} mode
 */
function limiter(group, onError, windows, mode) {
  const number = native.limiter(group, onError, windows, mode)
  if (number !== undefined) return number
  throw invalid('rateLimit', 'made once, outside of functions: there are 10000 different ones', {})
}

/**
 * The number of a counter; as with a limit.
 * @param {string} group
 * @param {{ ttlMs: number, bucketMs: number, historyMs: number, flushMs: number }} rules
 */
function counter(group, { ttlMs, bucketMs, historyMs, flushMs }) {
  const number = native.counter(group, ttlMs, bucketMs, historyMs, flushMs)
  if (number !== undefined) return number
  throw invalid('counter', 'made once, outside of functions: there are 10000 different ones', {})
}

/**
 * Adds to a counter; throws where there is no room.
 * @param {number} counter
 * @param {string} id
 * @param {number | string} amount a number, or a member
 */
function add(counter, id, amount) {
  if (mailbox[FIELD.ATTACHED] !== 1) start()
  const added = native.add(counter, id, amount)
  if (added === 1) return
  throw added === 0 ? notDone('full', '') : invalid('what is added', 'within its limits', undefined)
}

module.exports = { ask, asked, limiter, counter, add }
