import { expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { until } from '../../unit/support.mjs'
import { arrives, connected, entriesOf, newName, team } from '../instances.mjs'
import { kinds } from '../kinds.mjs'
import { direct, invalidated, STRICT } from './support.mjs'

// A shard of a cluster that is lost loses its keys, and nothing else; they come back with it.

const PATIENCE_MS = 120_000
const { fetch } = kinds

test(
  'a shard without the table is lost for good: the others serve, and it serves when it is back',
  async (test) => {
    const settings = { 'cluster-require-full-coverage': 'no' }
    const cluster = await start('cluster', { settings })
    test.onTestFinished(() => cluster.stop())
    const { fleet, namespace } = await direct(test, cluster, 2, STRICT)
    const [one, two] = fleet
    const entries = await spread(cluster, namespace, fleet)
    const owner = await cluster.nodeOf(`{${namespace}}:t`)
    const dead = entries.find(({ holder }) => holder !== owner)?.holder
    const [lost, left] = [true, false].map((isLost) =>
      entries.filter(({ holder }) => (holder === dead) === isLost),
    )
    expect([lost.length > 0, left.length > 0]).toEqual([true, true])
    const breaks = await Promise.all([...fleet].map(breaksOf))

    await killForGood(cluster, dead)
    for (const { tag } of entries) await invalidated(one, [tag])
    for (const { key } of entries) expect(await fetch.read(two, key)).toBe(undefined)
    for (const entry of left) await stored(entry, 'new', one, [two])
    for (const { key, tag } of lost) await fetch.set(one, key, 'new', [tag])
    for (const { key } of lost) expect(await fetch.read(two, key)).toBe(undefined)
    // Whoever comes later has the same.
    const url = { TIERCEL_REDIS_URL: cluster.url, TIERCEL_NAMESPACE: namespace }
    const [newcomer] = await team(1, { ...url, ...STRICT })
    test.onTestFinished(() => newcomer.kill())
    await connected(newcomer)
    for (const { key } of left) expect(await arrives(fetch, newcomer, key)).toBe('new')
    for (const { key } of lost) expect(await fetch.read(newcomer, key)).toBe(undefined)
    expect(await Promise.all([...fleet].map(breaksOf))).toEqual(breaks)

    await dead.restart()
    for (const entry of lost) await stored(entry, 'newest', one, [two, newcomer])
    expect(await Promise.all([...fleet].map(breaksOf))).toEqual(breaks)
  },
  PATIENCE_MS,
)

async function breaksOf(instance) {
  const { shared } = await instance.stats()
  expect(shared.isAway).toBe(false)
  return shared.breaks
}

/** Stores an entry until others find it: on a busy machine a write may be dropped. */
const stored = ({ key, tag }, body, by, others) =>
  until(`${key} is at the others`, async () => {
    await fetch.set(by, key, body, [tag])
    const found = await Promise.all(others.map((other) => fetch.read(other, key)))
    return found.every((one) => one === body) || undefined
  })

/** Entries that all instances have, with the server that each lies on. */
async function spread(cluster, namespace, fleet) {
  const entries = []
  const known = new Set()
  for (let n = 0; n < 18; n++) {
    const [key, tag] = [newName('key'), newName('tag')]
    await fetch.set(fleet[0], key, 'old', [tag])
    await arrives(fetch, fleet[1], key)
    const found = await entriesOf(cluster, namespace)
    const { key: address, holder } = found.find((one) => !known.has(one.key))
    known.add(address)
    entries.push({ key, tag, holder })
  }
  return entries
}

/** Kills a primary when nobody can take its place any more, and waits until the others know. */
async function killForGood(cluster, primary) {
  for (const node of cluster.nodes) {
    const { role, master_port: port } = await node.info('replication')
    if (role === 'slave' && Number(port) === primary.port) await node.kill()
  }
  await primary.kill()
  const knows = async (node) =>
    /cluster_slots_fail:[1-9]/.test(await node.command('CLUSTER', 'INFO'))
  await until(
    'the others know',
    async () => {
      const alive = cluster.nodes.filter(({ isAlive }) => isAlive)
      return (await Promise.all(alive.map(knows))).every(Boolean) || undefined
    },
    { within: 20_000, every: 50 },
  )
}
