// @ts-check
/** The servers of one subject, each behind a link of its own to Redis, and what one does with them. */
import { startOrigin } from '../../../tools/next/support.mjs'
import { startProxy } from '../../../tools/redis/proxy.mjs'
import { pause } from '../../../tools/time.mjs'
import { ASKED_BY_BUILDS, PATIENCE_MS, started } from './apps.mjs'
import { places } from './places.mjs'

export const PROCESSES = 3
/** Time for what happens after an answer, such as a write to Redis. */
export const SETTLE_MS = 400

/**
 * @typedef {import('./apps.mjs').App & { link: any }} Member `link`: its way to Redis
 * @typedef {keyof typeof places} Kind
 */

let lastSlug = 0

export class Fleet {
  /** @type {Member[]} */
  members = []

  /** @param {string} name a subject @param {any} redis @param {any} origin */
  constructor(name, redis, origin) {
    this.name = name
    this.redis = redis
    this.origin = origin
  }

  /** Three servers on an empty Redis. @param {string} name @param {any} redis */
  static async start(name, redis) {
    await redis.command('FLUSHALL')
    const fleet = new Fleet(name, redis, await startOrigin(ASKED_BY_BUILDS))
    const all = Array.from({ length: PROCESSES }, () => fleet.join())
    const failed = (await Promise.allSettled(all)).find(({ status }) => status === 'rejected')
    if (failed) {
      await fleet.stop()
      throw /** @type {PromiseRejectedResult} */ (failed).reason
    }
    // Each loads its routes and connects before anything is looked at.
    await Promise.all(fleet.members.map((member) => fleet.awake(member)))
    return fleet
  }

  /** One more server. @param {{ build?: string, isCut?: boolean }} [how] `isCut`: without its link */
  async join({ build, isCut = false } = {}) {
    const link = await startProxy({ port: this.redis.port })
    if (isCut) await link.refuse()
    const nth = `server-${++lastSlug}`
    try {
      const app = await started(this.name, { nth, redis: link, origin: this.origin, build })
      const member = { ...app, link }
      this.members.push(member)
      return member
    } catch (error) {
      await link.stop()
      throw error
    }
  }

  /** Ends those that a scenario has added. */
  async dismiss() {
    const added = this.members.splice(PROCESSES)
    await Promise.all(added.map((member) => member.stop()))
    await Promise.all(added.map(({ link }) => link.stop()))
  }

  async stop() {
    await Promise.all(this.members.map((member) => member.stop()))
    await Promise.all(this.members.map(({ link }) => link.stop()))
    await this.origin.stop()
  }

  /** @param {Member} member */
  async awake(member) {
    for (const kind of /** @type {Kind[]} */ (Object.keys(places))) {
      await this.ask(member, kind, `awake-${member.nth}`).catch(() => {})
    }
    await pause(SETTLE_MS)
  }

  /** A name that nothing was stored under. */
  slug() {
    return `s${++lastSlug}`
  }

  /** @param {Member} member @param {Kind} kind @param {string} slug */
  async ask(member, kind, slug) {
    const reply = await member.get(places[kind].path(slug))
    if (reply.status !== 200) throw new Error(`status ${reply.status}`)
    return reply
  }

  /** The number that the origin had given. @param {Member} member @param {Kind} kind @param {string} slug */
  async data(member, kind, slug) {
    return Number((await this.ask(member, kind, slug)).origin)
  }

  /** How it answers, whatever comes. @param {Member} member @param {string} path */
  async timed(member, path) {
    const begin = performance.now()
    const { status } = await member.get(path).catch(() => ({ status: 0 }))
    return { status, ms: performance.now() - begin }
  }

  /** Asks until each of them holds it; the newest data. @param {Kind} kind @param {string} slug @param {Member[]} members */
  async prime(kind, slug, members) {
    for (const member of members) {
      await this.ask(member, kind, slug)
      await pause(SETTLE_MS)
    }
    const held = await Promise.all(members.map((member) => this.data(member, kind, slug)))
    return Math.max(...held)
  }

  /** Hard, unless `how` says otherwise. @param {Member} member @param {Kind} kind @param {string} slug */
  async invalidate(member, kind, slug, how = '0') {
    const { tag, path, isPagesRouter } = places[kind]
    const reply = isPagesRouter
      ? await member.get(`/api/revalidate?path=${path(slug)}`)
      : await member.invalidate({ tag: tag(slug), how })
    if (reply.status !== 200) throw new Error(`the invalidation: status ${reply.status}`)
  }

  /**
   * How long one still gets data up to `old`.
   *
   * @param {Member} member @param {Kind} kind @param {string} slug @param {number} old
   * @returns {Promise<number | undefined>} ms; none: as long as one looked
   */
  async staleFor(member, kind, slug, old, within = PATIENCE_MS) {
    const begin = performance.now()
    while (performance.now() - begin < within) {
      const asked = performance.now()
      if ((await this.data(member, kind, slug)) > old) return asked - begin
      await pause(20)
    }
    return undefined
  }

  /** How often the origin was asked by servers. @param {Kind} kind @param {string} slug */
  asked(kind, slug) {
    return this.origin.count(places[kind].key(slug)) - ASKED_BY_BUILDS
  }
}
