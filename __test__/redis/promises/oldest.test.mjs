import { describe, expect, test } from 'vitest'
import { findServer, start } from '../../../tools/redis/servers.mjs'
import { until } from '../../unit/support.mjs'
import { newName, team } from '../instances.mjs'
import { isStale, kinds } from '../kinds.mjs'
import { proxied, rounds, STRICT } from './support.mjs'

// On the oldest server that it works on, everything is as on the newest.

const OLDEST = { server: 'redis60' }
const PATIENCE_MS = 60_000

const { missing } = await findServer('redis60')

describe.skipIf(missing)(missing ?? 'Redis 6.0', () => {
  test(
    'what no message tells is known by polls, soft invalidations too',
    async (test) => {
      const { fleet, proxies, server, namespace } = await proxied(test, 2, {
        options: OLDEST,
        env: STRICT,
      })
      const [one, deaf] = fleet
      proxies[1].dropMessages(1)
      for (const what of ['fetch', 'page', 'use cache']) {
        const { set, read, terms } = kinds[what]
        const [key, tag] = [newName('key'), newName('tag')]
        await set(one, key, 'x', [tag])
        await until('it is there', async () => (await read(deaf, key)) === 'x' || undefined)
        await one.invalidate([tag], { expire: 600 })
        const told = await terms(deaf, key)
        expect(isStale(told, await deaf.now()), what).toBe(true)
        // What a poll could not read would be asked for again and again, and never be known.
        await until('it has applied it', async () => {
          const list = await server.command('ZRANGE', `{${namespace}}:i`, 0, 1, 'WITHSCORES')
          const last = await server.command('ZSCORE', `{${namespace}}:t`, 'c')
          return (list[1] === last && list[3] === last) || undefined
        })
      }
      const told = await rounds(fleet, { count: 10, rounds: 4 })
      expect(told.old).toBe(0)
    },
    PATIENCE_MS,
  )
})

test(
  'what a server has not is told at the start, in one line',
  async (test) => {
    // As a provider does who forbids a command to everybody.
    const settings = { 'rename-command': 'ZREVRANGE ""' }
    const server = await start('single', { settings })
    test.onTestFinished(() => server.stop())
    const env = { TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: newName('lacking') }
    const [one] = await team(1, env)
    test.onTestFinished(() => one.kill())
    const told = () => one.log().match(/^tiercel: .*ZREVRANGE.*$/gm) ?? []
    await until('it is told', () => told()[0])
    await kinds.fetch.set(one, 'key', 'x', ['tag'])
    await one.invalidate(['tag'])
    expect(await kinds.fetch.read(one, 'key')).toBe(undefined)
    expect(told().length).toBe(1)
    expect(told()[0]).toMatch(/invalidations stay in this process/)
  },
  PATIENCE_MS,
)
