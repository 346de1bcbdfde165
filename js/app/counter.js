// @ts-check

const { isMainThread } = require('node:worker_threads')
const { ASK, MOST_ADD, MOST_BUCKETS, MOST_TOP } = require('../abi.js')
const checks = require('./checks.js')
const { invalid } = require('./errors.js')
const { add, ask, counter: numberOf } = require('./store.js')

const OPTIONS = /** @type {const} */ (['ttl', 'flushMs', 'bucket', 'history'])
const LONGEST_FLUSH_MS = 60_000
/** Where a question is about no id. */
const NOBODY = '-'

/** The counters to which something was added since they were flushed last, by number.
 * @type {Set<number>} */
const unflushed = new Set()
let isWatching = false

/**
 * Counts by id. What is added is collected in this process, and sent together.
 * @param {string} name
 * @param {{ ttl?: number | string, flushMs?: number, bucket?: number | string, history?: number | string }} [options]
 */
function counter(name, options) {
  const group = checks.group('the name of counter', name)
  const given = checks.options('counter', options, OPTIONS)
  const rules = rulesOf(given)
  const number = numberOf(group, rules)
  const own = (/** @type {unknown} */ id) => checks.own('the id', id)
  /** @param {string} id @param {number | string} amount */
  const put = (id, amount) => {
    add(number, id, amount)
    unflushed.add(number)
    watch()
  }
  /** @param {unknown} id @param {unknown} span */
  const seriesOf = async (id, span) => {
    const bounds = { most: rules.historyMs }
    const spanMs = checks.duration('the span, within `history`', span, bounds)
    const [, ...cells] = await ask(ASK.COUNT_SERIES, number, own(id), spanMs)
    return pairs(cells).map(([from, count]) => ({ from, count }))
  }

  return Object.freeze({
    /** @param {string} id @param {number} [n] */
    add(id, n = 1) {
      put(own(id), checks.whole('how much is added', n, -MOST_ADD, MOST_ADD))
    },
    /** @param {string} id @param {string} member */
    unique(id, member) {
      put(own(id), checks.own('the member', member))
    },
    /** @param {string} id */
    async get(id) {
      const [, sum] = await ask(ASK.COUNT_GET, number, own(id))
      return /** @type {number} */ (sum)
    },
    /** @param {string} id @param {number | string} span */
    async window(id, span) {
      const buckets = await seriesOf(id, span)
      return buckets.reduce((sum, { count }) => sum + count, 0)
    },
    /** @param {string} id @param {number | string} span */
    async series(id, span) {
      return seriesOf(id, span)
    },
    /** @param {number} n */
    async top(n = 10) {
      const most = checks.whole('how many', n, 1, MOST_TOP)
      const [, ...cells] = await ask(ASK.COUNT_TOP, number, NOBODY, most)
      return pairs(cells).map(([id, count]) => ({ id: id.toString(), count }))
    },
    /** @param {string} id */
    async uniques(id) {
      const [, count] = await ask(ASK.COUNT_DISTINCT, number, own(id))
      return /** @type {number} */ (count)
    },
    /** @param {string} id */
    async reset(id) {
      const [word, sum] = await ask(ASK.COUNT_REMOVE, number, own(id))
      return word === 'removed' ? /** @type {number} */ (sum) : 0
    },
    /** @param {string} id */
    async delete(id) {
      const [word] = await ask(ASK.COUNT_REMOVE, number, own(id))
      return word === 'removed'
    },
    async flush() {
      unflushed.delete(number)
      await ask(ASK.COUNT_FLUSH, number, NOBODY)
    },
  })
}

/** @param {any} given */
function rulesOf(given) {
  const ttlMs = checks.duration('counter: `ttl`', given.ttl ?? '30d')
  const flushMs = checks.whole('counter: `flushMs`', given.flushMs ?? 1_000, 1, LONGEST_FLUSH_MS)
  const bucketMs = checks.duration('counter: `bucket`', given.bucket ?? '1h')
  const historyMs = checks.duration('counter: `history`', given.history ?? '7d')
  if (historyMs < bucketMs || Math.ceil(historyMs / bucketMs) > MOST_BUCKETS) {
    const allowed = `1 to ${MOST_BUCKETS} times as long as \`bucket\``
    throw invalid('counter: `history`', allowed, given.history)
  }
  return { ttlMs, flushMs, bucketMs, historyMs }
}

/** @param {any[]} cells @returns {[any, any][]} */
function pairs(cells) {
  return Array.from({ length: cells.length / 2 }, (_, at) => [cells[2 * at], cells[2 * at + 1]])
}

/** A process that has nothing else to do sends what it has collected, once. */
function watch() {
  if (isWatching || !isMainThread) return
  isWatching = true
  process.on('beforeExit', () => {
    const all = [...unflushed]
    unflushed.clear()
    // Who wants to know calls `flush`.
    for (const number of all) ask(ASK.COUNT_FLUSH, number, NOBODY).catch(() => {})
  })
}

module.exports = { counter }
