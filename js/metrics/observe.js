// @ts-check

const Tiercel = require('../handler.js')
const { definitions } = require('./definitions.js')

/**
 * Metrics of OpenTelemetry, observed when they are collected. A histogram that was counted elsewhere
 * cannot be handed over: its number and its sum are.
 *
 * @typedef {import('@opentelemetry/api').Observable} Observable
 * @typedef {import('./definition.js').Definition} Definition
 * @typedef {import('./definition.js').Sample} Sample
 * @typedef {(sample: Sample, observe: (value: number, more?: Record<string, string>) => void) => void} Tell
 */

/** @param {import('@opentelemetry/api').Meter} meter */
function observe(meter) {
  const all = definitions.flatMap((definition) =>
    instrumentsOf(meter, definition).map((one) => ({ ...one, definition })),
  )
  meter.addBatchObservableCallback(
    (result) => {
      const stats = Tiercel.stats()
      for (const { instrument, tell, definition } of all) {
        for (const sample of definition.read(stats)) {
          const own = attributesOf(sample.labels)
          tell(sample, (value, more = {}) =>
            result.observe(instrument, value, { ...own, ...attributesOf(more) }),
          )
        }
      }
    },
    all.map(({ instrument }) => instrument),
  )
}

/**
 * @param {import('@opentelemetry/api').Meter} meter
 * @param {Definition} definition
 * @returns {{ instrument: Observable, tell: Tell }[]}
 */
function instrumentsOf(meter, { name, type, unit, help }) {
  const options = { description: help, unit }
  const number = { description: help, unit: '' }
  /** @type {Tell} */
  const value = (sample, observe) => observe(sample.value ?? 0)
  if (type === 'counter') {
    return [{ instrument: meter.createObservableCounter(name, options), tell: value }]
  }
  if (type === 'gauge') {
    return [{ instrument: meter.createObservableGauge(name, options), tell: value }]
  }
  if (type === 'summary') {
    /** @type {Tell} */
    const tell = ({ quantiles = {} }, observe) => {
      for (const [quantile, at] of Object.entries(quantiles)) observe(at, { quantile })
    }
    return [{ instrument: meter.createObservableGauge(name, options), tell }]
  }
  return [
    {
      instrument: meter.createObservableCounter(`${name}.count`, number),
      tell: ({ counts = [] }, observe) => observe(counts.reduce((sum, count) => sum + count, 0)),
    },
    {
      instrument: meter.createObservableCounter(`${name}.sum`, options),
      tell: ({ sum = 0 }, observe) => observe(sum),
    },
  ]
}

/** @param {Record<string, string>} labels */
const attributesOf = (labels) =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [`tiercel.${name}`, value]))

module.exports = { observe }
