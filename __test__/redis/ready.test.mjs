import { expect, test } from 'vitest'
import { fleet } from '../../tools/instances/fleet.mjs'
import { startProxy } from '../../tools/redis/proxy.mjs'
import { start } from '../../tools/redis/servers.mjs'
import { timed, until } from '../unit/support.mjs'
import { connected, newName } from './instances.mjs'
import { direct, proxied } from './promises/support.mjs'

// A probe holds back an instance that does not know yet what was invalidated, and no instance for
// long, or again, because the server is away.

/** What a test's own machine may add. */
const SLACK_MS = 1_000

const ask = (instance, options = {}) =>
  instance.run(({ Tiercel, options }) => Tiercel.ready(options), { options })

/** Never gives up. A channel between processes carries no Infinity. */
const patient = { giveUpMs: Number.MAX_SAFE_INTEGER }

/** A process that has loaded Tiercel, and nothing more. */
async function untouched(test, url, env = {}) {
  const started = await fleet(1, {
    TIERCEL_REDIS_URL: url,
    TIERCEL_NAMESPACE: newName('fleet'),
    ...env,
  })
  test.onTestFinished(() => started.stop())
  return started[0]
}

/** A proxy that nobody can connect through. */
async function refusing(test) {
  const server = await start('single')
  test.onTestFinished(() => server.stop())
  const proxy = await startProxy(server)
  test.onTestFinished(() => proxy.stop())
  await proxy.refuse()
  return proxy
}

test('asking starts the engine, and the first answer waits for the lease', async (test) => {
  const server = await start('single')
  test.onTestFinished(() => server.stop())
  const one = await untouched(test, server.url)
  const state = await ask(one, { timeoutMs: 5_000, ...patient })
  expect(state).toEqual({ ready: true, shared: 'connected' })
  expect((await one.stats()).shared.leaseMs).toBeGreaterThan(0)
})

test.for(['refused', 'silent'])(
  'a server that is %s holds an instance back until it is given up',
  async (how, test) => {
    const proxy = await refusing(test)
    if (how === 'silent') await proxy.pass()
    if (how === 'silent') proxy.blackHole()
    const one = await untouched(test, proxy.url)
    const { value, ms } = await timed(ask(one, { timeoutMs: 300 }))
    expect(value.ready).toBe(false)
    expect(['connecting', 'away']).toContain(value.shared)
    expect(ms).toBeGreaterThanOrEqual(290)
    expect(ms).toBeLessThan(300 + SLACK_MS)
    const reason = { code: how === 'silent' ? 'timed-out' : 'refused' }
    const given = await until('it is given up', async () => {
      const state = await ask(one, { timeoutMs: 0, giveUpMs: 2_000 })
      return state.ready ? state : undefined
    })
    expect(given).toMatchObject({ ready: true, shared: 'away', reason })
    // Whoever asks for the shared tier goes on being told.
    expect(await ask(one, { timeoutMs: 0, ...patient })).toMatchObject({
      ready: false,
      shared: 'away',
      reason,
    })
  },
)

test('a wrong password holds an instance back no longer than an absent server', async (test) => {
  const server = await start('single')
  test.onTestFinished(() => server.stop())
  const one = await untouched(test, server.url, {
    TIERCEL_REDIS_USERNAME: 'nobody',
    TIERCEL_REDIS_PASSWORD: 'wrong',
  })
  expect((await ask(one, patient)).ready).toBe(false)
  const given = await ask(one, { giveUpMs: 0 })
  expect(given).toMatchObject({ ready: true, shared: 'away', reason: { code: 'login' } })
})

test('an instance is ready once its server comes', async (test) => {
  const proxy = await refusing(test)
  const one = await untouched(test, proxy.url)
  expect((await ask(one, { timeoutMs: 100, ...patient })).ready).toBe(false)
  const waiting = ask(one, { timeoutMs: 8_000, ...patient })
  await proxy.pass()
  expect(await waiting).toEqual({ ready: true, shared: 'connected' })
})

test('an instance that was ready stays so while its server is away', async (test) => {
  const { fleet, proxies } = await proxied(test, 1)
  const [one] = fleet
  expect((await ask(one, patient)).ready).toBe(true)
  await proxies[0].refuse()
  proxies[0].reset()
  const state = await until('it is away', async () => {
    const state = await ask(one, { timeoutMs: 0, ...patient })
    expect(state.ready).toBe(true)
    return state.shared === 'away' ? state : undefined
  })
  expect(state).toMatchObject({ ready: true, shared: 'away', reason: { code: 'refused' } })
  await proxies[0].pass()
  await connected(one)
  expect(await ask(one)).toEqual({ ready: true, shared: 'connected' })
})

test('an instance is held back while the table of tags is being loaded', async (test) => {
  const server = await start('single')
  test.onTestFinished(() => server.stop())
  const { fleet: old, namespace } = await direct(test, server, 1)
  const tags = Array.from({ length: 20_000 }, (_, n) => `tag ${n}`)
  for (let at = 0; at < tags.length; at += 2_000) {
    await old[0].run(({ Tiercel, some }) => Tiercel.updateTags(some), {
      some: tags.slice(at, at + 2_000),
    })
  }
  const proxy = await startProxy(server)
  test.onTestFinished(() => proxy.stop())
  proxy.throttle(500_000, 'down')
  const one = await untouched(test, proxy.url, { TIERCEL_NAMESPACE: namespace })
  const look = async ({ Tiercel }) => {
    const state = await Tiercel.ready({ timeoutMs: 0 })
    return { ...state, tags: Tiercel.stats().tags }
  }
  const seen = new Set()
  const state = await until('it is ready', async () => {
    const state = await one.run(look)
    seen.add(state.shared)
    return state.ready ? state : undefined
  })
  expect(seen).toContain('connecting')
  expect(state.shared).toBe('connected')
  expect(state.tags).toBeGreaterThan(tags.length * 0.9)
})

test('a server that forbids scripts holds nobody back', async (test) => {
  const server = await start('single')
  test.onTestFinished(() => server.stop())
  const rights = ['on', 'nopass', '~*', '&*', '+@all', '-eval', '-evalsha', '-script']
  await server.command('ACL', 'SETUSER', 'default', 'reset', ...rights)
  const one = await untouched(test, server.url)
  const state = await ask(one, { timeoutMs: 5_000, ...patient })
  expect(state).toMatchObject({ ready: true, shared: 'denied', reason: { code: 'right-missing' } })
})
