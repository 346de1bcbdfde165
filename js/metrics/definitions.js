// @ts-check

/**
 * Every metric, once: what Prometheus, `prom-client` and OpenTelemetry are given is made of these, and
 * the table in docs/observability.md is compared with them.
 *
 * @typedef {import('../../index.js').Stats} Stats
 * @typedef {import('../../index.js').HistogramStats} HistogramStats
 * @typedef {import('../../index.js').LatencyStats} LatencyStats
 * @typedef {Record<string, string>} Labels
 *
 * @typedef {object} Sample
 * @property {Labels} labels
 * @property {number} [value] of a counter or a gauge
 * @property {number[]} [counts] of a histogram, by bucket
 * @property {number} [sum] of a histogram
 * @property {Record<string, number>} [quantiles] of a summary
 * @property {number} [count] of a summary
 *
 * @typedef {object} Definition
 * @property {string} name as OpenTelemetry has it; Prometheus adds the unit and `_total`
 * @property {'counter' | 'gauge' | 'histogram' | 'summary'} type
 * @property {'' | 's' | 'By'} unit
 * @property {string[]} labels
 * @property {string} help
 * @property {number} scale from the unit of the bounds to that of the metric
 * @property {(stats: Stats) => Sample[]} read
 */

const { version } = require('../../package.json')

/** Fields of the statistics, and what the label `kind` says. */
const KINDS = /** @type {const} */ ({
  useCache: 'use_cache',
  appPage: 'app_page',
  appRoute: 'app_route',
  pages: 'pages',
  fetch: 'fetch',
  image: 'image',
  own: 'own',
})

const ANSWERS = /** @type {const} */ ([
  ['fresh', 'memory', 'fresh'],
  ['stale', 'memory', 'stale'],
  ['sharedFresh', 'shared', 'fresh'],
  ['sharedStale', 'shared', 'stale'],
  ['prerenderedFresh', 'prerendered', 'fresh'],
  ['prerenderedStale', 'prerendered', 'stale'],
  ['misses', 'none', 'miss'],
])

const PLACES = /** @type {const} */ ([
  ['memory', 'memory'],
  ['shared', 'shared'],
  ['prerendered', 'prerendered'],
  ['miss', 'none'],
])

const STATES = ['connected', 'connecting', 'away', 'denied']

/** @type {Definition[]} */
const definitions = []

/**
 * @param {Definition['type']} type
 * @param {string} name
 * @param {Definition['unit']} unit
 * @param {string} help
 * @param {(stats: Stats) => Sample[]} read
 * @param {string[]} [labels]
 */
function define(type, name, unit, help, read, labels = []) {
  const scale = type === 'histogram' && !name.endsWith('age') ? 1e-6 : 1
  definitions.push({ name: `tiercel.${name}`, type, unit, labels, help, scale, read })
}

/** @param {number} value @returns {Sample[]} */
const one = (value) => [{ labels: {}, value }]

/** @param {HistogramStats} given @param {number} scale @param {Labels} [labels] @returns {Sample} */
const histogram = ({ counts, sum }, scale, labels = {}) => ({ labels, counts, sum: sum * scale })

/** @param {LatencyStats} given @param {Labels} [labels] @returns {Sample} */
const summary = ({ measured, p50Micros, p95Micros, p99Micros }, labels = {}) => ({
  labels,
  count: measured,
  quantiles: { 0.5: p50Micros / 1e6, 0.95: p95Micros / 1e6, 0.99: p99Micros / 1e6 },
})

/** One number of the statistics. @param {'counter' | 'gauge'} type @param {string} name @param {Definition['unit']} unit @param {string} help @param {(stats: Stats) => number} of */
const number = (type, name, unit, help, of) =>
  define(type, name, unit, help, (stats) => one(of(stats)))

/** One number of the shared tier. @param {'counter' | 'gauge'} type @param {string} name @param {Definition['unit']} unit @param {string} help @param {(shared: import('../../index.js').SharedStats) => number} of */
const ofShared = (type, name, unit, help, of) =>
  define(type, name, unit, help, ({ shared }) => (shared ? one(of(shared)) : []))

const build = { version, node: process.versions.node }
define(
  'gauge',
  'build.info',
  '',
  'The version of Tiercel and of Node.js; always 1',
  () => [{ labels: build, value: 1 }],
  ['version', 'node'],
)

