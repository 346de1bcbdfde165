import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findServer, start } from '../../../tools/redis/servers.mjs'
import { complies as cacheComplies } from '../../unit/app/cache-suite.mjs'
import { complies } from '../../unit/app/suite.mjs'
import { until } from '../../unit/support.mjs'
import { newName } from '../instances.mjs'

const require = createRequire(import.meta.url)

/** The module as an instance of a fleet sees it. */
export const APP = require.resolve('../../../app.js')

/**
 * What the suite runs on. Each has a test file of its name, since the engine belongs to the process:
 * `title`, `options` of the servers, what the process sees of them, and a line of INFO that proves what
 * runs.
 *
 * @type {Record<string, { title: string, options?: any, env?: (server: any) => Record<string, string>,
 *   proof?: RegExp }>}
 */
export const TOPOLOGIES = {
  single: { title: 'on one server' },
  tls: {
    title: 'on one server with TLS, both sides proven',
    options: { authClients: 'yes' },
    env: ({ tls: { ca, client } }) => ({
      TIERCEL_REDIS_TLS_CA_FILE: ca,
      TIERCEL_REDIS_TLS_CERT_FILE: client.cert,
      TIERCEL_REDIS_TLS_KEY_FILE: client.key,
    }),
  },
  redis6: { title: 'on Redis 6.2', proof: /redis_version:6\.2\./ },
  valkey: { title: 'on Valkey 9', proof: /valkey_version:9\./ },
  sentinel: {
    title: 'on a primary that Sentinels name',
    options: { requirepass: 'secret' },
    env: () => ({ TIERCEL_REDIS_PASSWORD: 'secret' }),
  },
  cluster: { title: 'on a cluster' },
}

for (const kind of Object.keys(TOPOLOGIES)) {
  const file = new URL(`./${kind}.test.mjs`, import.meta.url)
  if (!existsSync(file)) throw new Error(`no test runs the suite on ${kind}`)
}

/** Servers that come as packages of their own, and may be missing on a developer's machine. */
const PACKAGED = ['redis6', 'valkey']

/** The groups of `cache` that depend on what the server is. */
const OF_SERVERS = ['generations', 'keys', 'many keys']

/** The suite with that of `cache`. @param {string} title @param {() => any} api */
export function complyWithCache(title, api) {
  complies(title, api)
  cacheComplies(`${title}, cache`, api, OF_SERVERS)
}

/** Until the engine has a lease: what a process stores before that is gone once it has one. */
async function begun() {
  const { stats } = require('../../../index.js')
  await require(APP).cache.get('begun')
  await until('it has a lease', () => {
    const { leaseMs, isAway } = stats().shared
    return (leaseMs > 0 && !isAway) || undefined
  })
}

/**
 * Runs a suite against a topology, in this process.
 * @param {string} kind
 * @param {(title: string, api: () => any) => void} [suite]
 */
export async function compliesOn(kind, suite = complies) {
  const { title, options, env = () => ({}), proof } = TOPOLOGIES[kind]
  const { missing } = PACKAGED.includes(kind) ? await findServer(kind) : {}
  describe.skipIf(missing)(missing ?? kind, () => {
    let server
    beforeAll(async () => {
      server = await start(kind, options)
      Object.assign(process.env, {
        TIERCEL_REDIS_URL: server.url,
        TIERCEL_NAMESPACE: newName('app'),
        // A busy machine is no outage.
        TIERCEL_COMMAND_TIMEOUT_MS: '2000',
        ...env(server),
      })
      await begun()
    }, 60_000)
    afterAll(() => server?.stop())
    test.runIf(proof)('it is what it is called', async () => {
      expect(await server.command('INFO', 'server')).toMatch(proof)
    })
    suite(title, () => require(APP))
  })
}
