// @ts-check

const { ENDING } = require('./abi.js')

/**
 * Promises that wait for another thread, each with a deadline. One timer serves them all; it keeps
 * the process alive only while a caller waits.
 */

/** @typedef {{ due: number, resolve: (ending: number) => void }} Wait */

/** @type {Map<unknown, Wait>} */
const waits = new Map()
/** @type {NodeJS.Timeout | undefined} */
let timer
let timerDue = Number.POSITIVE_INFINITY

/**
 * Calls `resolve` with how it ended when `settle(token, ending)` is called, with `ENDING.LATE` after
 * `ms`.
 * @param {unknown} token
 * @param {number} ms
 * @param {(ending: number) => void} resolve
 */
function call(token, ms, resolve) {
  const due = performance.now() + ms
  waits.set(token, { due, resolve })
  arm(due)
}

/**
 * Resolves to how it ended when `settle(token, ending)` is called, to `ENDING.LATE` after `ms`.
 * @param {unknown} token
 * @param {number} ms
 * @returns {Promise<number>}
 */
function wait(token, ms) {
  return new Promise((resolve) => call(token, ms, resolve))
}

/** @param {...number} endings tokens, and after each how it ended */
function settle(...endings) {
  for (let index = 0; index < endings.length; index += 2) {
    const found = waits.get(endings[index])
    if (!found) continue
    waits.delete(endings[index])
    found.resolve(endings[index + 1])
  }
  if (waits.size === 0) timer?.unref()
}

/** @param {number} due */
function arm(due) {
  if (due >= timerDue) return void timer?.ref()
  clearTimeout(timer)
  timerDue = due
  timer = setTimeout(ring, Math.max(1, due - performance.now()))
}

function ring() {
  timerDue = Number.POSITIVE_INFINITY
  const now = performance.now()
  let next = Number.POSITIVE_INFINITY
  for (const [token, { due, resolve }] of waits) {
    if (due <= now) {
      waits.delete(token)
      resolve(ENDING.LATE)
    } else if (due < next) {
      next = due
    }
  }
  if (next !== Number.POSITIVE_INFINITY) arm(next)
}

/** The interval of the bell, and the number of rings after which a call takes too long: 2.2 s. */
const RING_MS = 200
const MOST_RINGS = 11

/** @type {Set<{ born: number, resolve: () => void }>} */
const watched = new Set()
let rings = 0
/** @type {NodeJS.Timeout | undefined} */
let bell

/**
 * Calls `resolve` when the returned function is called, and in any case after 2.2 s: longer work
 * goes on after its promise has resolved. Cheaper than a wait, for work that seldom takes long.
 * @param {() => void} resolve
 */
function watch(resolve) {
  const one = { born: rings, resolve }
  watched.add(one)
  bell ??= setInterval(toll, RING_MS).unref()
  return () => {
    if (watched.delete(one)) resolve()
  }
}

function toll() {
  rings++
  for (const one of watched) {
    // In order of birth: after the first that may still take longer, all are younger.
    if (rings - one.born < MOST_RINGS) return
    watched.delete(one)
    one.resolve()
  }
  if (watched.size > 0) return
  clearInterval(bell)
  bell = undefined
}

module.exports = { call, wait, settle, watch }
