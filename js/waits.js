// @ts-check

/**
 * Promises that wait for something outside, each with a deadline. One timer serves them all; it
 * keeps the process alive only while somebody waits.
 */

/** @typedef {{ due: number, resolve: (inTime: boolean) => void }} Wait */

/** @type {Map<unknown, Wait>} */
const waits = new Map()
/** @type {NodeJS.Timeout | undefined} */
let timer
let timerDue = Number.POSITIVE_INFINITY

/**
 * Resolves to true when `settle(token)` is called, to false after `ms`.
 * @param {unknown} token
 * @param {number} ms
 * @returns {Promise<boolean>}
 */
function wait(token, ms) {
  return new Promise((resolve) => {
    const due = performance.now() + ms
    waits.set(token, { due, resolve })
    arm(due)
  })
}

/** @param {unknown} token */
function settle(token) {
  const found = waits.get(token)
  if (!found) return
  waits.delete(token)
  if (waits.size === 0) timer?.unref()
  found.resolve(true)
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
      resolve(false)
    } else if (due < next) {
      next = due
    }
  }
  if (next !== Number.POSITIVE_INFINITY) arm(next)
}

/**
 * Resolves when `promise` does, and after `ms` in any case. Never rejects.
 * @param {Promise<unknown>} promise
 * @param {number} ms
 */
async function atMost(promise, ms) {
  const token = {}
  const done = () => settle(token)
  promise.then(done, done)
  await wait(token, ms)
}

/** How many wait; for tests. */
const waiting = () => waits.size

module.exports = { wait, settle, atMost, waiting }
