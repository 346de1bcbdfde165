// @ts-check

/**
 * What a metric is, and how the kinds of them are made of the statistics.
 *
 * @typedef {import('../../index.js').Stats} Stats
 * @typedef {import('../../index.js').HistogramStats} HistogramStats
 * @typedef {import('../../index.js').LatencyStats} LatencyStats
 * @typedef {Record<string, string>} Labels
 *
 * @typedef {object} Sample
 * @property {Labels} labels
 * @property {number} [value] of a counter or a gauge
 * @property {number[]} [counts] of a histogram, by bucket
 * @property {number} [sum] of a histogram
 * @property {Record<string, number>} [quantiles] of a summary
 * @property {number} [count] of a summary
 *
 * @typedef {'sum' | 'min' | 'max' | 'average'} Aggregator
 * @typedef {{ labels?: string[], aggregator?: Aggregator, scale?: number }} More
 *
 * @typedef {object} Definition
 * @property {string} name as OpenTelemetry has it; Prometheus adds the unit and `_total`
 * @property {'counter' | 'gauge' | 'histogram' | 'summary'} type
 * @property {'' | 's' | 'By'} unit
 * @property {string[]} labels
 * @property {string} help
 * @property {Aggregator} aggregator what the processes of one `node:cluster` have together
 * @property {number} scale from the unit of a histogram's bounds and sums to that of the metric
 * @property {(stats: Stats) => Sample[]} read
 */

/** From what is counted in microseconds to seconds. */
const MICROS = 1e-6

/**
 * @param {Definition['type']} type
 * @param {string} name
 * @param {Definition['unit']} unit
 * @param {string} help
 * @param {(stats: Stats) => Sample[]} read
 * @param {More} [more]
 * @returns {Definition}
 */
function define(type, name, unit, help, read, { labels = [], aggregator = 'sum', scale = 1 } = {}) {
  return { name: `tiercel.${name}`, type, unit, labels, help, aggregator, scale, read }
}

/** @param {number} value @returns {Sample[]} */
const one = (value) => [{ labels: {}, value }]

/**
 * One number of the statistics.
 * @param {'counter' | 'gauge'} type
 * @param {string} name
 * @param {Definition['unit']} unit
 * @param {string} help
 * @param {(stats: Stats) => number} of
 * @param {More} [more]
 */
const number = (type, name, unit, help, of, more) =>
  define(type, name, unit, help, (stats) => one(of(stats)), more)

/**
 * One number of the shared tier.
 * @param {'counter' | 'gauge'} type
 * @param {string} name
 * @param {Definition['unit']} unit
 * @param {string} help
 * @param {(shared: import('../../index.js').SharedStats) => number | undefined} of
 * @param {More} [more]
 */
const ofShared = (type, name, unit, help, of, more) =>
  define(
    type,
    name,
    unit,
    help,
    ({ shared }) => {
      const value = shared && of(shared)
      return value === undefined ? [] : one(value)
    },
    more,
  )

/**
 * Histograms of durations or ages.
 * @param {string} name
 * @param {string} help
 * @param {number} scale
 * @param {(stats: Stats) => { given: HistogramStats, labels?: Labels }[]} of
 * @param {string[]} [labels]
 */
const histogram = (name, help, scale, of, labels) =>
  define(
    'histogram',
    name,
    's',
    help,
    (stats) =>
      of(stats).map(({ given: { counts, sum }, labels = {} }) => ({
        labels,
        counts,
        sum: sum * scale,
      })),
    { labels, scale },
  )

/**
 * Quantiles of durations. Those of several processes cannot be added up: the worst are shown.
 * @param {string} name
 * @param {string} help
 * @param {(stats: Stats) => { given: LatencyStats, labels?: Labels }[]} of
 * @param {string[]} [labels]
 */
const summary = (name, help, of, labels) =>
  define(
    'summary',
    name,
    's',
    help,
    (stats) =>
      of(stats).map(({ given, labels = {} }) => {
        const { measured, p50Micros, p95Micros, p99Micros } = given
        const at = { 0.5: p50Micros, 0.95: p95Micros, 0.99: p99Micros }
        const quantiles = Object.entries(at).map(([quantile, us]) => [quantile, us / 1e6])
        return { labels, count: measured, quantiles: Object.fromEntries(quantiles) }
      }),
    { labels, aggregator: 'max' },
  )

module.exports = { MICROS, define, number, ofShared, histogram, summary }
