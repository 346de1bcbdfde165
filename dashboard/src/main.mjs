// @ts-check

import { Chart } from './charts.mjs'
import { h, put, row, say } from './dom.mjs'
import { count, KINDS, micros, moment, percent, plural, size, span } from './format.mjs'
import { live } from './live.mjs'
import { instanceRow, namedRow, table } from './tables.mjs'
import { theme } from './theme.mjs'
import { purgeBox, whyBox } from './tools.mjs'

/** The page: figures arrive in sections, and each section knows what of the page it changes. */

const base = document.body.dataset.base ?? ''
const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))

/** What is known, by section. @type {Record<string, any>} */
const known = {}
/** Kinds whose lines are hidden. @type {Set<string>} */
const hidden = new Set()

const TILES = /** @type {[string, string][]} */ ([
  ['hit', 'Hit rate'],
  ['gets', 'Gets'],
  ['saved', 'Origin calls saved'],
  ['memory', 'Memory'],
  ['redis', 'Redis round trip'],
  ['lag', 'Lag'],
  ['led', 'Generating now'],
  ['instances', 'Instances'],
])
const tiles = Object.fromEntries(
  TILES.map(([name, label]) => {
    const [value, hint] = [h('p.value', null, '–'), h('p.hint', null, '\u00a0')]
    const element = h('div.tile', null, h('p.label', null, label), value, hint)
    return [name, { element, value, hint }]
  }),
)

const charts = {
  hit: new Chart('Hit rate', 'percent', 'of gets, by kind'),
  gets: new Chart('Gets', 'rate', 'a second, by kind'),
  times: new Chart('Latency', 'micros', 'p99 with waits, by kind'),
  redis: new Chart('Redis round trip', 'micros', 'p50 and p99 of reads and exchanges'),
  memory: new Chart('Memory', 'bytes', 'of all instances'),
  events: new Chart('Invalidations', 'count', 'a minute'),
}

const kinds = table(
  'By kind',
  ['Kind', '#Gets', '#Hit', '#Stale', '#p50', '#p99'],
  'No get in the last hour. Open a page of the app: what it reads from the cache shows here within a minute.',
)
const fleet = table(
  'Instances',
  [
    'Instance',
    'State',
    '#Hit',
    '#Gets/s',
    '#p50',
    '#p99',
    '#Memory',
    '#Lag',
    '#Generating',
    '#Evicted',
    '#Up',
    'Versions',
  ],
  'No instance tells anything. With Redis each does every few seconds, unless snapshotSeconds is 0.',
)
const events = table(
  'Time line of invalidations',
  ['At', 'How', 'Tags', '#Everywhere after', 'By'],
  'Nothing was invalidated lately. revalidateTag, updateTag and revalidatePath show here, with who called and how long it took until every instance knew.',
  'time-line',
)
const keys = table(
  'Busiest keys',
  ['Key', 'Kind', '#Gets/s'],
  'No key was asked for in the last minute.',
)
const tags = table(
  'Busiest tags',
  ['Tag', '#Gets/s'],
  'No tag was read in the last minute. Tags are those of cacheTag and of fetch with next.tags.',
)
const slow = table(
  'Slowest keys',
  ['Key', 'Kind', '#Generation'],
  'Nothing was generated lately. What takes longest to generate is what the cache saves most of.',
)
const why = whyBox(base)
const purge = purgeBox(base)

put(
  byId('view'),
  h(
    'section.tiles',
    { 'aria-label': 'Now' },
    Object.values(tiles).map(({ element }) => element),
  ),
  h('div.columns', null, why.element, purge.element),
  h('h2.over', null, 'Last hour'),
  h(
    'section.charts',
    { 'aria-label': 'Last hour' },
    Object.values(charts).map(({ element }) => element),
  ),
  h('div.columns', null, kinds.element, events.element),
  fleet.element,
  h('div.columns.three', null, keys.element, tags.element, slow.element),
  h(
    'p.foot',
    null,
    'One point a minute. A minute is shown once every instance has told of it, or a minute later. Percentiles are upper bounds of buckets, each twice as wide as the one before.',
  ),
)

