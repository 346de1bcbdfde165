// @ts-check

const Tiercel = require('../handler.js')
const { definitions } = require('./definitions.js')
const { nameOf } = require('./names.js')
const { float } = require('./text.js')

/**
 * Metrics for a registry of `prom-client`, which takes any object that gives its values when asked.
 *
 * @typedef {import('./definition.js').Definition} Definition
 * @typedef {import('./definition.js').Sample} Sample
 * @typedef {{ value: number, labels: Record<string, string | number>, metricName?: string }} Value
 */

/** Statistics for one collection: a registry asks all metrics in one turn.
 * @type {import('../../index.js').Stats | undefined} */
let stats

/** @returns {import('../../index.js').Stats} */
function current() {
  if (stats !== undefined) return stats
  setImmediate(() => {
    stats = undefined
  })
  const counted = /** @type {import('../../index.js').Stats} */ (Tiercel.stats())
  stats = counted
  return counted
}

/**
 * Has a registry collect the metrics of this process, too. Repeating it changes nothing.
 * @param {any} register
 */
function collect(register) {
  for (const definition of definitions) {
    const name = nameOf(definition)
    if (register.getSingleMetric(name)) continue
    const { aggregator, help, type } = definition
    const values = () =>
      definition.read(current()).flatMap((sample) => valuesOf(definition, sample))
    register.registerMetric({
      name,
      help,
      type,
      aggregator,
      // For OpenMetrics the registry renames counters.
      async get() {
        return { name: this.name, help, type, values: values(), aggregator }
      },
      reset() {},
    })
  }
  return register
}

/** @param {Definition} definition @param {Sample} sample @returns {Value[]} */
function valuesOf(definition, { labels, value = 0, counts, sum = 0, quantiles, count = 0 }) {
  const name = nameOf(definition)
  const of = (/** @type {string} */ end, /** @type {number} */ value, more = {}) => ({
    value,
    labels: { ...labels, ...more },
    metricName: name + end,
  })
  if (quantiles) {
    const rows = Object.entries(quantiles).map(([quantile, at]) => of('', at, { quantile }))
    return [...rows, of('_count', count)]
  }
  if (!counts) return [{ value, labels }]
  let total = 0
  const bounds = current().histogramBounds
  const rows = counts.map((added, bucket) => {
    total += added
    const bound = bounds[bucket] ?? Number.POSITIVE_INFINITY
    return of('_bucket', total, { le: float(bound * definition.scale) })
  })
  return [...rows, of('_sum', sum), of('_count', total)]
}

module.exports = { collect }
