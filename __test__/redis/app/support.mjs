import { createRequire } from 'node:module'
import { afterAll, beforeAll } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { complies } from '../../unit/app/suite.mjs'
import { newName } from '../instances.mjs'

const require = createRequire(import.meta.url)

/** The module as an instance of a fleet sees it. */
export const APP = require.resolve('../../../app.js')

/**
 * Runs a suite against a topology, in this process.
 * @param {string} kind
 * @param {(title: string, api: () => any) => void} [suite]
 */
export function compliesOn(kind, suite = complies) {
  let server
  beforeAll(async () => {
    server = await start(kind)
    Object.assign(process.env, {
      TIERCEL_REDIS_URL: server.url,
      TIERCEL_NAMESPACE: newName('app'),
      // A busy machine is no outage.
      TIERCEL_COMMAND_TIMEOUT_MS: '2000',
    })
  }, 60_000)
  afterAll(() => server?.stop())
  suite(`on ${kind}`, () => require(APP))
}