/** @param {string} name @param {string} value @param {string} hint */
function tile(name, value, hint) {
  say(tiles[name].value, value)
  say(tiles[name].hint, hint)
}

/** A colour for each kind, the same wherever it is shown. @param {string} kind */
const colourOf = (kind) => `--kind-${Object.keys(KINDS).indexOf(kind) + 1}`

/** @param {(number | null)[]} list */
const sum = (list) => list.reduce((/** @type {number} */ all, one) => all + (one ?? 0), 0)

/** What is wrong, above the figures. @param {string} text */
function warn(text) {
  const box = byId('trouble')
  box.hidden = text === ''
  say(box, text)
}

/** What changes with each section. @type {Record<string, () => void>} */
const shows = {
  about() {
    const { namespace, place, version, isFleet } = known.about
    put(
      byId('about'),
      h('strong', null, namespace),
      h('span', null, place),
      h('span', null, version),
    )
    charts.redis.element.hidden = !isFleet
    tiles.redis.element.hidden = !isFleet
    tiles.lag.element.hidden = !isFleet
    document.title = `${namespace} · Tiercel`
  },
  trouble() {
    warn(known.trouble ? `${known.trouble}. What is shown is from before.` : '')
  },
  now() {
    const { getsPerSec, hitPercent, memoryBytes, capacityBytes, lagMs, leases, silent } = known.now
    tile(
      'gets',
      getsPerSec === null ? '–' : `${count(getsPerSec)}/s`,
      `hit ${percent(hitPercent)} now`,
    )
    tile('memory', size(memoryBytes), capacityBytes > 0 ? `of ${size(capacityBytes)}` : 'off')
    tile('lag', span(lagMs), 'longest of all instances')
    tile(
      'led',
      count(leases),
      known.about.isFleet ? 'leases of generations held' : 'keys, or keys not stored',
    )
    const others = silent > 0 ? `, ${silent} silent` : ''
    tile('instances', count(known.rows?.length ?? 0), `${states()}${others}`)
    fleet.fill(
      known.rows ?? [],
      ({ id, name }) => id || name,
      () => instanceRow(() => known.now.at),
    )
  },
  rows() {
    // Instances are counted, and how long they run, where the rest of `now` is shown.
    if (known.now) shows.now()
  },
  redis() {
    const { commandsPerSec, cpuPercent } = known.redis
    const cpu = cpuPercent === null ? '' : `, cpu ${cpuPercent.toFixed(1)} %`
    say(tiles.redis.hint, `${count(commandsPerSec)} commands/s${cpu}`)
  },
  busiest() {
    const { keys: of, tags: ofTags, slow: ofSlow } = known.busiest
    const keyOf = (/** @type {any} */ one) => `${one.kind} ${one.name}`
    const rate = (/** @type {any} */ one) => count(one.perSec)
    const kind = (/** @type {any} */ one) => one.kind
    keys.fill(of, keyOf, () => namedRow('path', [kind, rate], why.ask))
    tags.fill(ofTags, keyOf, () => namedRow('tag', [rate], why.ask))
    slow.fill(ofSlow, keyOf, () => namedRow('path', [kind, (one) => span(one.ms)], why.ask))
  },
  events() {
    const keyOf = (/** @type {any} */ one) => `${one.by} ${one.at} ${one.tags}`
    events.fill(known.events, keyOf, () =>
      row(['time', '', 'key', 'n', ''], (one) => [
        moment(one.at),
        one.isSoft ? 'soft' : 'hard',
        one.tags,
        one.isEverywhere ? span(one.ms) : 'not yet',
        one.by,
      ]),
    )
  },
  series() {
    const { kinds: of, redis } = known.series
    say(tiles.redis.value, micros(redis.p50.at(-1)))
    totals()
    draw()
    kinds.fill(Object.keys(of), (kind) => kind, kindRow)
  },
}

function states() {
  const away = (known.rows ?? []).filter(
    (/** @type {any} */ { state }) => state !== 'connected' && state !== 'none',
  )
  return away.length === 0 ? 'all connected' : `${away.length} not connected`
}

