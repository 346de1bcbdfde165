import { expect, test } from 'vitest'
import { until } from '../../unit/support.mjs'
import { arrives, connected } from '../instances.mjs'
import { kinds } from '../kinds.mjs'
import { proxied } from './support.mjs'

// However much was invalidated while Redis was away: when it is back that is told, and nothing else
// dies.

test('more tags than ten thousand are recorded after an outage, and no other', async (test) => {
  const { fleet, proxies } = await proxied(test, 2)
  const [one, other] = fleet
  for (const key of ['untouched', 'tag-0', 'tag-11999']) {
    await kinds.fetch.set(one, key, 'x', [key])
    expect(await arrives(kinds.fetch, other, key)).toBe('x')
  }
  await proxies[0].refuse()
  proxies[0].reset()
  const isAway = async () => ((await one.stats()).shared.isAway ? true : undefined)
  await until('it is away', isAway)
  for (let n = 0; n < 12_000; n += 1_000) {
    const tags = Array.from({ length: 1_000 }, (_, k) => `tag-${n + k}`)
    await one.invalidate(tags).catch(() => {})
  }
  await proxies[0].pass()
  await until('it is back', async () => {
    const { leaseMs, isAway } = (await one.stats()).shared
    return leaseMs > 0 && !isAway ? true : undefined
  })
  await connected(other)
  for (const instance of [one, other]) {
    expect(await kinds.fetch.read(instance, 'tag-0')).toBe(undefined)
    expect(await kinds.fetch.read(instance, 'tag-11999')).toBe(undefined)
    expect(await kinds.fetch.read(instance, 'untouched')).toBe('x')
  }
})
