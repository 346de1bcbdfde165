import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { inChild, index } from '../../unit/support.mjs'
import { newName } from '../instances.mjs'

// The JavaScript of the addon may be loaded more than once; see __test__/unit/copies.test.mjs.

let server
beforeAll(async () => {
  server = await start('single')
}, 60_000)
afterAll(() => server?.stop())

test('an answer that arrives after another copy has attached is the one that was asked for', async () => {
  const { answer } = await inChild(
    async ({ app, waits, ended }) => {
      const options = { name: 'api', limit: 10, window: '1h' }
      const first = require(app).rateLimit(options)
      const { settle } = require(waits)
      await first.limit('known')
      const asked = first.limit('id', { cost: 3 })
      delete globalThis[Symbol.for('tiercel.app')]
      for (const file of Object.keys(require.cache)) {
        if (!file.endsWith('.node')) delete require.cache[file]
      }
      // Answered later, as one server does.
      const { remaining } = await require(app).rateLimit(options).limit('another', { cost: 5 })
      // What would happen in the end: the first copy stops waiting, and looks.
      for (let token = 0; token < 100; token++) settle(token, ended)
      return [(await asked).remaining, remaining]
    },
    {
      given: {
        app: join(dirname(index), 'app.js'),
        waits: join(dirname(index), 'js/waits.js'),
        ended: 0,
      },
      env: {
        TIERCEL_REDIS_URL: server.url,
        TIERCEL_NAMESPACE: newName('copies'),
        TIERCEL_COMMAND_TIMEOUT_MS: '2000',
      },
    },
  )
  expect(answer).toEqual([7, 5])
})