/** The tiles of the last hour. */
function totals() {
  const { kinds: of, saved } = known.series
  const all = Object.values(of)
  const [hits, misses] = [
    sum(all.map((one) => sum(one.hits))),
    sum(all.map((one) => sum(one.misses))),
  ]
  const rate = hits + misses > 0 ? (100 * hits) / (hits + misses) : null
  tile('hit', percent(rate), `of ${plural(hits + misses, 'get')} in the last hour`)
  const waits = sum(saved)
  const how = waits > 0 ? `${count(waits)} of them by waiting for another` : 'gets that ran nothing'
  tile('saved', count(hits), how)
}

function draw() {
  const { minutes, secs, kinds: of, redis, memory, invalidations } = known.series
  const shown = Object.entries(of).filter(([kind]) => !hidden.has(kind))
  const perSec = (/** @type {number | null} */ n, /** @type {number} */ at) =>
    n === null ? null : n / (at === minutes.length - 1 ? secs : 60)
  const lines = (/** @type {(of: any) => (number | null)[]} */ values) =>
    shown.map(([kind, one]) => ({
      label: KINDS[kind],
      colour: colourOf(kind),
      values: values(one),
    }))
  charts.hit.show(
    minutes,
    lines(({ hits, misses }) =>
      hits.map((/** @type {any} */ hit, /** @type {number} */ at) =>
        hit === null || hit + misses[at] === 0 ? null : (100 * hit) / (hit + misses[at]),
      ),
    ),
  )
  charts.gets.show(
    minutes,
    lines(({ hits, misses }) =>
      hits.map((/** @type {any} */ hit, /** @type {number} */ at) =>
        perSec(hit === null ? null : hit + misses[at], at),
      ),
    ),
  )
  charts.times.show(
    minutes,
    lines(({ p99 }) => p99),
  )
  charts.redis.show(minutes, [
    { label: 'p50', colour: '--accent', values: redis.p50 },
    { label: 'p99', colour: '--faint', values: redis.p99 },
  ])
  charts.memory.show(minutes, [{ label: 'held', colour: '--accent', values: memory, fill: true }])
  charts.events.show(minutes, [
    { label: 'invalidations', colour: '--accent', values: invalidations, bars: true },
  ])
}

function kindRow() {
  let kind = ''
  const box = h('input', {
    type: 'checkbox',
    checked: true,
    onchange: () => {
      if (box.checked) hidden.delete(kind)
      else hidden.add(kind)
      draw()
    },
  })
  const swatch = h('span.swatch')
  const name = h('span')
  const label = h('label.kind', null, box, swatch, name)
  const element = row(['', 'n', 'n', 'n', 'n', 'n'], (one) => {
    kind = one
    swatch.className = `swatch ${colourOf(one).slice(2)}`
    say(name, KINDS[one])
    const of = known.series.kinds[one]
    const [hits, misses, stale] = [sum(of.hits), sum(of.misses), sum(of.stale)]
    const all = hits + misses
    return [
      label,
      count(all),
      percent(all ? (100 * hits) / all : null),
      percent(all ? (100 * stale) / all : null),
      micros(of.hour.p50),
      micros(of.hour.p99),
    ]
  })
  return element
}

/** @type {Record<import('./live.mjs').State, { word: string, said?: string }>} */
const STATES = {
  live: { word: 'live' },
  reconnecting: { word: 'reconnecting' },
  full: {
    word: 'full',
    said: 'As many look at once as may. This page tries again twice a minute.',
  },
  shut: {
    word: 'shut',
    said: 'The server does not let you see the figures, or no longer. Reload this page to come in again.',
  },
  away: {
    word: 'not there',
    said: 'The server says that there is no such page: nobody lets you in any more, or it was moved.',
  },
}

theme(byId('theme'), () => {
  for (const chart of Object.values(charts)) chart.redraw()
})

live(`${base}events`, {
  figures(sections) {
    Object.assign(known, sections)
    for (const [name, show] of Object.entries(shows)) if (name in sections) show()
    document.body.dataset.ready = 'yes'
  },
  state(state) {
    const status = byId('status')
    status.dataset.state = state
    say(status.lastElementChild, STATES[state].word)
    const { said } = STATES[state]
    if (said) warn(said)
    // What another state had to say does not hold any more.
    else shows.trouble()
  },
  enter: () => location.reload(),
})
