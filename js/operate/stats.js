// @ts-check

const { setTimeout: pause } = require('node:timers/promises')
const { shown } = require('../command/shown.js')
const { out, outJson, paint, size, span } = require('../command/terminal.js')
const { unlessEnded } = require('./ending.js')
const { Past, loadOf, percent, sumOf } = require('./load.js')
const { must } = require('./operator.js')
const options = require('./options.js')
const places = require('./place.js')

/** Round trips that are timed for a line. */
const ROUNDS = 3
/** Lines after which the head of `--watch` comes again. */
const HEAD_EVERY = 20

/**
 * `tiercel stats`.
 * @param {Record<string, any>} flags
 * @param {() => AbortSignal} endless
 */
async function stats(flags, endless) {
  const intervalMs = options.seconds(flags.interval, 'interval', 2, [0.2, 3_600]) * 1e3
  const most = options.count(flags.count, 'count', Number.POSITIVE_INFINITY, [1, 1e9])
  const operator = must(await places.find(flags), flags)
  if (!flags.watch) {
    const { now } = await sample(operator)
    if (flags.json) outJson({ ...operator.about(), ...now })
    else out(whole(operator, now))
    return 0
  }
  const [signal, past] = [endless(), new Past()]
  for (let line = 0; line < most && !signal.aborted; line++) {
    const taken = await unlessEnded(signal, sample(operator))
    if (!taken) break
    const { now, nodes } = taken
    const rates = ratesOf(past.since(nodes, now.atMs), now)
    if (flags.json) outJson({ ...now, ...rates }, 0)
    else {
      if (line % HEAD_EVERY === 0) out(paint('dim', headOf()))
      out(lineOf(now, rates))
    }
    if (line + 1 < most) await pause(intervalMs, undefined, { signal }).catch(() => {})
  }
  return 0
}

/** @param {import('./operator.js').Asked} operator */
async function sample(operator) {
  const [facts, { roundTripsMs: trips }, instances, table] = [
    await operator.run('facts'),
    await operator.run('distance', { rounds: ROUNDS }),
    await operator.run('instances'),
    await operator.run('table', { tags: [] }),
  ]
  /** @type {import('./load.js').Node[]} */
  const nodes = facts.nodes
  const now = {
    atMs: table.nowMs,
    instances: instances.length,
    // Acknowledgements travel for a moment; a poll brings what was missed within half a second.
    behind: instances.filter((/** @type {any} */ { applied }) => applied < table.last).length,
    lastInvalidationMs: table.last > 0 ? table.last / 1e3 : null,
    tableRows: facts.tableRows,
    ...loadOf(nodes),
    keyHits: sumOf(nodes, 'keyspace_hits'),
    keyMisses: sumOf(nodes, 'keyspace_misses'),
    expired: sumOf(nodes, 'expired_keys'),
    roundTripMs: { median: trips[trips.length >> 1] ?? null, max: trips.at(-1) ?? null },
    nodes: nodes.map(({ server }) => server),
  }
  return { now, nodes }
}

/** @typedef {Awaited<ReturnType<typeof sample>>['now']} Sample */

/**
 * Before anything is known to have grown, the rate is that since the servers started.
 * @param {ReturnType<InstanceType<typeof Past>['since']>} grown
 * @param {Sample} now
 */
function ratesOf(grown, now) {
  if (grown.length === 0) {
    return { hitPercent: percent(now.keyHits, now.keyMisses), evictedPerSec: 0 }
  }
  /** @param {(one: typeof grown[number]) => number} of */
  const sum = (of) => grown.reduce((all, one) => all + of(one), 0)
  return {
    hitPercent: percent(
      sum(({ by }) => by('keyspace_hits')),
      sum(({ by }) => by('keyspace_misses')),
    ),
    evictedPerSec: sum(({ by, secs }) => by('evicted_keys') / secs),
  }
}

/** @param {import('./operator.js').Asked} operator @param {Sample} now */
function whole(operator, now) {
  const { namespace, place } = operator.about()
  const { hitPercent } = ratesOf([], now)
  const most = now.mostBytes > 0 ? ` of ${size(now.mostBytes)}` : ', without a bound'
  const rows = [
    ['namespace', `${namespace} on ${place}`],
    ['nodes', now.nodes.length > 1 && now.nodes.map((node) => shown(node)).join(', ')],
    [
      'away',
      now.away.map(({ server, trouble }) => `${shown(server)} (${shown(trouble)})`).join(', '),
    ],
    [
      'instances',
      `${now.instances}${now.behind > 0 ? `, ${now.behind} behind the last invalidation` : ''}`,
    ],
    [
      'invalidated',
      now.lastInvalidationMs &&
        `last ${span(Math.max(0, now.atMs - now.lastInvalidationMs))} ago; ${now.tableRows ?? 'an unknown number of'} rows in the table`,
    ],
    ['memory', `${size(now.usedBytes)}${most}`],
    ['commands', `${now.commandsPerSec} a second, ${now.clients} clients`],
    [
      'keys found',
      hitPercent !== null &&
        `${hitPercent.toFixed(1)} % of ${now.keyHits + now.keyMisses} since the server started`,
    ],
    ['evicted', `${now.evicted}, expired ${now.expired}`],
    [
      'round trip',
      `median ${span(now.roundTripMs.median ?? 0)}, max ${span(now.roundTripMs.max ?? 0)}`,
    ],
  ]
  const some = rows.filter(([, text]) => text)
  return some.map(([name, text]) => `${paint('dim', String(name).padEnd(11))}  ${text}`).join('\n')
}

/** Width of each column of `--watch`. */
const COLUMNS = /** @type {[string, number][]} */ ([
  ['time', 8],
  ['inst', 5],
  ['behind', 7],
  ['memory', 9],
  ['cmd/s', 8],
  ['found', 7],
  ['evict/s', 8],
  ['clients', 8],
  ['rtt', 8],
])

const headOf = () => COLUMNS.map(([name, wide]) => name.padStart(wide)).join(' ')

/** @param {Sample} now @param {ReturnType<typeof ratesOf>} rates */
function lineOf(now, { hitPercent, evictedPerSec }) {
  const cells = [
    new Date(now.atMs).toTimeString().slice(0, 8),
    now.instances,
    now.behind,
    size(now.usedBytes),
    now.commandsPerSec,
    hitPercent === null ? '-' : `${hitPercent.toFixed(1)}%`,
    evictedPerSec.toFixed(evictedPerSec < 10 ? 1 : 0),
    now.clients,
    span(now.roundTripMs.median ?? 0),
  ]
  return COLUMNS.map(([, wide], at) => String(cells[at]).padStart(wide)).join(' ')
}

module.exports = { stats }
