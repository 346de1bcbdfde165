// @ts-check

const { MICROS, define, histogram, ofShared } = require('./definition.js')

/** The metrics of the shared tier: there are none without one. */

const STATES = ['connected', 'connecting', 'away', 'denied']

/** @type {import('./definition.js').Definition[]} */
const ofRedis = [
  define(
    'gauge',
    'redis.state',
    '',
    '1 for the present state of the connection to Redis, 0 for the others',
    ({ shared }) =>
      shared
        ? STATES.map((state) => ({ labels: { state }, value: Number(shared.state === state) }))
        : [],
    { labels: ['state'], aggregator: 'max' },
  ),
  ofShared(
    'gauge',
    'redis.connections',
    '',
    'Connections open now',
    (shared) => shared.connections,
  ),
  ofShared(
    'gauge',
    'redis.broken',
    '',
    '1 while commands fail at once, because Redis did not answer the last ones',
    (shared) => Number(shared.isBroken),
    { aggregator: 'max' },
  ),
  ofShared(
    'gauge',
    'redis.refusing',
    '',
    '1 while Redis refuses a command or answers with an error',
    (shared) => Number(shared.refuses !== ''),
    { aggregator: 'max' },
  ),
  ofShared(
    'gauge',
    'redis.lease_remaining',
    's',
    'How long memory may answer from now on without asking Redis',
    (shared) => shared.leaseMs / 1e3,
    { aggregator: 'min' },
  ),
  ofShared(
    'gauge',
    'redis.lag',
    's',
    'How long ago this process last knew every invalidation',
    // Before its first look it does not know.
    ({ lagMs }) => (lagMs === undefined ? undefined : lagMs / 1e3),
    { aggregator: 'max' },
  ),
  ofShared(
    'gauge',
    'redis.applied_position',
    '',
    'The last invalidation applied here, by its position',
    (shared) => shared.position,
    { aggregator: 'min' },
  ),
  ofShared(
    'counter',
    'redis.breaks',
    '',
    'How often commands began to fail at once',
    (shared) => shared.breaks,
  ),
  ofShared(
    'counter',
    'redis.timeouts',
    '',
    'Commands that were not answered in time',
    (shared) => shared.timeouts,
  ),
  ofShared(
    'counter',
    'redis.replaced_connections',
    '',
    'Connections replaced because they did not answer',
    (shared) => shared.replacedConnections,
  ),
  ofShared(
    'counter',
    'redis.app_refusals',
    '',
    'Calls of tiercel/app that Redis refused',
    (shared) => shared.appRefusals,
  ),
  ofShared(
    'counter',
    'redis.broken_entries',
    '',
    'Stored bytes that were not the entry asked for',
    (shared) => shared.brokenEntries,
  ),
  histogram(
    'redis.round_trip',
    'How long answered reads and exchanges take',
    MICROS,
    ({ shared }) => (shared ? [{ given: shared.roundTrip }] : []),
  ),
  ofShared(
    'gauge',
    'redis.queued_writes',
    '',
    'Writes waiting now',
    (shared) => shared.queuedWrites,
  ),
  ofShared(
    'gauge',
    'redis.queued',
    'By',
    'Bytes of writes waiting now',
    (shared) => shared.queuedBytes,
  ),
  ofShared(
    'counter',
    'redis.dropped_writes',
    '',
    'Writes dropped because the queue was full',
    (shared) => shared.droppedWrites,
  ),
  ofShared('counter', 'redis.entries_read', '', 'Entries read', (shared) => shared.entriesRead),
  ofShared('counter', 'redis.read', 'By', 'Bytes of entries read', (shared) => shared.bytesRead),
  ofShared(
    'counter',
    'redis.entries_written',
    '',
    'Entries written',
    (shared) => shared.entriesWritten,
  ),
  ofShared(
    'counter',
    'redis.written',
    'By',
    'Bytes of entries written',
    (shared) => shared.bytesWritten,
  ),
  ofShared(
    'gauge',
    'redis.compression_ratio',
    '',
    'Bytes of written values before compression, for each byte stored',
    (shared) => shared.compressionRatio,
    { aggregator: 'average' },
  ),
]

module.exports = { ofRedis }
