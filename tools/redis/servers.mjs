/**
 * Real servers on loopback for tests, benches and demos. `start` gives one of:
 *
 * | kind | what runs |
 * | --- | --- |
 * | `single` | one server (server.mjs) |
 * | `tls` | one server that speaks TLS only, with certificates of its own (certificates.mjs) |
 * | `valkey`, `redis6`, `redis60` | one server of another make or age (binaries.mjs) |
 * | `sentinel` | a primary, two replicas, three sentinels (sentinel.mjs) |
 * | `cluster` | three primaries with a replica each (cluster.mjs) |
 *
 * All have `url`, `command`, `info`, `stop`. None outlives the process that started it
 * (guarded.mjs).
 */
import { Cluster } from './cluster.mjs'
import { SentinelGroup } from './sentinel.mjs'
import { Server } from './server.mjs'

export { ensureRedis, findServer } from './binaries.mjs'
export { connect } from './client.mjs'

/** @typedef {import('./server.mjs').ServerOptions} ServerOptions */

/** @typedef {'single' | 'tls' | 'valkey' | 'redis6' | 'redis60' | 'sentinel' | 'cluster'} Kind */

/**
 * Starts servers of a kind; resolves when they answer and are complete.
 *
 * @param {Kind} kind
 * @param {ServerOptions} [options] of each server
 * @throws {Error} with the server's log when it does not start
 */
export async function start(kind, options = {}) {
  switch (kind) {
    case 'single':
      return Server.start(options)
    case 'valkey':
    case 'redis6':
    case 'redis60':
      return Server.start({ ...options, server: kind })
    case 'tls':
      return Server.start({ ...options, tls: true })
    case 'sentinel':
      return SentinelGroup.start(options)
    case 'cluster':
      return Cluster.start(options)
    default:
      throw new Error(`no such kind of server: ${kind}`)
  }
}
