import { expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { timed } from '../../unit/support.mjs'
import { arrives, team } from '../instances.mjs'
import { kinds } from '../kinds.mjs'
import { direct, RESOLVED_MS, SETTLED_MS } from './support.mjs'

// However many tags were ever invalidated: an instance that starts knows all of them before it
// answers, and holds up nobody.

const TAGS = 100_000

test('an instance that starts on a table of 100 000 tags', async (test) => {
  const server = await start('single')
  test.onTestFinished(() => server.stop())
  const { fleet, namespace } = await direct(test, server, 1)
  const [old] = fleet
  await kinds.fetch.set(old, 'dead', 'x', ['tag 0'])
  await kinds.fetch.set(old, 'dead by the last', 'x', [`tag ${TAGS - 1}`])
  await kinds.fetch.set(old, 'alive', 'x', ['untouched'])
  const tags = Array.from({ length: TAGS }, (_, n) => `tag ${n}`)
  for (let at = 0; at < TAGS; at += 2_000) {
    await old.run(({ Tiercel, some }) => Tiercel.updateTags(some), {
      some: tags.slice(at, at + 2_000),
    })
  }
  expect(await server.command('ZCARD', `{${namespace}}:t`)).toBeGreaterThan(TAGS * 0.9)
  await kinds.fetch.set(old, 'late', 'x', ['untouched'])
  const env = { TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: namespace }
  const newcomers = await team(2, env)
  test.onTestFinished(() => newcomers.stop())
  for (const one of newcomers) {
    const { value, ms } = await timed(kinds.fetch.read(one, 'dead'))
    expect(value).toBe(undefined)
    expect(ms).toBeLessThan(SETTLED_MS)
    expect(await arrives(kinds.fetch, one, 'late')).toBe('x')
    expect(await arrives(kinds.fetch, one, 'alive')).toBe('x')
    expect(await kinds.fetch.read(one, 'dead')).toBe(undefined)
    expect(await kinds.fetch.read(one, 'dead by the last')).toBe(undefined)
    expect((await one.stats()).tags).toBeGreaterThan(TAGS * 0.9)
  }
  const { ms } = await timed(newcomers[0].invalidate(['untouched']))
  expect(ms).toBeLessThan(RESOLVED_MS)
  for (const one of [old, ...newcomers]) expect(await kinds.fetch.read(one, 'late')).toBe(undefined)
}, 90_000)
