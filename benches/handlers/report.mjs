// @ts-check
/** Rows of figures, and the table they make. */

/**
 * @typedef {object} Row
 * @property {string} what
 * @property {string} against the subject that Tiercel is compared with
 * @property {number} tiercel
 * @property {number} [other]
 * @property {'ns' | 'ms' | 'bytes'} unit of `tiercel` and `other`; times themselves are in ns
 * @property {number} [ratio] Tiercel by the other: smaller is better
 * @property {number} [goal] the ratio to reach
 * @property {boolean} [isReached]
 */

/**
 * @param {Omit<Row, 'isReached'>} row
 * @returns {Row}
 */
export function rowOf({ ratio, goal, ...row }) {
  if (ratio === undefined || goal === undefined) return { ...row, ratio }
  // To the two digits that are printed.
  return { ...row, ratio, goal, isReached: Math.round(ratio * 100) <= Math.round(goal * 100) }
}

/** To three digits. @param {number} number */
export const rounded = (number) => Math.round(number * 1e3) / 1e3

/** @param {number | undefined} value @param {Row['unit']} unit */
function amount(value, unit) {
  if (value === undefined) return ''
  if (unit === 'bytes') return `${Math.round(value).toLocaleString('en')} B`
  if (unit === 'ms') return `${(value / 1e6).toFixed(2)} ms`
  return `${value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en')} ns`
}

/** @param {Row} row */
function cells({ what, against, tiercel, other, unit, ratio, goal, isReached }) {
  return [
    what,
    amount(tiercel, unit),
    against,
    amount(other, unit),
    ratio === undefined ? '' : `${ratio.toFixed(2)}x`,
    goal === undefined ? '' : `${goal}x`,
    isReached === undefined ? '' : isReached ? 'yes' : 'no',
  ]
}

const HEAD = ['', 'Tiercel', 'against', '', 'ratio', 'goal', 'reached']

/** @param {Row[]} rows */
export function table(rows) {
  return aligned(HEAD, rows.map(cells), [0, 2, 6])
}

/**
 * Cells in columns.
 * @param {string[]} head
 * @param {string[][]} rows
 * @param {number[]} toTheLeft columns of text
 */
export function aligned(head, rows, toTheLeft) {
  const lines = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column].length)))
  const texts = lines.map((line) =>
    line
      .map((cell, column) =>
        toTheLeft.includes(column) ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join('  ')
      .trimEnd(),
  )
  texts.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '))
  return texts.join('\n')
}
