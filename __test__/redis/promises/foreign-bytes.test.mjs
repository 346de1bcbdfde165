import { expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { pause, until } from '../../unit/support.mjs'
import { arrives, entriesOf, newName } from '../instances.mjs'
import { kinds } from '../kinds.mjs'
import { direct } from './support.mjs'

// Whatever lies where an entry should lie: foreign, cut off, swapped, inflated or of another type,
// it is a miss, and never a crash or a wrong answer.

test('what somebody else put in the place of entries is a miss', async (test) => {
  const server = await start('single')
  test.onTestFinished(() => server.stop())
  const { fleet, namespace } = await direct(test, server, 3)
  const [here, there, last] = fleet
  const keys = Array.from({ length: 40 }, () => newName('key'))
  for (const key of keys) await kinds.fetch.set(here, key, `${key} ${'body '.repeat(2_000)}`)
  await arrives(kinds.fetch, there, keys.at(-1))
  await pause(50)
  const client = await server.client({ binary: true })
  test.onTestFinished(() => client.close())
  const entries = await entriesOf(server, namespace)
  expect(entries.length).toBe(keys.length)
  const bodies = []
  for (const { key } of entries) bodies.push(await client.command('GET', key))
  const spoil = [
    (key) => client.command('SET', key, ''),
    (key, body) => client.command('SET', key, body.subarray(0, body.length - 1)),
    (key, body) => client.command('SET', key, body.subarray(0, 40)),
    (key, _, n) => client.command('SET', key, bodies[(n + 1) % bodies.length]),
    (key, body) => client.command('SET', key, Buffer.concat([body, body])),
    (key, body) => client.command('SET', key, flipped(body)),
    (key) => client.command('SET', key, Buffer.alloc(100_000, 0xff)),
    async (key) => {
      await client.command('DEL', key)
      await client.command('HSET', key, 'a', 'b')
    },
    async (key) => {
      await client.command('DEL', key)
      await client.command('LPUSH', key, 'a')
    },
  ]
  for (const [n, { key }] of entries.entries()) await spoil[n % spoil.length](key, bodies[n], n)
  for (const key of keys) expect(await kinds.fetch.read(last, key)).toBe(undefined)
  expect((await last.stats()).panics).toBe(0)
  expect((await last.stats()).shared.brokenEntries).toBeGreaterThan(keys.length / 2)
  // And what is set anew is shared again.
  for (const key of keys) await kinds.fetch.set(here, key, 'sound')
  for (const key of keys) expect(await arrives(kinds.fetch, last, key)).toBe('sound')
})

function flipped(body) {
  const copy = Buffer.from(body)
  copy[Math.floor(copy.length / 2)] ^= 1
  return copy
}

test('a table, messages and lists that somebody else wrote crash nothing', async (test) => {
  const server = await start('single')
  test.onTestFinished(() => server.stop())
  const { fleet, namespace } = await direct(test, server, 2)
  const name = (key) => `{${namespace}}:${key}`
  const hostile = [
    ['PUBLISH', name('m0'), 'hello'],
    ['PUBLISH', name('m0'), `1 18446744073709551615 0 1 ${'9'.repeat(1_000)}`],
    ['PUBLISH', name('m0'), Buffer.from([0xff, 0xfe, 0])],
    ['ZADD', name('t'), '9007199254740993', 'c'],
    ['ZADD', name('t'), '-5', 'xnegative', '1e300', 'shuge', 'inf', 'xendless'],
    ['ZADD', name('i'), '0', 'nobody', '-inf', ''],
    ['HSET', name('p'), 'nobody', 'not a number'],
    ['SET', name('t'), 'a text'],
    ['SET', name('i'), 'a text'],
    ['SET', name('h'), 'a text'],
  ]
  for (const command of hostile) {
    await server.command(...command)
    await kinds.fetch.set(fleet[0], newName('key'), 'x', ['t'])
    await fleet[1].invalidate(['t'])
    await pause(100)
  }
  await server.command('FLUSHALL')
  // Another life of the table begins, and what is generated in that is shared.
  await until('it goes on', async () => {
    await kinds.fetch.set(fleet[0], 'after', 'x', ['after'])
    await pause(20)
    return kinds.fetch.read(fleet[1], 'after')
  })
  await fleet[1].invalidate(['after'])
  expect(await kinds.fetch.read(fleet[0], 'after')).toBe(undefined)
  for (const one of fleet) expect((await one.stats()).panics).toBe(0)
})
