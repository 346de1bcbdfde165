import { expect, test } from 'vitest'
import { startProxy } from '../../../tools/redis/proxy.mjs'
import { start } from '../../../tools/redis/servers.mjs'
import { inChild, pause, timed, until } from '../../unit/support.mjs'
import { newName } from '../instances.mjs'
import { direct } from './support.mjs'

// The process ends by itself, with connections open and with a get under way, and is then waited
// for by nobody.

/** How long after its last work a process may take to end; loaded machines are slow to say so. */
const ENDED_MS = 100 + 500

/** The end waits 60 ms for the server at most, which a loaded machine may miss. */
const AGAIN = { retry: 3 }

/** Who is on the list of instances. */
async function listed(server, namespace) {
  const members = await server.command('ZRANGE', `{${namespace}}:i`, 0, -1)
  return members.filter((member) => !member.startsWith('born:'))
}

test('an idle process ends, and leaves the list', AGAIN, async (test) => {
  const server = await start('single')
  test.onTestFinished(() => server.stop())
  const { fleet, namespace } = await direct(test, server, 1)
  // A young list of instances proves nothing: then all are waited for.
  await until('invalidations are quick', async () => {
    const { ms } = await timed(fleet[0].invalidate(['t']))
    return ms < 900 ? true : undefined
  })
  const env = { TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: namespace }
  const child = await inChild(
    async ({ index }) => {
      const Tiercel = require(index)
      const isLeased = () => Tiercel.stats().shared.leaseMs > 0
      while (!isLeased()) await new Promise((wake) => setTimeout(wake, 10))
      await new Tiercel().get('key', { kind: 'FETCH', tags: [], softTags: [] })
      return { at: Date.now() }
    },
    { env },
  )
  const took = Date.now() - child.answer.at
  expect([child.code, child.signal]).toEqual([0, null])
  expect(took).toBeLessThan(ENDED_MS)
  expect((await listed(server, namespace)).length).toBe(1)
  expect((await timed(fleet[0].invalidate(['t']))).ms).toBeLessThan(900)
})

test('a process whose get is under way ends once that is answered', async (test) => {
  const server = await start('single')
  test.onTestFinished(() => server.stop())
  const proxy = await startProxy(server)
  test.onTestFinished(() => proxy.stop())
  const env = { TIERCEL_REDIS_URL: proxy.url, TIERCEL_NAMESPACE: newName('leaving') }
  const child = inChild(
    async ({ index }) => {
      const Tiercel = require(index)
      const isLeased = () => Tiercel.stats().shared.leaseMs > 0
      new Tiercel()
      while (!isLeased()) await new Promise((wake) => setTimeout(wake, 10))
      await new Promise((wake) => setTimeout(wake, 1_500))
      const pending = new Tiercel().get('key', { kind: 'FETCH', tags: [], softTags: [] })
      pending.then((found) => console.log('answered', found, Date.now()))
    },
    { env },
  )
  await until('it is on the list', async () => {
    const found = await server.command('EXISTS', `{${env.TIERCEL_NAMESPACE}}:i`)
    return found ? true : undefined
  })
  await pause(300)
  proxy.blackHole()
  const { code, signal, stdout } = await child
  const ended = Date.now()
  expect([code, signal]).toEqual([0, null])
  const [, answeredAt] = /answered null (\d+)/.exec(stdout) ?? []
  expect(ended - Number(answeredAt)).toBeLessThan(ENDED_MS)
})

test.for(['SIGTERM', 'SIGINT'])(
  'a process that exits on %s leaves the list too',
  AGAIN,
  async (signal, test) => {
    const server = await start('single')
    const namespace = newName('signalled')
    test.onTestFinished(() => server.stop())
    const env = { TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: namespace }
    const child = await inChild(
      async ({ index, signal }) => {
        const Tiercel = require(index)
        new Tiercel()
        while (!(Tiercel.stats().shared.leaseMs > 0))
          await new Promise((wake) => setTimeout(wake, 10))
        process.once(signal, () => process.exit(7))
        setInterval(() => {}, 1_000)
        process.kill(process.pid, signal)
      },
      { env, given: { signal } },
    )
    expect(child.code).toBe(7)
    expect(await listed(server, namespace)).toEqual([])
  },
)
