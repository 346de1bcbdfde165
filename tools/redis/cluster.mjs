import { rmSync } from 'node:fs'
import { until } from '../time.mjs'
import { certificates } from './certificates.mjs'
import { isOld, Server, temporary } from './server.mjs'

const SLOTS = 16_384
const PRIMARIES = 3
const SETTLED_MS = 20_000

/** Three primaries, each with a replica. */
export class Cluster {
  /** @type {Server[]} */
  nodes = []
  #folder = temporary()

  /**
   * @param {import('./server.mjs').ServerOptions & { nodeTimeoutMs?: number }} [options] of each
   *   node; `nodeTimeoutMs`: silence after which a node counts as lost, default 1000
   */
  static async start(options = {}) {
    if (isOld(options.server)) throw new Error('a bus port of its own needs Redis 7')
    const cluster = new Cluster()
    try {
      await cluster.#start(options)
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  async #start({ nodeTimeoutMs = 1_000, settings, ...options }) {
    const tls = options.tls === true ? certificates(this.#folder) : options.tls
    const each = {
      ...options,
      tls,
      within: this.#folder,
      mode: 'cluster',
      settings: {
        'cluster-node-timeout': nodeTimeoutMs,
        // A replica may take over however long it was cut off: tests kill more than one.
        'cluster-replica-validity-factor': 0,
        ...settings,
      },
    }
    const starting = Array.from({ length: 2 * PRIMARIES }, async () => {
      this.nodes.push(await Server.start(each))
    })
    const failed = (await Promise.allSettled(starting)).find(({ reason }) => reason)
    if (failed) throw failed.reason
    await this.#join()
    await this.#settled('every primary has a replica', (view) => {
      return view.length === PRIMARIES && view.every(({ replicas }) => replicas.length === 1)
    })
    await Promise.all(this.nodes.slice(PRIMARIES).map(isInSync))
  }

  async #join() {
    const ids = await Promise.all(this.nodes.map((node) => node.command('CLUSTER', 'MYID')))
    const [first, ...others] = this.nodes
    for (const [n, node] of this.nodes.entries()) {
      await node.command('CLUSTER', 'SET-CONFIG-EPOCH', n + 1)
      if (n >= PRIMARIES) continue
      const bounds = [n, n + 1].map((part) => Math.floor((part * SLOTS) / PRIMARIES))
      await node.command('CLUSTER', 'ADDSLOTSRANGE', bounds[0], bounds[1] - 1)
    }
    for (const { host, port, busPort } of others) {
      await first.command('CLUSTER', 'MEET', host, port, busPort)
    }
    const replicas = this.nodes.slice(PRIMARIES)
    // The node refuses until gossip has brought the primary's name.
    const attach = (replica, n) =>
      until(
        'a replica knows its primary',
        () => replica.command('CLUSTER', 'REPLICATE', ids[n]).catch(() => undefined),
        { within: SETTLED_MS, every: 20 },
      )
    await Promise.all(replicas.map(attach))
  }

  /** `redis+cluster://host:port,...` with all nodes. */
  get url() {
    const hosts = this.nodes.map(({ host, port }) => `${host}:${port}`)
    return `${this.nodes[0].tls ? 'rediss' : 'redis'}+cluster://${hosts}`
  }

  get pids() {
    return this.nodes.map(({ pid }) => pid)
  }

  /** The node that serves a slot, or the slot of a key, by the view of the living nodes. */
  async nodeOf(slotOrKey) {
    const slot = await this.slotOf(slotOrKey)
    return serving(await this.#view(this.#living()[0]), slot).primary
  }

  async slotOf(slotOrKey) {
    if (typeof slotOrKey === 'number') return slotOrKey
    return this.#living()[0].command('CLUSTER', 'KEYSLOT', slotOrKey)
  }

  /** Sends a command to the node that serves its first key, the second word. */
  async command(name, key, ...args) {
    return (await this.nodeOf(key)).command(name, key, ...args)
  }

  /** INFO of the node that serves slot 0. */
  async info(section) {
    return (await this.nodeOf(0)).info(section)
  }

  /** Lets the replica of a primary take its place, in order. Resolves to the new primary. */
  async failover(primary) {
    const range = (await this.#view(primary)).find((one) => one.primary === primary)
    if (!range?.replicas.length) throw new Error('no primary with a replica')
    await range.replicas[0].command('CLUSTER', 'FAILOVER')
    return this.#switched(range.first, primary)
  }

  /** Kills the primary of a slot or key; resolves to the one that takes its place. */
  async killPrimary(slotOrKey) {
    const slot = await this.slotOf(slotOrKey)
    const from = await this.nodeOf(slot)
    await from.kill()
    return this.#switched(slot, from)
  }

  /**
   * Moves a slot with its keys to another primary. `halfway` runs while it is being moved, when its
   * keys are still at the old one, which redirects requests for missing keys to the new one
   * (`ASK`).
   */
  async moveSlot(slot, to, halfway = async () => {}) {
    const from = await this.nodeOf(slot)
    const ids = await Promise.all([from, to].map((node) => node.command('CLUSTER', 'MYID')))
    await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[0])
    await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[1])
    await halfway()
    for (;;) {
      const keys = await from.command('CLUSTER', 'GETKEYSINSLOT', slot, 100)
      if (!keys.length) break
      await from.command('MIGRATE', to.host, to.port, '', 0, 5_000, 'KEYS', ...keys)
    }
    for (const node of [to, from]) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', ids[1])
    await this.#settled('all know who serves the slot', (view) => {
      return serving(view, slot).primary === to
    })
  }

  async stop() {
    await Promise.all(this.nodes.map((node) => node.stop()))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #living() {
    return this.nodes.filter(({ isAlive }) => isAlive)
  }

  async #switched(slot, from) {
    const isOther = (view) => serving(view, slot).primary !== from
    await this.#settled('another primary', isOther)
    return this.nodeOf(slot)
  }

  /** Waits until every living node says that all is well, and its view has the property. */
  #settled(what, property) {
    const isSettled = async (node) => {
      const text = await node.command('CLUSTER', 'INFO')
      return text.includes('cluster_state:ok') && property(await this.#view(node))
    }
    const look = async () => {
      const found = await Promise.all(this.#living().map(isSettled))
      return found.every(Boolean) || undefined
    }
    const patient = { within: SETTLED_MS, every: 20 }
    return until(what, () => look().catch(() => undefined), patient)
  }

  /** The nodes and their slots, as one node sees them. */
  async #view(node) {
    const ranges = await node.command('CLUSTER', 'SLOTS')
    return ranges.map(([first, last, ...addresses]) => {
      const [primary, ...replicas] = addresses.map(([, port]) => this.#at(port))
      return { first, last, primary, replicas }
    })
  }

  #at(port) {
    return this.nodes.find((node) => node.port === port)
  }
}

const isInSync = (replica) =>
  until('a replica has its data', async () => {
    const { master_link_status: link } = await replica.info('replication')
    return link === 'up' || undefined
  })

function serving(view, slot) {
  const range = view.find(({ first, last }) => first <= slot && slot <= last)
  if (!range) throw new Error(`nobody serves slot ${slot}`)
  return range
}
