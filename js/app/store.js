// @ts-check

const { FIELD } = require('../abi.js')
const { native, mailbox, start } = require('../native.js')
const waits = require('../waits.js')
const { invalid, notDone } = require('./errors.js')

/** What can be asked for, as in `src/binding/app/read.rs`. */
const ORDERS = Object.freeze({
  KV_GET: 10,
  KV_SET: 11,
  KV_TAKE: 12,
  KV_DELETE: 13,
  KV_INCREMENT: 14,
  KV_EXPIRE: 15,
  TOKEN_SET: 21,
  TOKEN_TAKE: 22,
  TOKEN_DELETE: 23,
  CODE_ISSUE: 30,
  CODE_VERIFY: 31,
  CODE_REVOKE: 32,
  LOCK_ACQUIRE: 40,
  LOCK_RENEW: 41,
  LOCK_RELEASE: 42,
  LIMIT_TAKE: 50,
  LIMIT_BLOCK: 51,
  LIMIT_RESET: 52,
  SESSION_CREATE: 60,
  SESSION_GET: 61,
  SESSION_UPDATE: 62,
  SESSION_ROTATE: 63,
  SESSION_DESTROY: 64,
  SESSION_DESTROY_ALL: 65,
  SESSION_LIST: 66,
})

/** The addon answers by itself, also when the store is away: this is longer than it may take. */
const PATIENCE_MS = 35_000

/**
 * Has an order carried out; rejects when that failed. What this process knows is answered without a
 * turn of the event loop.
 * @param {number} order
 * @param {string | number} group or the number of a limit
 * @param {string} own
 * @param {...unknown} details
 * @returns {Promise<any[]>} a word, and what goes with it
 */
async function ask(order, group, own, ...details) {
  // What runs here need be found out once only.
  if (mailbox[FIELD.ATTACHED] !== 1) start()
  let answer = native.ask(order, group, own, ...details)
  if (typeof answer === 'number') {
    await waits.wait(answer, PATIENCE_MS)
    answer = native.answered(answer) ?? ['failed', 'unknown', '']
  }
  if (answer === undefined) throw invalid('what is asked for', 'within its limits', undefined)
  if (answer[0] === 'failed') throw notDone(answer[1], answer[2])
  return answer
}

/**
 * The number of a limit. There is no engine needed, nor begun by that.
 * @param {string} group
 * @param {number} onError
 * @param {number[]} windows
 */
function limiter(group, onError, windows) {
  const number = native.limiter(group, onError, windows)
  if (number !== undefined) return number
  throw invalid('rateLimit', 'made once, outside of functions: there are 10000 different ones', {})
}

module.exports = { ask, limiter, ORDERS }
