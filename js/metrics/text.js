// @ts-check

const exemplars = require('../exemplars.js')
const { definitions } = require('./definitions.js')
const { familyOf, nameOf } = require('./names.js')

/**
 * Statistics as text: Prometheus 0.0.4, and OpenMetrics 1.0, which counts a unit in and has exemplars.
 *
 * @typedef {import('./definition.js').Definition} Definition
 * @typedef {import('./definition.js').Sample} Sample
 */

const PROMETHEUS = 'text/plain; version=0.0.4; charset=utf-8'
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** @param {import('../../index.js').Stats} stats @param {boolean} isOpen whether it is to be OpenMetrics */
function textOf(stats, isOpen) {
  const lines = []
  for (const definition of definitions) {
    const samples = definition.read(stats)
    if (samples.length === 0) continue
    const name = isOpen ? familyOf(definition) : nameOf(definition)
    lines.push(`# TYPE ${name} ${definition.type}`)
    if (isOpen && definition.unit) lines.push(`# UNIT ${name} ${name.split('_').at(-1)}`)
    lines.push(`# HELP ${name} ${definition.help}${isOpen ? '.' : ''}`)
    for (const sample of samples) lines.push(...rowsOf(definition, sample, stats, isOpen))
  }
  if (isOpen) lines.push('# EOF')
  return `${lines.join('\n')}\n`
}

/**
 * @param {Definition} definition
 * @param {Sample} sample
 * @param {import('../../index.js').Stats} stats
 * @param {boolean} isOpen
 */
function rowsOf(definition, sample, stats, isOpen) {
  const name = nameOf(definition)
  const { labels } = sample
  const row = (/** @type {string} */ end, /** @type {number} */ value, more = {}) =>
    `${name}${end}${shown({ ...labels, ...more })} ${value}`
  if (sample.quantiles) {
    const quantiles = Object.entries(sample.quantiles)
    const rows = quantiles.map(([quantile, value]) => row('', value, { quantile }))
    return [...rows, row('_count', sample.count ?? 0)]
  }
  if (!sample.counts) return [row('', sample.value ?? 0)]
  let count = 0
  const rows = sample.counts.map((added, bucket) => {
    count += added
    const bound = stats.histogramBounds[bucket] ?? Number.POSITIVE_INFINITY
    const line = row('_bucket', count, { le: float(bound * definition.scale) })
    return isOpen ? line + exemplarOf(definition, labels, bucket) : line
  })
  return [...rows, row('_sum', sample.sum ?? 0), row('_count', count)]
}

/** @param {Definition} definition @param {Record<string, string>} labels @param {number} bucket */
function exemplarOf({ name }, labels, bucket) {
  const found = exemplars.of(name, labels, bucket)
  if (!found) return ''
  return ` # ${shown({ trace_id: found.traceId })} ${found.value} ${found.time / 1e3}`
}

/** @param {Record<string, string>} labels */
function shown(labels) {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length > 0 ? `{${pairs.join(',')}}` : ''
}

/** @param {string} text */
const escaped = (text) => text.replace(/[\\"\n]/g, (one) => (one === '\n' ? '\\n' : `\\${one}`))

/** A bound as Go writes it, which OpenMetrics wants. @param {number} value */
function float(value) {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  // The product of a bound and a scale is a digit off.
  const exact = Number(value.toPrecision(15))
  const [digits, exponent] = exact.toExponential().split('e')
  if (Number(exponent) >= -4 && Number(exponent) < 6) {
    return Number.isInteger(exact) ? `${exact}.0` : String(exact)
  }
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
}

module.exports = { textOf, float, PROMETHEUS, OPEN_METRICS }
