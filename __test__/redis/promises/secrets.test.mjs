import { expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { until } from '../../unit/support.mjs'
import { connected, instances, newName, team } from '../instances.mjs'
import { kinds } from '../kinds.mjs'

// No secret is in any output, and a login that is refused is said clearly: memory goes on alone.

const SECRETS = ['wr0ng-p@ssword', encodeURIComponent('wr0ng-p@ssword'), 'the-secret-of-entries']

/** What an instance has printed, and told by stats and errors, holds none. */
async function keepsQuiet(instance) {
  const told = `${instance.log()}${JSON.stringify(await instance.stats())}`
  for (const secret of SECRETS) expect(told).not.toContain(secret)
  return instance.log()
}

const places = {
  'in the URL': ({ url }) => ({
    TIERCEL_REDIS_URL: url.replace('//:right@', `//:${encodeURIComponent(SECRETS[0])}@`),
  }),
  'of a user in the URL': ({ host, port }) => ({
    TIERCEL_REDIS_URL: `redis://app:${encodeURIComponent(SECRETS[0])}@${host}:${port}`,
  }),
  'beside the URL': ({ host, port }) => ({
    TIERCEL_REDIS_URL: `redis://${host}:${port}`,
    TIERCEL_REDIS_PASSWORD: SECRETS[0],
  }),
  'that is missing': ({ host, port }) => ({ TIERCEL_REDIS_URL: `redis://${host}:${port}` }),
}

test.for(Object.entries(places))('a password %s that is refused', async ([, envOf], test) => {
  const server = await start('single', { requirepass: 'right' })
  test.onTestFinished(() => server.stop())
  const env = { ...envOf(server), TIERCEL_SECRET: SECRETS[2], TIERCEL_NAMESPACE: newName('quiet') }
  const { one, stop } = await instances({ TIERCEL_DEBUG: '1', ...env }, { one: {} })
  test.onTestFinished(stop)
  await until('it says so', () => (/password|login/i.test(one.log()) ? true : undefined))
  await kinds.fetch.set(one, 'key', 'x', ['t'])
  expect(await kinds.fetch.read(one, 'key')).toBe('x')
  await one.invalidate(['t'])
  expect(await kinds.fetch.read(one, 'key')).toBe(undefined)
  const lines = (await keepsQuiet(one)).split('\n').filter((line) => /password|login/i.test(line))
  expect(lines.length).toBe(1)
})

test('a password that is changed while it runs, and back', async (test) => {
  const server = await start('single', { requirepass: SECRETS[0] })
  test.onTestFinished(() => server.stop())
  const { url } = server
  const fleet = await team(1, { TIERCEL_REDIS_URL: url, TIERCEL_NAMESPACE: newName('quiet') })
  test.onTestFinished(() => fleet.stop())
  const [one] = fleet
  await connected(one)
  await server.command('CONFIG', 'SET', 'requirepass', 'changed')
  await server.command('CLIENT', 'KILL', 'TYPE', 'normal')
  await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub')
  await until('it is away', async () => (await one.stats()).shared.isAway || undefined)
  await kinds.fetch.set(one, 'key', 'x')
  expect(await kinds.fetch.read(one, 'key')).toBe('x')
  await server.command('CONFIG', 'SET', 'requirepass', SECRETS[0])
  await until('it is back', async () => ((await one.stats()).shared.isAway ? undefined : true))
  await keepsQuiet(one)
})

test('a configuration that is refused repeats no secret', async () => {
  const refused = [
    { TIERCEL_REDIS_URL: `redis://app:${SECRETS[0]}@host:notaport` },
    { TIERCEL_REDIS_URL: `http://app:${SECRETS[0]}@host` },
    { TIERCEL_REDIS_URL: `redis://app:${SECRETS[0]}@host?password=${SECRETS[0]}&odd=1` },
    { TIERCEL_REDIS_URL: 'redis://host', TIERCEL_REDIS_PASSWORD: `\u0007${SECRETS[0]}` },
  ]
  for (const env of refused) {
    const error = await team(1, env).catch((error) => error)
    expect(error).toBeInstanceOf(Error)
    expect(error.message).toContain('TIERCEL_REDIS')
    for (const secret of SECRETS) expect(error.message).not.toContain(secret)
  }
})
