import { expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { pause, until } from '../../unit/support.mjs'
import { connected, team } from '../instances.mjs'
import { direct, lanes, proxied } from './support.mjs'

// Losing what Redis holds never silently loses an invalidation: an answer is stale at most 1 s
// after an instance is connected again.

const STALE_MS = 1_000
const PATIENCE_MS = 60_000

const losses = {
  'everything (FLUSHALL)': ({ server }) => server.command('FLUSHALL'),
  'the table of tags': ({ server, namespace }) => server.command('DEL', `{${namespace}}:t`),
  'the history': ({ server, namespace }) => server.command('DEL', `{${namespace}}:h`),
  'the table and the history': ({ server, namespace }) =>
    server.command('DEL', `{${namespace}}:t`, `{${namespace}}:h`),
  'the list of instances': ({ server, namespace }) => server.command('DEL', `{${namespace}}:i`),
  'what instances have polled': ({ server, namespace }) =>
    server.command('DEL', `{${namespace}}:p`),
  'all by a restart': async ({ server }) => {
    await server.kill()
    await server.restart()
  },
}

test.for(Object.entries(losses))(
  'an invalidation outlives the loss of %s',
  async ([, lose], test) => survives(await proxied(test, 3), lose),
  PATIENCE_MS,
)

/** One instance is cut off when the invalidation is made, and comes back after the loss. */
async function survives({ server, proxies, fleet, namespace }, lose) {
  const all = lanes(10)
  await Promise.all(all.map((lane) => lane.spread(fleet)))
  const [one, two, away] = fleet
  proxies[2].blackHole()
  await Promise.all(all.map(({ tag }) => one.invalidate([tag])))
  const old = (instances) => count(all, instances)
  expect(await old([one, two])).toBe(0)
  await lose({ server, namespace })
  // The restarted server has forgotten who was connected.
  proxies[2].reset()
  await proxies[2].pass()
  const newcomer = await team(1, { TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: namespace })
  try {
    expect(await old([one, two, ...newcomer])).toBe(0)
    await connected(away)
    await pause(STALE_MS)
    expect(await old([...fleet, ...newcomer])).toBe(0)
    // And it goes on: what is generated now is everywhere, and can be invalidated.
    await Promise.all(all.map((lane) => lane.spread([...fleet, ...newcomer])))
    await Promise.all(all.map(({ tag }) => newcomer[0].invalidate([tag])))
    expect(await old([...fleet, ...newcomer])).toBe(0)
  } finally {
    await newcomer.stop()
  }
}

async function count(all, instances) {
  const counts = await Promise.all(all.map((lane) => lane.countOld(instances)))
  return counts.reduce((sum, n) => sum + n, 0)
}

/** The servers that would take over from the one that holds the table. */
const followers = {
  sentinel: async (group) => {
    const primary = await group.primary()
    return group.servers.filter((server) => server !== primary)
  },
  cluster: async (cluster, namespace) => {
    const primary = await holderOf(cluster, namespace)
    const nodes = []
    for (const node of cluster.nodes) {
      const { role, master_port: port } = await node.info('replication')
      if (role === 'slave' && Number(port) === primary.port) nodes.push(node)
    }
    return nodes
  },
}

test.for(['sentinel', 'cluster'])(
  'an invalidation outlives a fail-over that loses it: %s',
  async (kind, test) => {
    const group = await start(kind)
    test.onTestFinished(() => group.stop())
    const { fleet, namespace } = await direct(test, group, 2)
    const all = lanes(10)
    await Promise.all(all.map((lane) => lane.spread(fleet)))
    const behind = await followers[kind](group, namespace)
    expect(behind.length).toBeGreaterThan(0)
    await Promise.all(behind.map(isInStep))
    const dying = await holderOf(group, namespace)
    for (const one of behind) one.pause()
    // What is on its way to a frozen process would reach it yet.
    await dying.command('CLIENT', 'KILL', 'TYPE', 'replica')
    await Promise.all(all.map(({ tag }) => fleet[0].invalidate([tag])))
    await dying.kill()
    for (const one of behind) one.resume()
    for (const one of behind) expect(await rowsOf(one, namespace, all)).toEqual(all.map(() => null))
    if (kind === 'sentinel') await group.switched(dying)
    else
      await until('another primary', async () => otherThan(group, namespace, dying), {
        within: 20_000,
      })
    expect(await count(all, fleet)).toBe(0)
    await Promise.all([...fleet].map(connected))
    await pause(STALE_MS)
    expect(await count(all, fleet)).toBe(0)
    const newcomer = await team(1, { TIERCEL_REDIS_URL: group.url, TIERCEL_NAMESPACE: namespace })
    test.onTestFinished(() => newcomer.stop())
    await connected(newcomer[0])
    expect(await count(all, newcomer)).toBe(0)
    await Promise.all(all.map((lane) => lane.spread([...fleet, ...newcomer])))
  },
  PATIENCE_MS,
)

const holderOf = (group, namespace) =>
  group.primary ? group.primary() : group.nodeOf(`{${namespace}}:t`)

/** What a server knows of the lanes' invalidations. */
async function rowsOf(server, namespace, all) {
  const client = await server.client()
  try {
    await client.command('READONLY').catch(() => {})
    const asked = all.map(({ tag }) => client.command('ZSCORE', `{${namespace}}:t`, `x${tag}`))
    return await Promise.all(asked)
  } finally {
    client.close()
  }
}

async function otherThan(cluster, namespace, dead) {
  const node = await holderOf(cluster, namespace).catch(() => dead)
  return node === dead ? undefined : node
}

/** Waits until a replica has all that its primary had. */
const isInStep = (replica) =>
  until('a replica is in step', async () => {
    const before = await replica.info('replication')
    await pause(50)
    const after = await replica.info('replication')
    return before.slave_repl_offset === after.slave_repl_offset || undefined
  })
