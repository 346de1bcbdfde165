import { expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { until } from '../../unit/support.mjs'
import { connected, REPEATS, team } from '../instances.mjs'
import { direct, invalidated, lanes, STRICT } from './support.mjs'

// A primary that stands still a little longer than Sentinels have patience comes back as one that
// still takes itself for the primary, for some seconds. Nobody answers by what it says.

const ROUNDS = 3
const PATIENCE_MS = 90_000 * Math.max(1, REPEATS)

test(
  'what is invalidated at the new primary is not answered by who was connected to the old one',
  async (test) => {
    const group = await start('sentinel', { downAfterMs: 500 })
    test.onTestFinished(() => group.stop())
    const { fleet, namespace } = await direct(test, group, 3, STRICT)
    const env = { TIERCEL_REDIS_URL: group.url, TIERCEL_NAMESPACE: namespace, ...STRICT }
    for (let round = 0; round < ROUNDS * REPEATS; round++) {
      const [all, others] = [lanes(10), lanes(5)]
      await Promise.all([...all, ...others].map((lane) => lane.spread(fleet)))
      const from = await group.primary()
      from.pause()
      await until('a fail-over begins', () => isFailing(group), { within: 20_000, every: 10 })
      from.resume()
      // Those who were connected go on meanwhile.
      const meanwhile = count(others, fleet, fleet)
      await group.switched(from)
      const [newcomer] = await team(1, env)
      try {
        await connected(newcomer)
        expect(await count(all, [newcomer], [...fleet, newcomer])).toBe(0)
        expect(await meanwhile).toBe(0)
        await Promise.all(all.map((lane) => lane.spread([...fleet, newcomer])))
        expect(await count(all, [...fleet, newcomer], [...fleet, newcomer])).toBe(0)
      } finally {
        await newcomer.kill()
      }
      // Who is demoted closes its connections.
      const look = () => isWhole(group).catch(() => undefined)
      await until('they are three again', look, { within: 30_000, every: 100 })
    }
  },
  PATIENCE_MS,
)

/** Invalidates one after the other, and counts who answers with what is older. */
async function count(all, by, asked) {
  let old = 0
  for (const [n, lane] of all.entries()) {
    await invalidated(by[n % by.length], [lane.tag])
    old += await lane.countOld(asked)
  }
  return old
}

async function isFailing({ sentinels, name }) {
  for (const sentinel of sentinels) {
    const told = await sentinel.command('SENTINEL', 'MASTER', name)
    if (told[told.indexOf('flags') + 1].includes('failover_in_progress')) return true
  }
}

async function isWhole(group) {
  for (const sentinel of group.sentinels) {
    const { master0 = '' } = await sentinel.info('sentinel')
    if (!master0.includes('status=ok')) return
  }
  const roles = await Promise.all(group.servers.map((server) => server.info('replication')))
  const isUp = ({ role, master_link_status: link }) => role === 'master' || link === 'up'
  const primaries = roles.filter(({ role }) => role === 'master').length
  return (primaries === 1 && roles.every(isUp)) || undefined
}
