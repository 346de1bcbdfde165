// @ts-check

const { ASK, FIELD } = require('../abi.js')
const { native, mailbox, send, start } = require('../native.js')
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
function ask(order, group, own, ...details) {
  try {
    begin()
    const answer = native.ask(order, group, own, ...details)
    return typeof answer === 'number' ? later(answer, same) : Promise.resolve(done(answer))
  } catch (error) {
    return Promise.reject(error)
  }
}

/**
 * Has a limit decide. The numbers that this process knows are returned at once, and an error may be
 * thrown: nobody waits for a turn of the event loop, or for a promise. Else comes what is made of them.
 * @template T
 * @param {number} number
 * @param {string} own
 * @param {number} cost
 * @param {(ruling: number[]) => T} made
 * @returns {number[] | Promise<T>}
 */
function take(number, own, cost, made) {
  begin()
  const answer = native.ask(ASK.LIMIT_TAKE, number, own, cost)
  return typeof answer === 'number' ? later(answer, made) : done(answer)
}

function begin() {
  // What runs here need be found out once only.
  if (mailbox[FIELD.ATTACHED] !== 1) start()
}

/** @template T @param {T} one */
const same = (one) => one

const UNKNOWN = ['failed', 'unknown', '']

/**
 * One promise, as there are many calls.
 * @template T
 * @param {number} token
 * @param {(answer: any[]) => T} made
 * @returns {Promise<T>}
 */
function later(token, made) {
  send()
  return new Promise((resolve, reject) => {
    waits.call(token, PATIENCE_MS, () => {
      try {
        // Another copy of this module may have attached since, and what is left would be in its mailbox.
        begin()
        resolve(made(done(native.answered(token) ?? UNKNOWN)))
      } catch (error) {
        reject(error)
      }
    })
  })
}

/** @param {any[] | true | undefined} answer */
function done(answer) {
  if (answer === true) return numbers()
  if (answer === undefined) throw invalid('what is asked for', 'within its limits', undefined)
  if (answer[0] === 'failed') throw notDone(answer[1], answer[2])
  return answer
}

/** The numbers that the addon left in the mailbox. */
function numbers() {
  const all = []
  const end = FIELD.COUNT + mailbox[FIELD.COUNT]
  for (let at = FIELD.COUNT + 1; at <= end; at++) all.push(mailbox[at])
  return all
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
  begin()
  const added = native.add(counter, id, amount)
  if (added === 1) return
  throw added === 0 ? notDone('full', '') : invalid('what is added', 'within its limits', undefined)
}

module.exports = { ask, take, limiter, counter, add }
