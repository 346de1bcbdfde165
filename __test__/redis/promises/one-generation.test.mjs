import { expect, test } from 'vitest'
import { pause, until } from '../../unit/support.mjs'
import { kinds } from '../kinds.mjs'
import { start } from '../servers.mjs'
import { fleet } from '../support.mjs'

/** A server and a fleet on it that end with the test. */
async function started({ onTestFinished }, count, env = {}) {
  const redis = await start('single')
  onTestFinished(() => redis.stop())
  const instances = await fleet(count, { TIERCEL_REDIS_URL: redis.url, ...env })
  onTestFinished(() => instances.stop())
  for (const one of instances) {
    await until('it has a lease', async () => (await one.stats()).shared.leaseMs > 0 || undefined)
  }
  return { redis, instances }
}

const sum = async (instances, name) => {
  const all = await Promise.all(instances.map((one) => one.stats()))
  return all.reduce((total, { leases }) => total + leases[name], 0)
}

test.each(Object.keys(kinds))(
  '%s, cold: one instance generates, the others get what it stores',
  async (name) => {
    const test = { onTestFinished: (await import('vitest')).onTestFinished }
    const { instances } = await started(test, 4)
    const kind = kinds[name]
    const [leader, ...others] = instances
    expect(await kind.read(leader, 'cold')).toBe(undefined)
    const waiting = others.map((one) => kind.read(one, 'cold'))
    await pause(300)
    await kind.set(leader, 'cold', 'once')
    expect(await Promise.all(waiting)).toEqual(['once', 'once', 'once'])
    expect(await sum(instances, 'taken')).toBe(1)
    expect(await sum(instances, 'followed')).toBe(3)
    expect(await sum(instances, 'saved')).toBe(3)
  },
)
