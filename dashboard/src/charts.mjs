// @ts-check

import uPlot from 'uplot'
import { h } from './dom.mjs'
import { count, micros, percent, size, time } from './format.mjs'

/** Charts of the last hour. Their height is fixed: nothing moves when figures arrive. */

/**
 * @typedef {{ label: string, colour: string, values: (number | null)[], fill?: boolean, bars?: boolean }} Line
 * @typedef {'percent' | 'micros' | 'rate' | 'bytes' | 'count'} Unit
 */

const HEIGHT = 168
/** Steps of what is counted. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6]
const SHOWN = {
  percent,
  micros,
  rate: (/** @type {any} */ n) => `${count(n)}/s`,
  bytes: size,
  count,
}

/** Has each colour for a moment: only where one is used is it said which of the two it is. */
const probe = h('span', { hidden: true })
document.body.append(probe)

/** @param {string} name of a custom property @returns {string} `rgb(…)` */
function colourOf(name) {
  probe.style.color = `var(${name})`
  return getComputedStyle(probe).color
}

/** What is below a line. @param {string} name of a custom property */
const shadeOf = (name) => colourOf(name).replace('rgb(', 'rgba(').replace(')', ', 0.13)')

export class Chart {
  #unit
  #title
  #box = h('div.plot')
  #empty = h('p.none', null, 'The first point is there within a minute or two.')
  #readout = h('p.readout')
  /** @type {uPlot | undefined} */
  #plot
  #shape = ''
  /** @type {Line[]} */
  #lines = []
  /** @type {number[]} */
  #minutes = []

  /** @param {string} title @param {Unit} unit @param {string} hint */
  constructor(title, unit, hint) {
    this.#title = title
    this.#unit = unit
    this.element = h(
      'figure.card.chart',
      null,
      h('figcaption', null, h('h3', null, title), h('p.hint', null, hint)),
      h('div.room', null, this.#box, this.#empty),
      this.#readout,
    )
    this.#box.setAttribute('role', 'img')
    new ResizeObserver(() => this.#fit()).observe(this.#box)
  }

  /** @param {number[]} minutes in ms @param {Line[]} lines */
  show(minutes, lines) {
    this.#minutes = minutes
    this.#lines = lines
    const data = /** @type {any} */ ([
      minutes.map((at) => at / 1e3),
      ...lines.map(({ values }) => values),
    ])
    const isEmpty = lines.every(({ values }) => values.every((one) => one === null))
    this.#empty.hidden = !isEmpty
    this.#box.classList.toggle('bare', isEmpty)
    const shape = JSON.stringify(lines.map(({ label, colour }) => [label, colour]))
    if (!this.#plot || shape !== this.#shape) this.#make(data)
    else this.#plot.setData(data)
    this.#shape = shape
    this.#say(minutes.length - 1)
    this.#box.setAttribute('aria-label', this.#summary())
  }

  /** Draws it again, in other colours. */
  redraw() {
    if (this.#plot) this.#plot.redraw(false, true)
  }

  #fit() {
    const width = this.#box.clientWidth
    if (width > 0) this.#plot?.setSize({ width, height: HEIGHT })
  }

  /** @param {any} data */
  #make(data) {
    this.#plot?.destroy()
    const shown = SHOWN[this.#unit]
    const axis = {
      stroke: () => colourOf('--faint'),
      grid: { stroke: () => colourOf('--line'), width: 1 },
      ticks: { show: false },
      font: '11px ui-monospace, SFMono-Regular, Menlo, monospace',
    }
    const isLog = this.#unit === 'micros'
    /** @type {uPlot.Options} */
    const options = {
      width: Math.max(200, this.#box.clientWidth),
      height: HEIGHT,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: (plot) => hour(plot) },
        y: isLog ? { distr: 3, log: 10 } : { range: ranges(this.#unit) },
      },
      axes: [
        { ...axis, values: '{HH}:{mm}', space: 60, size: 24 },
        {
          ...axis,
          size: 58,
          space: 34,
          ...(this.#unit === 'count' && { incrs: WHOLE }),
          values: (_, splits) => splits.map((one) => (one === null ? '' : shown(one))),
          ...(isLog && {
            filter: tens,
            grid: { ...axis.grid, filter: tens },
          }),
        },
      ],
      series: [
        {},
        ...this.#lines.map(({ label, colour, fill, bars }) => ({
          label,
          stroke: () => colourOf(colour),
          width: 1.5,
          points: { show: points, fill: () => colourOf('--card') },
          ...(fill && { fill: () => shadeOf(colour) }),
          ...(bars && {
            paths: uPlot.paths.bars?.({ size: [0.7, 12] }),
            fill: () => colourOf(colour),
            points: { show: false },
          }),
        })),
      ],
      hooks: { setCursor: [(plot) => this.#say(plot.cursor.idx ?? this.#minutes.length - 1)] },
    }
    this.#plot = new uPlot(options, data, this.#box)
    this.#fit()
  }

  /** What a minute has, in words below the chart. @param {number} at */
  #say(at) {
    const shown = SHOWN[this.#unit]
    const parts = this.#lines
      .filter(({ values }) => values[at] !== null && values[at] !== undefined)
      .map(({ label, values }) => `${label} ${shown(values[at])}`)
    const when = this.#minutes[at] === undefined ? '' : time(this.#minutes[at]).slice(0, 5)
    const text = parts.length > 0 ? parts.join('  ') : '–'
    this.#readout.textContent = `${when}  ${text}`
    this.#readout.title = this.#readout.textContent
  }

  #summary() {
    const shown = SHOWN[this.#unit]
    const parts = this.#lines.map(({ label, values }) => {
      const known = values.filter((one) => one !== null)
      if (known.length === 0) return `${label}: nothing`
      const [least, most] = [Math.min(...known), Math.max(...known)]
      return `${label}: from ${shown(least)} to ${shown(most)}, last ${shown(/** @type {number} */ (known.at(-1)))}`
    })
    return `${this.#title}, last hour. ${parts.join('. ') || 'Nothing yet'}.`
  }
}

/** A logarithmic axis names powers of ten. @param {unknown} _ @param {number[]} splits */
const tens = (_, splits) =>
  splits.map((one) => (Math.abs(Math.log10(one) - Math.round(Math.log10(one))) < 1e-6 ? one : null))

/** The whole hour, however little of it is known. @param {uPlot} plot @returns {[number, number]} */
const hour = ({ data: [minutes] }) => [minutes[0], minutes[minutes.length - 1]]

/** A single minute among gaps has no line: it is a point. @param {uPlot} plot @param {number} series */
function points(plot, series) {
  const values = /** @type {(number | null | undefined)[]} */ (plot.data[series])
  const known = values.filter((one) => one !== null && one !== undefined)
  return known.length < 3
}

/** @param {Unit} unit @returns {any} */
function ranges(unit) {
  if (unit === 'percent') {
    return (/** @type {any} */ _, /** @type {number | null} */ least) => {
      const from = [90, 50].find((one) => (least ?? 100) >= one) ?? 0
      return [from, 100]
    }
  }
  return (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ most) => [
    0,
    Number.isFinite(most) && most > 0 ? most * 1.1 : 1,
  ]
}