// Gets.

define(
  'counter',
  'gets',
  '',
  'Gets, by the tier that answered and what it had',
  (stats) =>
    Object.entries(KINDS).flatMap(([field, kind]) =>
      ANSWERS.map(([answer, tier, verdict]) => ({
        labels: { kind, tier, verdict },
        value: stats[/** @type {keyof typeof KINDS} */ (field)][answer],
      })),
    ),
  ['kind', 'tier', 'verdict'],
)
define(
  'histogram',
  'get.duration',
  's',
  'How long gets take, waits included; without waits one in 64 is measured and counts as 64',
  (stats) =>
    Object.entries(KINDS).flatMap(([field, kind]) => {
      const { latency } = stats[/** @type {keyof typeof KINDS} */ (field)]
      // Most apps have few kinds in few places, and each is 26 series.
      return PLACES.filter(([place]) => latency[place].counts.some((count) => count > 0)).map(
        ([place, tier]) => histogram(latency[place], 1e-6, { kind, tier }),
      )
    }),
  ['kind', 'tier'],
)
number(
  'counter',
  'gets.joined',
  '',
  'Gets that were served the result of another get of this process',
  (stats) => stats.joined,
)
number('counter', 'get.timeouts', '', 'Gets whose wait timed out', (stats) => stats.waitTimeouts)
define(
  'summary',
  'call.duration',
  's',
  'Time that calls take in the engine, without waits, since the start',
  ({ get, set }) => [summary(get, { call: 'get' }), summary(set, { call: 'set' })],
  ['call'],
)

// Sets, generations, invalidations.

number('counter', 'sets', '', 'Values stored', (stats) => stats.sets)
number(
  'counter',
  'sets.dropped',
  '',
  'Values not stored: invalidated while generated, too large, failed, dynamic',
  (stats) => stats.dropped,
)
number(
  'counter',
  'sets.too_large',
  '',
  'Values over maxEntryMb, which memory does not hold',
  (stats) => stats.tooLarge,
)
number(
  'counter',
  'generations.led',
  '',
  'Leases taken: generations here for the whole fleet',
  ({ leases }) => leases.taken,
)
number(
  'counter',
  'generations.followed',
  '',
  'Gets that waited for a generation in another process',
  ({ leases }) => leases.followed,
)
number(
  'counter',
  'generations.timeouts',
  '',
  'Gets that waited for another process in vain',
  ({ leases }) => leases.timedOut,
)
number(
  'counter',
  'generations.saved',
  '',
  'Gets that would have generated, and were served what another get generated',
  ({ leases }) => leases.saved,
)
number(
  'counter',
  'generations.stale_meanwhile',
  '',
  'Gets that were served a stale value while another get generated',
  ({ leases }) => leases.staleMeanwhile,
)
number(
  'gauge',
  'generations.active',
  '',
  'Keys being generated now, and keys not stored that nobody waits for',
  (stats) => stats.flights,
)
number(
  'counter',
  'invalidations',
  '',
  'Invalidations by this process',
  (stats) => stats.invalidations,
)
define(
  'summary',
  'invalidation.duration',
  's',
  'Time until an invalidation was in effect everywhere, since the start',
  ({ shared }) => (shared ? [summary(shared.invalidation)] : []),
)
ofShared(
  'counter',
  'invalidations.unrecorded',
  '',
  'Invalidations that could not be recorded immediately',
  (shared) => shared.unrecorded,
)
number('gauge', 'tags', '', 'Tags remembered now', (stats) => stats.tags)

// Memory and the process.

number('gauge', 'memory.entries', '', 'Entries in memory', ({ memory }) => memory.entries)
number('gauge', 'memory.size', 'By', 'Bytes of entries in memory', ({ memory }) => memory.bytes)
number(
  'gauge',
  'memory.capacity',
  'By',
  'Bytes that memory may hold',
  ({ memory }) => memory.capacityBytes,
)
number(
  'counter',
  'memory.evictions',
  '',
  'Entries that had to leave memory for others',
  ({ memory }) => memory.evictions,
)
define(
  'histogram',
  'memory.evicted_age',
  's',
  'How old entries were that had to leave memory',
  ({ memory }) => [histogram(memory.evictedAgeSecs, 1)],
)
number(
  'counter',
  'event_loop.time',
  's',
  'Time that gets and sets took on the event loop',
  (stats) => stats.eventLoopMs / 1e3,
)
number(
  'counter',
  'panics',
  '',
  'Panics of the engine that were caught and answered with a miss',
  (stats) => stats.panics,
)

