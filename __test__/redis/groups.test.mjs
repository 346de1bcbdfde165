import { expect, test } from 'vitest'
import { isRunning } from '../../tools/guarded.mjs'
import { findServer, start } from '../../tools/redis/servers.mjs'

// Servers that belong together: they are complete when they have started, and they fail over.

const PATIENCE_MS = 60_000

async function started({ onTestFinished }, kind, options) {
  const group = await start(kind, options)
  const { pids } = group
  onTestFinished(async () => {
    await group.stop()
    await group.stop()
    expect(pids.filter(isRunning)).toEqual([])
  })
  return group
}

test.concurrent(
  'sentinels name another primary, asked to or because it died',
  async (test) => {
    const group = await started(test, 'sentinel', { requirepass: 'secret' })
    const ports = group.sentinels.map(({ port }) => `127.0.0.1:${port}`)
    expect(group.url).toBe(`redis+sentinel://${ports}/mymaster`)
    const first = await group.primary()
    expect((await group.info('replication')).connected_slaves).toBe('2')
    await group.command('SET', 'key', 'value')

    const second = await group.failover()
    expect(second).not.toBe(first)
    expect(await second.command('ROLE')).toContain('master')
    expect(await second.command('GET', 'key')).toBe('value')

    const third = await group.killPrimary()
    expect(second.isAlive).toBe(false)
    expect(third).not.toBe(second)
    expect(await third.command('SET', 'key', 'after')).toBe('OK')
  },
  PATIENCE_MS,
)

test.concurrent(
  'each slot of a cluster has a primary, and another one when that is replaced or dies',
  async (test) => {
    const cluster = await started(test, 'cluster')
    expect(cluster.url.split(',').length).toBe(6)
    const primaries = await Promise.all([0, 8_000, 16_383].map((slot) => cluster.nodeOf(slot)))
    expect(new Set(primaries).size).toBe(3)
    await cluster.command('SET', '{a}key', 'value')
    expect(await cluster.slotOf('{a}other')).toBe(await cluster.slotOf('{a}key'))
    const first = await cluster.nodeOf('{a}key')
    const other = primaries.find((node) => node !== first)
    await expect(other.command('GET', '{a}key')).rejects.toThrow('MOVED')

    const second = await cluster.failover(first)
    expect(second).not.toBe(first)
    expect(await second.command('GET', '{a}key')).toBe('value')

    expect(await cluster.killPrimary('{a}key')).toBe(first)
    expect(second.isAlive).toBe(false)
    expect(await cluster.command('SET', '{a}key', 'after')).toBe('OK')
  },
  PATIENCE_MS,
)

test.concurrent(
  'a slot moves with its keys, and is asked for at both ends meanwhile',
  async (test) => {
    const { binary } = await findServer('valkey')
    const cluster = await started(test, 'cluster', { server: binary ? 'valkey' : 'redis' })
    const slot = await cluster.slotOf('{a}')
    const from = await cluster.nodeOf(slot)
    const to = await cluster.nodeOf((slot + 8_000) % 16_384)
    await cluster.command('SET', '{a}there', 'value')
    await cluster.moveSlot(slot, to, async () => {
      expect(await from.command('GET', '{a}there')).toBe('value')
      await expect(from.command('GET', '{a}missing')).rejects.toThrow('ASK')
      await expect(to.command('GET', '{a}missing')).rejects.toThrow('MOVED')
    })
    expect(await cluster.nodeOf('{a}there')).toBe(to)
    expect(await to.command('GET', '{a}there')).toBe('value')
    await expect(from.command('GET', '{a}there')).rejects.toThrow('MOVED')
  },
  PATIENCE_MS,
)
