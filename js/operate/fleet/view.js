// @ts-check

const { cut, moment, paint, size, span } = require('../../command/terminal.js')
const { percent } = require('../load.js')
const { countOf, heldOf, microsOf, percentOf, stateOf } = require('./words.js')

/**
 * What `tiercel top` shows, as lines of at most so many characters.
 *
 * @typedef {import('./figures.js').Row} Row
 * @typedef {import('./figures.js').Shown} Shown
 *
 * @typedef {object} State what keys have changed
 * @property {string} sort the column
 * @property {string} filter
 * @property {boolean} isTyping whether keys go to the filter
 * @property {boolean} isPaused
 * @property {string | undefined} chosen the instance that the arrows point at
 * @property {string | undefined} opened the instance that is shown alone
 * @property {string | undefined} trouble why there is nothing new
 *
 * @typedef {object} Column
 * @property {string} name
 * @property {string} [head] instead of the name
 * @property {(row: Row) => string} text
 * @property {(row: Row) => number | string} order what it sorts by
 * @property {boolean} [isUp] whether the least comes first
 * @property {number} least width
 * @property {number} [from] the width of the terminal from which it is shown
 */

/** @type {Column[]} */
const COLUMNS = [
  { name: 'name', text: ({ name }) => name, order: ({ name }) => name, isUp: true, least: 12 },
  { name: 'state', text: stateOf, order: ({ state }) => state, isUp: true, least: 9 },
  {
    name: 'hit',
    text: ({ hitPercent }) => percentOf(hitPercent),
    order: ({ hitPercent }) => hitPercent ?? 101,
    isUp: true,
    least: 6,
  },
  {
    name: 'gets',
    head: 'gets/s',
    text: ({ getsPerSec }) => countOf(getsPerSec),
    order: ({ getsPerSec }) => getsPerSec ?? 0,
    least: 6,
  },
  {
    name: 'p50',
    text: ({ p50Micros }) => microsOf(p50Micros),
    order: ({ p50Micros }) => p50Micros,
    least: 6,
    from: 92,
  },
  {
    name: 'p99',
    text: ({ p99Micros }) => microsOf(p99Micros),
    order: ({ p99Micros }) => p99Micros,
    least: 6,
  },
  {
    name: 'memory',
    text: heldOf,
    order: ({ memoryBytes }) => memoryBytes,
    least: 10,
  },
  { name: 'lag', text: ({ lagMs }) => span(lagMs), order: ({ lagMs }) => lagMs, least: 6 },
  {
    name: 'leases',
    text: ({ leases }) => String(leases),
    order: ({ leases }) => leases,
    least: 6,
    from: 84,
  },
  {
    name: 'up',
    text: ({ upMs }) => span(upMs),
    order: ({ upMs }) => upMs,
    least: 6,
    from: 100,
  },
  {
    name: 'version',
    text: ({ instance }) => cut(instance.version, 12),
    order: ({ instance }) => instance.version,
    isUp: true,
    least: 7,
    from: 120,
  },
  {
    name: 'build',
    text: ({ instance }) => cut(instance.build ?? '', 22),
    order: ({ instance }) => instance.build ?? '',
    isUp: true,
    least: 5,
    from: 140,
  },
  {
    name: 'told',
    text: ({ ageMs }) => `${span(ageMs)} ago`,
    order: ({ ageMs }) => ageMs,
    least: 9,
    from: 140,
  },
]
const LEFT = new Set(['name', 'state', 'version', 'build'])
const KEYS = 's sort  p pause  / filter  ↑↓ Enter open  q quit'
const KEYS_OPENED = 'Esc back  ↑↓ next  p pause  q quit'

/** Columns that `--sort` names. */
const SORTS = COLUMNS.filter(({ name }) => !['state', 'version', 'build', 'told'].includes(name))

/** Rows that the filter leaves, in the order of the sort. @param {Shown} shown @param {State} state */
function sorted({ rows }, { sort, filter }) {
  const column = COLUMNS.find(({ name }) => name === sort) ?? COLUMNS[0]
  const direction = column.isUp ? 1 : -1
  /** @param {Row} one @param {Row} other */
  const compared = (one, other) => {
    const [a, b] = [column.order(one), column.order(other)]
    if (a !== b) return (a < b ? -1 : 1) * direction
    return one.name < other.name ? -1 : 1
  }
  return rows.filter(({ name }) => name.includes(filter)).sort(compared)
}

/**
 * @param {Shown} shown
 * @param {State} state
 * @param {{ about: any, width: number, height: number }} frame
 * @returns {string[]}
 */
function view(shown, state, { about, width, height }) {
  const opened = shown.rows.find(({ id }) => id === state.opened)
  const isLive = Number.isFinite(height)
  const head = [...headOf(shown, state, about, width), '']
  const foot = isLive ? [paint('dim', cut(footOf(state, opened), width))] : []
  const room = height - head.length - foot.length
  const body = opened ? openedOf(opened, width) : bodyOf(shown, state, width, room)
  return [...head, ...filled(body, room, isLive), ...foot]
}

