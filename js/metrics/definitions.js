// @ts-check

const { version } = require('../../package.json')
const { MICROS, define, histogram, number, ofShared, summary } = require('./definition.js')
const { ofRedis } = require('./redis.js')

/**
 * Every metric, once: what Prometheus, `prom-client` and OpenTelemetry are given is made of these, and
 * the table in docs/observability.md is compared with them.
 */

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

const build = { version, node: process.versions.node }

/** @type {import('./definition.js').Definition[]} */
const definitions = [
  define(
    'gauge',
    'build.info',
    '',
    'The version of Tiercel and of Node.js; always 1',
    () => [{ labels: build, value: 1 }],
    { labels: ['version', 'node'], aggregator: 'max' },
  ),

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
    { labels: ['kind', 'tier', 'verdict'] },
  ),
  histogram(
    'get.duration',
    'How long gets take, waits included; without waits one in 64 is measured and counts as 64',
    MICROS,
    (stats) =>
      Object.entries(KINDS).flatMap(([field, kind]) => {
        const { latency } = stats[/** @type {keyof typeof KINDS} */ (field)]
        // Most apps have few kinds in few places, and each is 26 series.
        return PLACES.filter(([place]) => latency[place].counts.some((count) => count > 0)).map(
          ([place, tier]) => ({ given: latency[place], labels: { kind, tier } }),
        )
      }),
    ['kind', 'tier'],
  ),
  number(
    'counter',
    'gets.joined',
    '',
    'Gets that were served the result of another get of this process',
    (stats) => stats.joined,
  ),
  number('counter', 'get.timeouts', '', 'Gets whose wait timed out', (stats) => stats.waitTimeouts),
  summary(
    'call.duration',
    'Time that calls take in the engine, without waits, since the start',
    ({ get, set }) => [
      { given: get, labels: { call: 'get' } },
      { given: set, labels: { call: 'set' } },
    ],
    ['call'],
  ),

  // Sets, generations, invalidations.

  number('counter', 'sets', '', 'Values stored', (stats) => stats.sets),
  number(
    'counter',
    'sets.dropped',
    '',
    'Values not stored: invalidated while generated, too large, failed, dynamic',
    (stats) => stats.dropped,
  ),
  number(
    'counter',
    'sets.too_large',
    '',
    'Values over maxEntryMb, which memory does not hold',
    (stats) => stats.tooLarge,
  ),
  number(
    'counter',
    'generations.led',
    '',
    'Leases taken: generations here for the whole fleet',
    ({ leases }) => leases.taken,
  ),
  number(
    'counter',
    'generations.followed',
    '',
    'Gets that waited for a generation in another process',
    ({ leases }) => leases.followed,
  ),
  number(
    'counter',
    'generations.timeouts',
    '',
    'Gets that waited for another process in vain',
    ({ leases }) => leases.timedOut,
  ),
  number(
    'counter',
    'generations.saved',
    '',
    'Gets that would have generated, and were served what another get generated',
    ({ leases }) => leases.saved,
  ),
  number(
    'counter',
    'generations.stale_meanwhile',
    '',
    'Gets that were served a stale value while another get generated',
    ({ leases }) => leases.staleMeanwhile,
  ),
  number(
    'gauge',
    'generations.active',
    '',
    'Keys being generated now, and keys not stored that nobody waits for',
    (stats) => stats.flights,
  ),
  number(
    'counter',
    'invalidations',
    '',
    'Invalidations by this process',
    (stats) => stats.invalidations,
  ),
  summary(
    'invalidation.duration',
    'Time until an invalidation was in effect everywhere, since the start',
    ({ shared }) => (shared ? [{ given: shared.invalidation }] : []),
  ),
  ofShared(
    'counter',
    'invalidations.unrecorded',
    '',
    'Invalidations that could not be recorded immediately',
    (shared) => shared.unrecorded,
  ),
  // Much the same in all processes.
  number('gauge', 'tags', '', 'Tags remembered now', (stats) => stats.tags, { aggregator: 'max' }),

  // Memory and the process.

  number('gauge', 'memory.entries', '', 'Entries in memory', ({ memory }) => memory.entries),
  number('gauge', 'memory.size', 'By', 'Bytes of entries in memory', ({ memory }) => memory.bytes),
  number(
    'gauge',
    'memory.capacity',
    'By',
    'Bytes that memory may hold',
    ({ memory }) => memory.capacityBytes,
  ),
  number(
    'counter',
    'memory.evictions',
    '',
    'Entries that had to leave memory for others',
    ({ memory }) => memory.evictions,
  ),
  histogram(
    'memory.evicted_age',
    'How old entries were that had to leave memory',
    1,
    ({ memory }) => [{ given: memory.evictedAgeSecs }],
  ),
  number(
    'counter',
    'event_loop.time',
    's',
    'Time that gets and sets took on the event loop',
    (stats) => stats.eventLoopMs / 1e3,
  ),
  number(
    'counter',
    'panics',
    '',
    'Panics of the engine that were caught and answered with a miss',
    (stats) => stats.panics,
  ),

  ...ofRedis,
]

module.exports = { definitions }
