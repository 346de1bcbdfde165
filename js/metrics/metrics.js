// @ts-check

const Tiercel = require('../handler.js')
const { OPEN_METRICS, PROMETHEUS, textOf } = require('./text.js')

/**
 * What this process has counted, as text.
 * @param {{ openMetrics?: boolean }} [options]
 */
function metrics({ openMetrics = false } = {}) {
  const text = textOf(Tiercel.stats(), openMetrics)
  return { text, contentType: openMetrics ? OPEN_METRICS : PROMETHEUS }
}

module.exports = { metrics }
