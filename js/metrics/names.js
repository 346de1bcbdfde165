// @ts-check

/**
 * What metrics are called where they are read.
 *
 * @typedef {import('./definition.js').Definition} Definition
 */

const UNITS = { '': '', s: '_seconds', By: '_bytes' }

/** As Prometheus has it, by its rules for metrics of OpenTelemetry; without `_total`. @param {Definition} definition */
function familyOf({ name, unit }) {
  return name.replaceAll('.', '_') + UNITS[unit]
}

/** @param {Definition} definition */
function nameOf(definition) {
  return familyOf(definition) + (definition.type === 'counter' ? '_total' : '')
}

module.exports = { familyOf, nameOf }