/** So many lines. @param {string[]} lines @param {number} room @param {boolean} isLive */
function filled(lines, room, isLive) {
  if (!isLive) return lines
  const most = Math.max(0, room)
  return [...lines, ...Array(most).fill('')].slice(0, most)
}

/** @param {State} state @param {Row | undefined} opened */
function footOf({ isTyping, filter, sort }, opened) {
  if (isTyping) return `filter: ${filter}_   Enter keeps it, Esc clears it`
  const told = filter === '' ? '' : `  [filter: ${filter}]`
  return opened ? KEYS_OPENED : `${KEYS}  [sort: ${sort}]${told}`
}

/** @param {Shown} shown @param {State} state @param {any} about @param {number} width */
function headOf({ rows, silent, total, redis, nowMs }, state, { namespace, place }, width) {
  const count = rows.length === 1 ? '1 instance' : `${rows.length} instances`
  const others = silent > 0 ? ` (${silent} silent)` : ''
  const at = state.isPaused ? 'paused' : moment(nowMs)
  const first = `tiercel top  ${namespace}  ${place}`
  const right = `${count}${others}  ${at}`
  const gap = Math.max(2, Math.min(width, 120) - first.length - right.length)
  const fleet = [
    `hit ${percentOf(total.hitPercent)}`,
    `${countOf(total.getsPerSec)} gets/s`,
    `p99 ${microsOf(total.p99Micros)}`,
    `memory ${size(total.memoryBytes)}${width < 100 ? '' : ` of ${size(total.capacityBytes)}`}`,
    `lag ${span(total.lagMs)}`,
    `leases ${total.leases}`,
  ]
  const bound = redis.mostBytes > 0 ? ` of ${size(redis.mostBytes)}` : ''
  const server = [
    `redis ${countOf(redis.commandsPerSec)} commands/s`,
    `cpu ${redis.cpuPercent === null ? '-' : `${redis.cpuPercent.toFixed(1)} %`}`,
    `memory ${size(redis.usedBytes)}${bound}`,
    `${redis.clients} clients`,
  ]
  const lines = [
    paint('bold', cut(`${first}${' '.repeat(gap)}${right}`, width)),
    cut(fleet.join('  '), width),
    cut(server.join('  '), width),
  ]
  const away = redis.away.map(({ server, trouble }) => `${server} (${trouble})`).join(', ')
  if (away !== '') lines.push(paint('yellow', cut(`away: ${away}`, width)))
  if (state.trouble) lines.push(paint('red', cut(state.trouble, width)))
  return lines
}

/** @param {Shown} shown @param {State} state @param {number} width @param {number} room */
function bodyOf(shown, state, width, room) {
  const rows = sorted(shown, state)
  const isFound = (/** @type {{ name: string }} */ { name }) => name.includes(state.filter)
  const busy = sideBySide(
    busiest('busiest keys', shown.busiest.filter(isFound)),
    busiest('busiest tags', shown.busiestTags.filter(isFound)),
    width,
  )
  const done = invalidated(shown, state, width)
  // The lists below keep a few lines, however many instances there are.
  const below = Math.min(busy.length + done.length + 2, Math.floor(room / 2))
  const most = Number.isFinite(room) ? Math.max(1, room - below - 1) : rows.length
  const chosen = Math.max(
    0,
    rows.findIndex(({ id }) => id === state.chosen),
  )
  const from = Math.max(0, Math.min(chosen - most + 1, rows.length - most))
  const visible = rows.slice(from, from + most)
  const lines = tableOf(visible, state, width)
  if (rows.length === 0) lines.push(shown.rows.length ? 'no instance has that name' : 'no instance')
  const rest = Number.isFinite(room) ? Math.max(0, room - lines.length - 2 - busy.length) : 1e9
  return [...lines, '', ...busy, '', ...done.slice(0, rest)]
}

/** @param {Row[]} rows @param {State} state @param {number} width */
function tableOf(rows, state, width) {
  const columns = COLUMNS.filter(({ from = 0 }) => width >= from)
  const texts = rows.map((row) => columns.map((column) => cut(column.text(row), 60)))
  const widths = columns.map(({ name, head = name, least }, at) =>
    Math.max(least, head.length, ...texts.map((cells) => cells[at].length)),
  )
  const others = widths.slice(1).reduce((sum, one) => sum + one + 2, 2)
  widths[0] = Math.max(8, Math.min(widths[0], width - others))
  /** @param {string[]} cells */
  const line = (cells) =>
    cells
      .map((cell, at) => {
        const text = cut(cell, widths[at])
        return LEFT.has(columns[at].name) ? text.padEnd(widths[at]) : text.padStart(widths[at])
      })
      .join('  ')
      .trimEnd()
  const head = columns.map(({ name, head = name }) => (name === state.sort ? `${head}*` : head))
  widths.forEach((one, at) => {
    widths[at] = Math.max(one, at === 0 ? 0 : head[at].length)
  })
  return [
    paint('dim', cut(`  ${line(head)}`, width)),
    ...rows.map((row, at) => {
      const isChosen = row.id === state.chosen
      const text = cut(`${isChosen ? '> ' : '  '}${line(texts[at])}`, width)
      const style = row.state !== 'connected' && row.state !== 'none' ? 'yellow' : undefined
      if (isChosen) return paint('bold', text)
      return style ? paint(style, text) : text
    }),
  ]
}

