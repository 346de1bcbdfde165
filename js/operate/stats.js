// @ts-check

const { setTimeout: pause } = require('node:timers/promises')
const { out, paint, size, span } = require('../command/terminal.js')
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
 * @param {AbortSignal} signal ends it
 */
async function stats(flags, signal) {
  const intervalMs = options.seconds(flags.interval, 'interval', 2, [0.2, 3_600]) * 1e3
  const most = options.count(flags.count, 'count', Number.POSITIVE_INFINITY, [1, 1e9])
  const operator = must(await places.find(flags), flags)
  if (!flags.watch) {
    const now = await sample(operator)
    out(
      flags.json ? JSON.stringify({ ...operator.about(), ...now }, null, 2) : whole(operator, now),
    )
    return 0
  }
  let before
  for (let line = 0; line < most && !signal.aborted; line++) {
    const now = await sample(operator)
    const rates = ratesOf(before, now)
    before = now
    if (flags.json) out(JSON.stringify({ ...now, ...rates }))
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
  /** @param {string} field */
  const sum = (field) =>
    facts.nodes.reduce(
      (/** @type {number} */ all, /** @type {any} */ { info }) => all + Number(info[field] ?? 0),
      0,
    )
  return {
    atMs: table.nowMs,
    instances: instances.length,
    // Acknowledgements travel for a moment; a poll brings what was missed within half a second.
    behind: instances.filter((/** @type {any} */ { applied }) => applied < table.last).length,
    lastInvalidationMs: table.last > 0 ? table.last / 1e3 : null,
    tableRows: facts.tableRows,
    usedBytes: sum('used_memory'),
    mostBytes: sum('maxmemory'),
    clients: sum('connected_clients'),
    commandsPerSec: sum('instantaneous_ops_per_sec'),
    keyHits: sum('keyspace_hits'),
    keyMisses: sum('keyspace_misses'),
    evicted: sum('evicted_keys'),
    expired: sum('expired_keys'),
    roundTripMs: { median: trips[trips.length >> 1] ?? null, max: trips.at(-1) ?? null },
    nodes: facts.nodes.map((/** @type {any} */ node) => node.server),
  }
}

/** @typedef {Awaited<ReturnType<typeof sample>>} Sample */

/** @param {Sample | undefined} before @param {Sample} now */
function ratesOf(before, now) {
  if (!before) return { hitPercent: percent(now.keyHits, now.keyMisses), evictedPerSec: 0 }
  const secs = Math.max(0.001, (now.atMs - before.atMs) / 1e3)
  return {
    hitPercent: percent(now.keyHits - before.keyHits, now.keyMisses - before.keyMisses),
    evictedPerSec: Math.max(0, (now.evicted - before.evicted) / secs),
  }
}

/** @param {number} hits @param {number} misses */
const percent = (hits, misses) => (hits + misses > 0 ? (100 * hits) / (hits + misses) : null)

/** @param {import('./operator.js').Asked} operator @param {Sample} now */
function whole(operator, now) {
  const { namespace, place } = operator.about()
  const { hitPercent } = ratesOf(undefined, now)
  const most = now.mostBytes > 0 ? ` of ${size(now.mostBytes)}` : ', without a bound'
  const rows = [
    ['namespace', `${namespace} on ${place}`],
    ['nodes', now.nodes.length > 1 && now.nodes.join(', ')],
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
