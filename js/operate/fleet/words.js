// @ts-check

const { cut, size } = require('../../command/terminal.js')

/** Figures as they are written in tables. @typedef {import('./figures.js').Row} Row */

/** @param {number | null} number */
const percentOf = (number) => {
  if (number === null) return '-'
  return number === 100 || number === 0 ? `${number} %` : `${number.toFixed(1)} %`
}

/** How a row is connected. @param {Row} row */
const stateOf = ({ state }) => cut(String(state), 10)

/** @param {Row} row */
const heldOf = ({ memoryBytes, memoryPercent }) =>
  memoryPercent === null ? 'none' : `${size(memoryBytes)} ${Math.round(memoryPercent)} %`

/** @param {number | null} number */
function countOf(number) {
  if (number === null) return '-'
  if (number < 10) return number.toFixed(1)
  if (number < 1e4) return String(Math.round(number))
  return number < 1e7 ? `${Math.round(number / 1e3)}k` : `${Math.round(number / 1e6)}M`
}

/** A latency; 0 where none was measured. @param {number} us */
const microsOf = (us) => {
  if (us === 0) return '-'
  if (us < 1_000) return `${us < 10 ? us.toFixed(1) : Math.round(us)} µs`
  return us < 1e6 ? `${(us / 1e3).toFixed(1)} ms` : `${(us / 1e6).toFixed(1)} s`
}

module.exports = { percentOf, stateOf, heldOf, countOf, microsOf }