/** @param {string} title @param {{ name: string, kind?: string, perSec: number }[]} list */
function busiest(title, list) {
  const most = list.slice(0, 5)
  const numbers = most.map(({ perSec }) => `${countOf(perSec)}/s`.padStart(7))
  const rows = most.map(({ name, kind }, at) => {
    return `${numbers[at]}  ${kind ? `${cut(kind, 9).padEnd(9)}  ` : ''}${cut(name, 80)}`
  })
  return [title, ...(rows.length > 0 ? rows : ['      -'])]
}

/** Two lists, beside each other where there is room. @param {string[]} one @param {string[]} other @param {number} width */
function sideBySide(one, other, width) {
  /** @param {string} text @param {number} at @param {number} most */
  const cell = (text, at, most) => {
    const part = cut(text, most)
    return at === 0 ? paint('dim', part) : part
  }
  if (width < 120) {
    const lines = [one, other].flatMap((list) => list.map((text, at) => cell(text, at, width)))
    return lines
  }
  const half = Math.floor(width / 2) - 2
  return Array.from({ length: Math.max(one.length, other.length) }, (_, at) => {
    const left = cut(one[at] ?? '', half)
    return `${cell(left, at, half)}${' '.repeat(half - left.length + 2)}${cell(other[at] ?? '', at, half)}`
  })
}

/** @param {Shown} shown @param {State} state @param {number} width */
function invalidated(shown, { filter }, width) {
  const all = shown.invalidated.filter(({ tags, by }) => `${tags} ${by}`.includes(filter))
  const rows = all.map((one) => {
    const how = one.isSoft ? 'soft' : 'hard'
    const reach = one.isEverywhere ? `everywhere after ${span(one.ms)}` : 'here only so far'
    return cut(`${moment(one.at)}  ${how}  ${reach}  by ${cut(one.by, 40)}  ${one.tags}`, width)
  })
  return [paint('dim', 'invalidations'), ...(rows.length > 0 ? rows : ['-'])]
}

/** One instance alone. @param {Row} row @param {number} width */
function openedOf(row, width) {
  const { instance } = row
  /** @type {[string, string][]} */
  const facts = [
    ['instance', `${instance.name}  (${instance.id})`],
    ['versions', versionsOf(instance)],
    ['build', instance.build ?? '-'],
    ['up', `${span(row.upMs)}, since ${moment(instance.startedAt)}`],
    ['state', `${instance.state}, told ${span(row.ageMs)} ago`],
    ['gets', `${countOf(row.getsPerSec)}/s, hit ${percentOf(row.hitPercent)}`],
    ['latency', `p50 ${microsOf(row.p50Micros)}, p99 ${microsOf(row.p99Micros)}`],
    [
      'memory',
      `${heldOf(row)}, ${instance.memory.entries} entries, ${instance.memory.evictions} evicted`,
    ],
    ['lag', span(row.lagMs)],
    ['leases', leasesOf(instance)],
    ['sets', `${instance.sets}, invalidations ${instance.invalidations}`],
  ]
  const kinds = Object.entries(instance.kinds).map(([kind, answers = NOTHING]) => {
    const { fresh, stale, misses } = answers
    const rate = percentOf(percent(fresh + stale, misses))
    return `  ${cut(kind, 12).padEnd(12)}  ${rate.padStart(7)}  ${fresh} fresh, ${stale} stale, ${misses} misses`
  })
  const done = instance.invalidated.map((one) => ({ ...one, by: instance.name }))
  const lines = [
    ...facts.map(([name, text]) => `${name.padEnd(9)} ${text}`),
    '',
    ...kinds,
    '',
    ...busiest('busiest keys', instance.busiest),
    ...busiest('busiest tags', instance.busiestTags),
    '',
    ...done.map(
      (one) => `${moment(one.at)}  ${one.isSoft ? 'soft' : 'hard'}  ${span(one.ms)}  ${one.tags}`,
    ),
  ]
  return lines.map((line) => cut(line, width))
}

const NOTHING = { fresh: 0, stale: 0, misses: 0 }

/** @param {import('./figures.js').Instance} instance */
const versionsOf = ({ version, next, node }) =>
  [`tiercel ${version}`, next && `next ${next}`, node && `node ${node}`].filter(Boolean).join(', ')

/** @param {import('./figures.js').Instance} instance */
const leasesOf = ({ leases: { held, taken, followed, timedOut } }) =>
  `${held} held, ${taken} taken, ${followed} gets followed, ${timedOut} timed out`

module.exports = { view, sorted, SORTS }
