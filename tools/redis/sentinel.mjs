import { rmSync } from 'node:fs'
import { until } from '../time.mjs'
import { certificates } from './certificates.mjs'
import { Server, TESTS, temporary } from './server.mjs'

const NAME = 'mymaster'
const QUORUM = 2
const COMPLETE_MS = 15_000
const SWITCH_MS = 20_000

/** A primary, two replicas, and three sentinels that watch them. */
export class SentinelGroup {
  name = NAME
  /** @type {Server[]} */
  servers = []
  /** @type {Server[]} */
  sentinels = []
  #folder = temporary()

  /**
   * @param {import('./server.mjs').ServerOptions & { downAfterMs?: number }} [options] of each
   *   server; `downAfterMs`: silence after which a sentinel takes a server for dead, default 700
   */
  static async start(options = {}) {
    const group = new SentinelGroup()
    try {
      await group.#start(options)
    } catch (error) {
      await group.stop()
      throw error
    }
    return group
  }

  async #start({ downAfterMs = 700, settings, ...options }) {
    const tls = options.tls === true ? certificates(this.#folder) : options.tls
    const each = { ...options, tls, within: this.#folder }
    const primary = await Server.start({ ...each, settings })
    this.servers.push(primary)
    const replica = { ...settings, replicaof: `${primary.host} ${primary.port}` }
    await this.#add(this.servers, 2, { ...each, settings: replica })
    await until('replicas follow', () => this.#areFollowing(primary), { within: COMPLETE_MS })
    const { requirepass, users } = options
    const watching = [
      `monitor ${NAME} ${primary.host} ${primary.port} ${QUORUM}`,
      `down-after-milliseconds ${NAME} ${downAfterMs}`,
      `failover-timeout ${NAME} 3000`,
      `parallel-syncs ${NAME} 2`,
      ...(requirepass ? [`auth-pass ${NAME} ${requirepass}`] : []),
      ...(users
        ? [`auth-user ${NAME} ${TESTS.username}`, `auth-pass ${NAME} ${TESTS.password}`]
        : []),
    ]
    const { server, authClients } = options
    const sentinel = { server, tls, authClients, within: this.#folder, mode: 'sentinel' }
    await this.#add(this.sentinels, 3, { ...sentinel, settings: { sentinel: watching } })
    await until('sentinels know all', () => this.#areComplete(), { within: COMPLETE_MS })
  }

  async #add(list, count, options) {
    const starting = Array.from({ length: count }, async () => {
      list.push(await Server.start(options))
    })
    const failed = (await Promise.allSettled(starting)).find(({ reason }) => reason)
    if (failed) throw failed.reason
  }

  /** `redis+sentinel://host:port,host:port,host:port/mymaster` */
  get url() {
    const { tls } = this.servers[0]
    const hosts = this.sentinels.map(({ host, port }) => `${host}:${port}`)
    return `${tls ? 'rediss' : 'redis'}+sentinel://${hosts}/${NAME}`
  }

  get pids() {
    return [...this.servers, ...this.sentinels].map(({ pid }) => pid)
  }

  /** The primary, by the first living sentinel. */
  async primary() {
    const sentinel = this.sentinels.find(({ isAlive }) => isAlive)
    const found = await this.#primaryBy(sentinel)
    if (!found) throw new Error('the sentinels name an unknown primary')
    return found
  }

  async command(...args) {
    return (await this.primary()).command(...args)
  }

  async info(section) {
    return (await this.primary()).info(section)
  }

  /**
   * Makes a replica the primary, in order. The former one stays, and takes writes for some seconds
   * more until a sentinel demotes it, as in production. Resolves to the new one.
   */
  async failover() {
    const from = await this.primary()
    const [sentinel] = this.sentinels
    // The sentinels refuse until they have seen the last fail-over through.
    await until(
      'a sentinel begins a fail-over',
      () => sentinel.command('SENTINEL', 'FAILOVER', NAME).catch(() => undefined),
      { within: SWITCH_MS, every: 100 },
    )
    return this.switched(from)
  }

  /** Kills the primary and resolves to the one that takes its place. */
  async killPrimary() {
    const from = await this.primary()
    await from.kill()
    return this.switched(from)
  }

  /** Resolves to the primary that all living sentinels name, once it is not `from`. */
  switched(from) {
    const look = async () => {
      const alive = this.sentinels.filter(({ isAlive }) => isAlive)
      const named = await Promise.all(alive.map((sentinel) => this.#primaryBy(sentinel)))
      const [to] = named
      if (!to || to === from || named.some((other) => other !== to)) return
      return (await to.info('replication')).role === 'master' ? to : undefined
    }
    const patient = { within: SWITCH_MS, every: 20 }
    return until('another primary', () => look().catch(() => undefined), patient)
  }

  async stop() {
    const all = [...this.servers, ...this.sentinels]
    await Promise.all(all.map((server) => server.stop()))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #primaryBy(sentinel) {
    const address = await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)
    return this.servers.find(({ port }) => port === Number(address?.[1]))
  }

  async #areFollowing(primary) {
    const { slave0 = '', slave1 = '' } = await primary.info('replication')
    return [slave0, slave1].every((line) => line.includes('state=online')) || undefined
  }

  async #areComplete() {
    for (const sentinel of this.sentinels) {
      const { master0 = '' } = await sentinel.info('sentinel')
      if (!/status=ok,.*slaves=2,sentinels=3$/.test(master0)) return
    }
    return true
  }
}
