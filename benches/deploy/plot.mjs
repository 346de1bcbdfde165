// @ts-check
/** The plot: a panel for each cache, one above the other, on the same axes. */

const WIDTH = 760
const LEFT = 56
const RIGHT = 20
const TOP = 74
const PANEL = 120
const GAP = 46
const BOTTOM = 44

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #374151 }
  .title { font-size: 15px; font-weight: 600; fill: #111827 }
  .name { font-weight: 600; fill: #111827 }
  .grid { stroke: #e5e7eb }
  .axis { stroke: #9ca3af }
  .switch { stroke: #6b7280; stroke-dasharray: 3 3 }
  .own { fill: #0f766e }
  .other { fill: #b45309 }
  @media (prefers-color-scheme: dark) {
    text { fill: #c9d1d9 }
    .title, .name { fill: #f0f6fc }
    .grid { stroke: #30363d }
    .axis { stroke: #6e7681 }
    .switch { stroke: #8b949e }
    .own { fill: #2dd4bf }
    .other { fill: #fbbf24 }
  }`

/**
 * @typedef {object} Panel
 * @property {string} name
 * @property {number[]} counts origin requests of each bin
 * @property {number[]} switches in ms
 * @property {string} note the result, in figures
 * @property {boolean} isOther whether Tiercel is compared with it
 */

/**
 * @param {{ title: string, subtitle: string, binMs: number, panels: Panel[] }} plot
 * @returns {string} an SVG document
 */
export function plotOf({ title, subtitle, binMs, panels }) {
  const bins = Math.max(...panels.map(({ counts }) => counts.length))
  const most = niceTop(Math.max(1, ...panels.flatMap(({ counts }) => counts)))
  const height = TOP + panels.length * PANEL + (panels.length - 1) * GAP + BOTTOM
  const x = (/** @type {number} */ ms) => LEFT + (ms / (bins * binMs)) * (WIDTH - LEFT - RIGHT)
  const drawn = panels.map((panel, nth) => {
    const top = TOP + nth * (PANEL + GAP)
    return panelOf(panel, { top, most, bins, binMs, x })
  })
  const middle = TOP + (height - TOP - BOTTOM) / 2
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">
<style>${STYLE}
</style>
<text class="title" x="${LEFT}" y="22">${escaped(title)}</text>
<text x="${LEFT}" y="41">${escaped(subtitle)}</text>
${drawn.join('\n')}
<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${height - 8}" text-anchor="middle">seconds since the load began; dashed: an instance is replaced</text>
<text transform="translate(14 ${middle}) rotate(-90)" text-anchor="middle">origin requests per ${binMs} ms</text>
</svg>
`
}

/**
 * @param {Panel} panel
 * @param {{ top: number, most: number, bins: number, binMs: number, x: (ms: number) => number }} frame
 */
function panelOf({ name, counts, switches, note, isOther }, { top, most, bins, binMs, x }) {
  const base = top + PANEL
  const y = (/** @type {number} */ count) => base - (count / most) * PANEL
  const lines = [0, most / 2, most].map(
    (count) =>
      `<line class="${count === 0 ? 'axis' : 'grid'}" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(count)}" y2="${y(count)}"/>` +
      `<text x="${LEFT - 8}" y="${y(count) + 4}" text-anchor="end">${count}</text>`,
  )
  const secs = Math.floor((bins * binMs) / 1000)
  const ticks = Array.from({ length: Math.floor(secs / 5) + 1 }, (_, tick) => tick * 5).map(
    (sec) => `<text x="${x(sec * 1000)}" y="${base + 16}" text-anchor="middle">${sec}</text>`,
  )
  const marks = switches.map(
    (ms) =>
      `<line class="switch" x1="${x(ms).toFixed(1)}" x2="${x(ms).toFixed(1)}" y1="${top}" y2="${base}"/>`,
  )
  const width = (x(binMs) - x(0) - 1).toFixed(1)
  const bars = counts.flatMap((count, bin) =>
    count === 0
      ? []
      : `<rect class="${isOther ? 'other' : 'own'}" x="${x(bin * binMs).toFixed(1)}" y="${y(count).toFixed(1)}" width="${width}" height="${(base - y(count)).toFixed(1)}"/>`,
  )
  return [
    `<text class="name" x="${LEFT}" y="${top - 10}">${escaped(name)}</text>`,
    `<text x="${WIDTH - RIGHT}" y="${top - 10}" text-anchor="end">${escaped(note)}</text>`,
    ...[...lines, ...ticks, ...marks, ...bars],
  ].join('\n')
}

/** An even number with room above the highest bar. */
function niceTop(/** @type {number} */ count) {
  const step = [2, 4, 10, 20, 40, 100, 200, 400, 1000].find((step) => step * 5 >= count) ?? 2000
  return Math.ceil(count / step) * step
}

const escaped = (/** @type {string} */ text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
