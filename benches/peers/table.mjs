// @ts-check
/** The tables, in Markdown. */

/** @typedef {import('./run.mjs').Result} Result */
/** @typedef {import('./statistics.mjs').Sum} Sum */
/** @typedef {import('./statistics.mjs').Spread} Spread */

/** To three digits, and whole from a hundred on. @param {number} number */
export function figure(number) {
  if (number >= 100) return Math.round(number).toLocaleString('en')
  return number >= 10 ? number.toFixed(1) : number.toFixed(2)
}

/** @param {Spread | undefined} spread @param {boolean} isWhole */
function spreadText(spread, isWhole) {
  if (!spread) return ''
  const text = (/** @type {number} */ number) =>
    isWhole ? String(Math.round(number)) : figure(number)
  const { median, min, max } = spread
  return min === max ? text(median) : `${text(median)} (${text(min)} to ${text(max)})`
}

const cell = (/** @type {string} */ text) => text.replaceAll('|', '\\|')

/** What a subject failed at, and how often. @param {Sum} sum */
export function failure({ failed, fails, samples }) {
  if (!failed) return ''
  return fails === samples ? `**fails**: ${failed}` : `**fails**, ${fails} of ${samples}: ${failed}`
}

/**
 * @param {Result} result
 * @returns {string} a heading and a table, a row for each subject
 */
export function tableOf({ name, unit, sums }) {
  const all = Object.entries(sums)
  const hasCpu = all.some(([, { cpu }]) => cpu)
  const hasMain = all.some(([, { main }]) => main)
  const head = ['', unit, ...(hasMain ? [`main thread, ${unit}`] : [])]
  if (hasCpu) head.push(`all threads, ${unit}`)
  const rows = all.map(([subject, sum]) => {
    const isWhole = unit === 'generations'
    const value = [spreadText(sum.value, isWhole), cell(failure(sum))].filter(Boolean).join('; ')
    const cells = [subject, value, ...(hasMain ? [spreadText(sum.main, false)] : [])]
    if (hasCpu) cells.push(spreadText(sum.cpu, false))
    return cells
  })
  return [`### ${capital(name)}`, '', ...lines(head, rows)].join('\n')
}

/** @param {string} text */
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1)

/** @param {string[]} head @param {string[][]} rows */
function lines(head, rows) {
  const line = (/** @type {string[]} */ cells) =>
    `|${cells.map((text) => (text ? ` ${text} ` : ' ')).join('|')}|`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}

/**
 * All medians in one table, a column for each subject.
 * @param {Result[]} results
 */
export function overview(results) {
  const names = [...new Set(results.flatMap(({ sums }) => Object.keys(sums)))]
  const rows = results.map(({ name, unit, sums }) => [
    `${name}, ${unit}`,
    ...names.map((subject) => brief(sums[subject], unit === 'generations')),
  ])
  return lines(['median', ...names], rows).join('\n')
}

/** @param {Sum | undefined} sum @param {boolean} isWhole */
function brief(sum, isWhole) {
  if (!sum) return '–'
  if (!sum.value) return 'fails'
  const text = isWhole ? String(Math.round(sum.value.median)) : figure(sum.value.median)
  return sum.failed ? `${text}, fails ${sum.fails} of ${sum.samples}` : text
}
