/** Fleets behind proxies, and rounds that count what is older than it may be. */

import { startProxy } from '../../../tools/redis/proxy.mjs'
import { start } from '../../../tools/redis/servers.mjs'
import { until } from '../../unit/support.mjs'
import { connected, newName, REPEATS, team } from '../instances.mjs'
import { kinds } from '../kinds.mjs'

/** How long an invalidation may take when somebody is silent: one lease to record, one to wait. */
export const RESOLVED_MS = 2_100
/** No promise given to Next.js takes longer; the rest is for the test's own machine. */
export const SETTLED_MS = 2_500 + 400

/**
 * What is promised without an exception: that an invalidation is recorded, else it rejects, and that
 * memory does not answer while the server is away. By default both make room for an outage, and a
 * loaded machine may take its own slowness for one.
 */
export const STRICT = {
  TIERCEL_ON_INVALIDATION_FAILURE: 'reject',
  TIERCEL_OUTAGE_SERVE_MS: '0',
}

/** Invalidates, again and again until it is recorded. */
export const invalidated = (by, tags) =>
  until('it is recorded', () =>
    by.invalidate(tags).then(
      () => true,
      (error) => {
        if (error.code !== 'TIERCEL_NOT_RECORDED') throw error
      },
    ),
  )

/**
 * A server, and instances that reach it through a proxy each. All of it ends with the test.
 *
 * @param {number} count
 * @param {{ env?: Record<string, string>, envOf?: (n: number) => Record<string, string>,
 *   server?: any, options?: any, isReady?: boolean }} [how] `server`: one that runs already
 */
export async function proxied({ onTestFinished }, count, how = {}) {
  const { env = {}, envOf = () => ({}), options, isReady = true } = how
  const server = how.server ?? (await start('single', options))
  if (!how.server) onTestFinished(() => server.stop())
  const proxies = await Promise.all(Array.from({ length: count }, () => startProxy(server)))
  onTestFinished(() => Promise.all(proxies.map((proxy) => proxy.stop())).then(() => {}))
  const namespace = newName('fleet')
  const envs = { TIERCEL_NAMESPACE: namespace, ...env }
  const urlOf = (n) => ({ TIERCEL_REDIS_URL: proxies[n].url, ...envOf(n) })
  const fleet = await team(count, envs, urlOf)
  onTestFinished(() => fleet.stop())
  if (isReady) await Promise.all([...fleet].map(connected))
  return { server, proxies, fleet, namespace }
}

/** Instances on a server without anything between. All of them end with the test. */
export async function direct({ onTestFinished }, server, count, env = {}) {
  const namespace = newName('fleet')
  const url = { TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: namespace }
  const fleet = await team(count, { ...url, ...env })
  onTestFinished(() => fleet.stop())
  await Promise.all([...fleet].map(connected))
  return { fleet, namespace }
}

/** The ways in which a tag belongs to a get: by the entry, or by who asks. */
const FORMS = [
  ['fetch', 'own'],
  ['page', 'own'],
  ['use cache', 'own'],
  ['fetch', 'asked'],
  ['use cache', 'asked'],
]

/** One key with one tag. Its body is the number of the round it was generated in. */
export class Lane {
  #kind
  #key = newName('key')
  #isOwn
  round = 0
  tag = newName('tag')

  constructor(n) {
    const [what, where] = FORMS[n % FORMS.length]
    this.#kind = kinds[what]
    this.#isOwn = where === 'own'
    this.name = `${what}, tag of ${this.#isOwn ? 'the entry' : 'who asks'}`
  }

  read(by) {
    return this.#kind.read(by, this.#key, this.#isOwn ? [] : [this.tag])
  }

  generate(by) {
    return this.#kind.set(by, this.#key, String(this.round), this.#isOwn ? ['all', this.tag] : [])
  }

  /** Has the next generation made, and waits until all of `fleet` answer with it. */
  async spread(fleet, by = fleet[0]) {
    this.round++
    await this.generate(by)
    const wanted = String(this.round)
    for (const one of fleet) {
      let misses = 0
      await until(`${this.name}: ${wanted} is everywhere`, async () => {
        const found = await this.read(one)
        if (found === wanted) return true
        // As an app does; the others only when what was written is lost.
        if (found === undefined && (one === by || ++misses % 20 === 0)) await this.generate(one)
      })
    }
  }

  /** How many of `fleet` answer with what is of this round or older. */
  async countOld(fleet) {
    const answers = await Promise.all(fleet.map((one) => this.read(one)))
    return answers.filter((answer) => answer !== undefined).length
  }
}

export const lanes = (count) => Array.from({ length: count }, (_, n) => new Lane(n))

/**
 * Rounds of: everybody holds a value, one instance invalidates it, everybody is asked. Lanes go on
 * independently of each other.
 *
 * @returns {Promise<{ old: number, invalidations: number }>} `old` must be 0
 */
export async function rounds(fleet, { count, rounds: wanted, meanwhile = async () => {} }) {
  const told = { old: 0, invalidations: 0 }
  const run = async (lane, n) => {
    for (let round = 0; round < wanted * REPEATS; round++) {
      const [by, other] = [n + round, n + 2 * round + 1].map((m) => fleet[m % fleet.length])
      await lane.spread(fleet, by)
      await meanwhile(round, n)
      await invalidated(other, [lane.tag])
      told.old += await lane.countOld(fleet)
      told.invalidations++
    }
  }
  await Promise.all(lanes(count).map(run))
  return told
}
