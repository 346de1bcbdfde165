// @ts-check

const { ASK, MOST_ADD, MOST_BUCKETS, MOST_FLUSH_MS, MOST_TOP } = require('../abi.js')
const checks = require('./checks.js')
const { invalid } = require('./errors.js')
const { add, ask, counter: numberOf } = require('./store.js')

const OPTIONS = /** @type {const} */ (['ttl', 'flushMs', 'bucket', 'history'])
const HOUR_MS = 3_600_000
const [WEEK_MS, MONTH_MS] = [7 * 24 * HOUR_MS, 30 * 24 * HOUR_MS]
/** Where a question is about no id. */
const NOBODY = '-'

/** How often a process that has nothing else to do tries to send what it has collected. */
const MOST_TRIES = 3
const PAUSE_MS = 200
/** Of each realm there is one, however often this file is loaded. */
const SENDER = Symbol.for('tiercel.counter.sender')
/** @type {{ hasAdded: boolean } | undefined} */
let sender

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
    sender ??= senderOf(globalThis)
    sender.hasAdded = true
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
      await ask(ASK.COUNT_FLUSH, number, NOBODY)
    },
  })
}

/** @param {any} given */
function rulesOf(given) {
  const time = (
    /** @type {'ttl' | 'bucket' | 'history'} */ name,
    /** @type {number} */ otherwise,
  ) =>
    given[name] === undefined ? otherwise : checks.duration(`counter: \`${name}\``, given[name])
  const flushMs = checks.whole('counter: `flushMs`', given.flushMs ?? 1_000, 1, MOST_FLUSH_MS)
  const ttlMs = time('ttl', Math.max(MONTH_MS, time('history', 0)))
  const historyMs = time('history', Math.min(WEEK_MS, ttlMs))
  const bucketMs = time('bucket', Math.min(HOUR_MS, historyMs))
  if (historyMs < bucketMs || Math.ceil(historyMs / bucketMs) > MOST_BUCKETS) {
    const allowed = `1 to ${MOST_BUCKETS} times as long as \`bucket\``
    throw invalid('counter: `history`', allowed, given.history)
  }
  if (ttlMs < historyMs)
    throw invalid('counter: `ttl`', 'as long as `history`, or longer', given.ttl)
  return { ttlMs, flushMs, bucketMs, historyMs }
}

/** @param {any[]} cells @returns {[any, any][]} */
function pairs(cells) {
  return Array.from({ length: cells.length / 2 }, (_, at) => [cells[2 * at], cells[2 * at + 1]])
}

/**
 * A thread that has nothing else to do sends what the process has collected, if it added to that itself:
 * what the others go on adding would keep it forever.
 * @param {any} realm
 * @returns {{ hasAdded: boolean }}
 */
function senderOf(realm) {
  const known = realm[SENDER]
  if (known) return known
  const one = { hasAdded: false }
  realm[SENDER] = one
  let tries = 0
  const failed = () => {
    tries += 1
    one.hasAdded = true
    // It is asked again when that is over.
    setTimeout(() => {}, PAUSE_MS * tries)
  }
  process.on('beforeExit', () => {
    if (!one.hasAdded || tries === MOST_TRIES) return
    one.hasAdded = false
    // Where nothing is left, that is said at once, and it ends. Who wants to know calls `flush`.
    ask(ASK.COUNT_FLUSH_ALL, 0, NOBODY).catch(failed)
  })
  return one
}

module.exports = { counter }
