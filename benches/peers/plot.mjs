// @ts-check
/** A plot of one measure: a line for each subject, from its least to its most, a dot at its median. */

/** @typedef {import('./run.mjs').Result} Result */

const WIDTH = 760
const LEFT = 132
const RIGHT = 170
const TOP = 62
const ROW = 28
const BOTTOM = 44
/** The widest failure that fits, in characters. */
const FITS = 84

export const themes = {
  light: {
    back: '#ffffff',
    text: '#374151',
    title: '#111827',
    grid: '#e5e7eb',
    own: '#0f766e',
    other: '#b45309',
    failed: '#b91c1c',
  },
  dark: {
    back: '#0d1117',
    text: '#c9d1d9',
    title: '#f0f6fc',
    grid: '#30363d',
    own: '#2dd4bf',
    other: '#fbbf24',
    failed: '#ff7b72',
  },
}

/**
 * Round numbers around all figures, each ten times the one before.
 * @param {number[]} numbers
 */
export function decades(numbers) {
  const known = numbers.filter((one) => one > 0)
  if (known.length === 0) return [1, 10]
  const from = Math.floor(Math.log10(Math.min(...known)))
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...known))))
  return Array.from({ length: to - from + 1 }, (_, nth) => 10 ** (from + nth))
}

/**
 * @param {Result} result
 * @param {{ theme: keyof typeof themes, own: string, note: string }} how `own` is the subject that stands out
 * @returns {string} an SVG document
 */
export function plotOf({ name, unit, sums }, { theme, own, note }) {
  const colors = themes[theme]
  const rows = Object.entries(sums)
  const ticks = decades(rows.flatMap(([, { value }]) => (value ? [value.min, value.max] : [])))
  const [low, high] = [Math.log10(ticks[0]), Math.log10(ticks[ticks.length - 1])]
  const x = (/** @type {number} */ number) =>
    LEFT + ((Math.log10(Math.max(number, ticks[0])) - low) / (high - low)) * (WIDTH - LEFT - RIGHT)
  const base = TOP + rows.length * ROW
  const grid = ticks.map(
    (tick) =>
      `<line class="grid" x1="${at(x(tick))}" x2="${at(x(tick))}" y1="${TOP}" y2="${base}"/>` +
      `<text x="${at(x(tick))}" y="${base + 16}" text-anchor="middle">${tickText(tick)}</text>`,
  )
  const drawn = rows.map(([subject, sum], nth) =>
    rowOf(subject, sum, { y: TOP + nth * ROW + ROW / 2, x, isOwn: subject === own }),
  )
  const height = base + BOTTOM
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(name)}">
<style>${styleOf(colors)}</style>
<rect class="back" width="${WIDTH}" height="${height}"/>
<text class="title" x="14" y="24">${escaped(name)}</text>
<text x="14" y="44">${escaped(note)}</text>
${[...grid, ...drawn].join('\n')}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${height - 8}" text-anchor="middle">${unit}, less is better; each step is ten times as much</text>
</svg>
`
}

/** @param {typeof themes['light']} colors */
const styleOf = ({ back, text, title, grid, own, other, failed }) => `
.back { fill: ${back} }
text { font: 12px system-ui, sans-serif; fill: ${text} }
.title { font-size: 15px; font-weight: 600; fill: ${title} }
.name { fill: ${title} }
.grid { stroke: ${grid} }
.own { fill: ${own}; stroke: ${own} }
.other { fill: ${other}; stroke: ${other} }
.failed { fill: ${failed} }
`

/**
 * @param {string} subject
 * @param {import('./statistics.mjs').Sum} sum
 * @param {{ y: number, x: (number: number) => number, isOwn: boolean }} frame
 */
function rowOf(subject, { value, failed }, { y, x, isOwn }) {
  const label = `<text class="name" x="${LEFT - 10}" y="${y + 4}" text-anchor="end">${escaped(subject)}</text>`
  if (!value) {
    const why = `fails: ${failed ?? 'no figure'}`
    const text = why.length > FITS ? `${why.slice(0, FITS - 1)}…` : why
    return `${label}<text class="failed" x="${LEFT + 6}" y="${y + 4}">${escaped(text)}</text>`
  }
  const kind = isOwn ? 'own' : 'other'
  const { min, median, max } = value
  const some = failed ? ', fails sometimes' : ''
  return (
    label +
    `<line class="${kind}" stroke-width="3" x1="${at(x(min))}" x2="${at(x(max))}" y1="${y}" y2="${y}"/>` +
    `<circle class="${kind}" cx="${at(x(median))}" cy="${y}" r="5"/>` +
    `<text class="${failed ? 'failed' : 'name'}" x="${at(x(max) + 10)}" y="${y + 4}">${short(median)}${some}</text>`
  )
}

const at = (/** @type {number} */ number) => number.toFixed(1)

/** @param {number} number */
const short = (number) =>
  number >= 100 ? Math.round(number).toLocaleString('en') : number.toPrecision(2)

/** @param {number} tick */
const tickText = (tick) =>
  tick >= 1 ? tick.toLocaleString('en') : String(Number(tick.toPrecision(1)))

const escaped = (/** @type {string} */ text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
