// @ts-check

/**
 * The last hour as a reader wants it, of what was counted in each minute: rates and percentiles by
 * kind. The names of what is counted are in `src/handler/history.rs`.
 *
 * @typedef {import('./source.js').History} History
 */

const KINDS = /** @type {const} */ ([
  'useCache',
  'appPage',
  'appRoute',
  'pages',
  'fetch',
  'image',
  'own',
])
const MINUTE_MS = 60_000
const MINUTES = 60
/** Buckets of a histogram: `src/stats/buckets.rs`. */
const BUCKETS = 24

/** An instance that begins so late in a minute may have nothing to tell of it. */
const LATE_MS = 10_000

/** @param {History} history @param {{ startedAt: number }[]} [instances] that add what they counted to a minute */
function seriesOf({ nowMs, rows }, instances = []) {
  const byMinute = new Map(rows.map(({ at, values }) => [at, values]))
  const last = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS
  const isOpen = byMinute.has(last)
  // A minute that is under way is shown where it is known: by a process alone.
  const end = isOpen ? last : endOf(last, byMinute, instances)
  const minutes = Array.from({ length: MINUTES }, (_, n) => end - (MINUTES - 1 - n) * MINUTE_MS)
  const values = minutes.map((at) => byMinute.get(at))
  const some = KINDS.filter((kind) =>
    values.some((of) => of && partsOf(of, kind).some((count) => count > 0)),
  )
  /** @param {(of: Record<string, number>) => number | null} of */
  const line = (of) => values.map((one) => (one ? of(one) : null))
  /** @param {string} name */
  const count = (name) => line((of) => of[name] ?? 0)
  return {
    minutes,
    /** Of the last minute: it may not be over. */
    secs: isOpen ? Math.max(1, Math.min(60, (nowMs - last) / 1e3)) : 60,
    kinds: Object.fromEntries(some.map((kind) => [kind, kindOf(values, kind)])),
    redis: {
      p50: line((of) => percentile(timesOf(of, 'redis'), 0.5)),
      p99: line((of) => percentile(timesOf(of, 'redis'), 0.99)),
    },
    memory: count('memoryBytes'),
    invalidations: count('invalidations'),
    saved: count('saved'),
  }
}

/**
 * The last minute of a fleet: with what some have told of it, it would look like a slump. Whoever is
 * gone, or slow, keeps it back for a minute at most.
 * @param {number} last when the minute under way began
 * @param {Map<number, Record<string, number>>} byMinute
 * @param {{ startedAt: number }[]} instances
 */
function endOf(last, byMinute, instances) {
  const over = last - MINUTE_MS
  const all = instances.filter(({ startedAt }) => startedAt < last - LATE_MS).length
  return (byMinute.get(over)?.instances ?? 0) >= all ? over : over - MINUTE_MS
}

/** @param {Record<string, number>} of @param {string} kind */
const partsOf = (of, kind) => ['fresh', 'stale', 'misses'].map((part) => of[`${kind}.${part}`] ?? 0)

/** @param {(Record<string, number> | undefined)[]} values @param {string} kind */
function kindOf(values, kind) {
  const parts = values.map((of) => of && partsOf(of, kind))
  const times = values.map((of) => of && timesOf(of, kind))
  const hour = Array.from({ length: BUCKETS }, (_, bucket) =>
    times.reduce((sum, of) => sum + (of?.[bucket] ?? 0), 0),
  )
  return {
    hits: parts.map((of) => (of ? of[0] + of[1] : null)),
    stale: parts.map((of) => (of ? of[1] : null)),
    misses: parts.map((of) => (of ? of[2] : null)),
    p50: times.map((of) => (of ? percentile(of, 0.5) : null)),
    p99: times.map((of) => (of ? percentile(of, 0.99) : null)),
    hour: { p50: percentile(hour, 0.5), p99: percentile(hour, 0.99) },
  }
}

/** How many took how long. @param {Record<string, number>} of @param {string} name */
const timesOf = (of, name) =>
  Array.from({ length: BUCKETS }, (_, bucket) => of[`${name}.t${bucket}`] ?? 0)

/**
 * In microseconds, by the upper bound of the bucket it falls into; the last bucket has none.
 * @param {number[]} counts
 * @param {number} share
 */
function percentile(counts, share) {
  const all = counts.reduce((sum, count) => sum + count, 0)
  if (all === 0) return null
  let below = 0
  const at = counts.findIndex((count) => {
    below += count
    return below >= all * share
  })
  return 2 ** Math.min(at, BUCKETS - 1)
}

module.exports = { seriesOf, KINDS }