// The shared tier.

define(
  'gauge',
  'redis.state',
  '',
  '1 for the present state of the connection to Redis, 0 for the others',
  ({ shared }) =>
    shared
      ? STATES.map((state) => ({ labels: { state }, value: Number(shared.state === state) }))
      : [],
  ['state'],
)
ofShared('gauge', 'redis.connections', '', 'Connections open now', (shared) => shared.connections)
ofShared(
  'gauge',
  'redis.broken',
  '',
  '1 while commands fail at once, because Redis did not answer the last ones',
  (shared) => Number(shared.isBroken),
)
ofShared(
  'gauge',
  'redis.refusing',
  '',
  '1 while Redis refuses a command or answers with an error',
  (shared) => Number(shared.refuses !== ''),
)
ofShared(
  'gauge',
  'redis.lease_remaining',
  's',
  'How long memory may answer from now on without asking Redis',
  (shared) => shared.leaseMs / 1e3,
)
define(
  'gauge',
  'redis.lag',
  's',
  'How long ago this process last knew every invalidation',
  // Before its first look it does not know.
  ({ shared }) => (shared?.lagMs === undefined ? [] : one(shared.lagMs / 1e3)),
)
ofShared(
  'gauge',
  'redis.applied_position',
  '',
  'The last invalidation applied here, by its position',
  (shared) => shared.position,
)
ofShared(
  'counter',
  'redis.breaks',
  '',
  'How often commands began to fail at once',
  (shared) => shared.breaks,
)
ofShared(
  'counter',
  'redis.timeouts',
  '',
  'Commands that were not answered in time',
  (shared) => shared.timeouts,
)
ofShared(
  'counter',
  'redis.replaced_connections',
  '',
  'Connections replaced because they did not answer',
  (shared) => shared.replacedConnections,
)
ofShared(
  'counter',
  'redis.app_refusals',
  '',
  'Calls of tiercel/app that Redis refused',
  (shared) => shared.appRefusals,
)
ofShared(
  'counter',
  'redis.broken_entries',
  '',
  'Stored bytes that were not the entry asked for',
  (shared) => shared.brokenEntries,
)
define(
  'histogram',
  'redis.round_trip',
  's',
  'How long answered reads and exchanges take',
  ({ shared }) => (shared ? [histogram(shared.roundTrip, 1e-6)] : []),
)
ofShared('gauge', 'redis.queued_writes', '', 'Writes waiting now', (shared) => shared.queuedWrites)
ofShared(
  'gauge',
  'redis.queued',
  'By',
  'Bytes of writes waiting now',
  (shared) => shared.queuedBytes,
)
ofShared(
  'counter',
  'redis.dropped_writes',
  '',
  'Writes dropped because the queue was full',
  (shared) => shared.droppedWrites,
)
ofShared('counter', 'redis.entries_read', '', 'Entries read', (shared) => shared.entriesRead)
ofShared('counter', 'redis.read', 'By', 'Bytes of entries read', (shared) => shared.bytesRead)
ofShared(
  'counter',
  'redis.entries_written',
  '',
  'Entries written',
  (shared) => shared.entriesWritten,
)
ofShared(
  'counter',
  'redis.written',
  'By',
  'Bytes of entries written',
  (shared) => shared.bytesWritten,
)
ofShared(
  'gauge',
  'redis.compression_ratio',
  '',
  'Bytes of written values before compression, for each byte stored',
  (shared) => shared.compressionRatio,
)

const UNITS = { '': '', s: '_seconds', By: '_bytes' }

/** As Prometheus has it, by its rules for metrics of OpenTelemetry; without `_total`. @param {Definition} definition */
function familyOf({ name, unit }) {
  return name.replaceAll('.', '_') + UNITS[unit]
}

/** @param {Definition} definition */
function nameOf(definition) {
  return familyOf(definition) + (definition.type === 'counter' ? '_total' : '')
}

module.exports = { definitions, familyOf, nameOf, KINDS }
