import { createRequire } from 'node:module'
import Keyv from 'keyv'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { adapts } from '../../unit/app/adapters-suite.mjs'
import { newName } from '../instances.mjs'

let server
beforeAll(async () => {
  server = await start('single')
  Object.assign(process.env, {
    TIERCEL_REDIS_URL: server.url,
    TIERCEL_NAMESPACE: newName('app'),
    TIERCEL_COMMAND_TIMEOUT_MS: '2000',
  })
}, 60_000)
afterAll(() => server?.stop())

adapts('on a server')

test('all of that was on the server', async () => {
  const keys = await server.command('KEYS', '*{kv:*')
  for (const name of ['auth', 'files', 'keyv']) {
    expect(keys.some((key) => key.includes(`{kv:${name}-`))).toBe(true)
  }
})

// Last: the server does not come back.
test('a server that is away is no value, and an error for who wants to know', async () => {
  const { KeyvTiercel } = createRequire(import.meta.url)('../../../js/adapters/keyv.js')
  const quiet = new Keyv({ store: new KeyvTiercel('away') })
  const loud = new Keyv({ store: new KeyvTiercel('away'), throwOnErrors: true })
  await quiet.set('key', 'x')
  expect([await quiet.get('key'), await loud.get('key')]).toEqual(['x', 'x'])
  await server.kill()
  expect(await quiet.get('key')).toBe(undefined)
  await expect(loud.get('key')).rejects.toMatchObject({ code: 'TIERCEL_STORE_AWAY' })
})
