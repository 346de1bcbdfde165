/** Gets as an app makes them: each in a request of its own, which generates what it is told to. */
import { until } from '../../unit/support.mjs'
import { arrives, connected, keysOf, newName, team } from '../instances.mjs'
import { isStale, kinds, untagged } from '../kinds.mjs'

/** How long gets wait by default, unlike those of other tests. */
export const PATIENT = { TIERCEL_WAIT_MS: '2200', TIERCEL_FETCH_WAIT_MS: '1200' }

export const everyKind = Object.entries({ ...kinds, ...untagged })

/** How each kind may become stale: by its age, by a tag of its own, by a tag of who asks. */
export const WAYS = [
  ...everyKind.map(([what]) => [what, 'age']),
  ...Object.keys(kinds).map((what) => [what, 'its tag']),
  ['fetch', "the asker's tag"],
  ['use cache', "the asker's tag"],
]

/**
 * So many instances on a server, whose gets wait for each other. They end with the test.
 *
 * @param {{ env?: Record<string, string>, envOf?: (n: number) => Record<string, string>,
 *   cwd?: string }} [how] `cwd`: the app they are instances of
 */
export async function crowd({ onTestFinished }, server, count, how = {}) {
  const { env = {}, envOf = () => ({}), cwd } = how
  const namespace = newName('crowd')
  const common = { TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: namespace, ...PATIENT, ...env }
  const fleet = await team(count, common, envOf, { cwd })
  onTestFinished(() => fleet.stop())
  // A build and `next dev` are on their own.
  const isShared = (n) => Object.keys(envOf(n)).length === 0
  await Promise.all([...fleet].filter((_, n) => isShared(n)).map(connected))
  return Object.assign(fleet, { server, namespace })
}

/** The keys of a crowd's entries on the server, `ending` with that. */
export async function keysOfEntries({ server, namespace }, ending = '}') {
  const keys = await keysOf(server, namespace)
  return keys.filter(({ key }) => key.startsWith(`${namespace}:`) && key.endsWith(ending))
}

/** One key, and how it is asked for and generated. */
export class Lane {
  key = newName('key')
  tag = newName('tag')
  /** Those of the entry. */
  tags = [this.tag]
  asked = newName('asked')

  /** @param {string} what the name of a kind */
  constructor(what) {
    this.kind = kinds[what] ?? untagged[what]
    this.isPlural = what === 'use cache'
    /** Whether who asks has tags of their own. */
    this.soft = ['fetch', 'use cache'].includes(what) ? [this.asked] : []
  }

  /** @param {{ revalidate?: number, expire?: number }} [life] */
  store(by, body, life) {
    return this.kind.set(by, this.key, body, this.tags, life)
  }

  /** Stores it at the first of a crowd, and waits until it is in the memory of `holders`. */
  async spread(fleet, body, { holders = [...fleet], life } = {}) {
    await this.store(fleet[0], body, life)
    // Whoever reads before it is written is the one to generate it.
    await until('it is written', async () => (await keysOfEntries(fleet))[0])
    for (const by of holders) await arrives(this.kind, by, this.key, this.soft)
  }

  read(by) {
    return this.kind.read(by, this.key, this.soft)
  }

  /** A visit that asks; `more` of the context of the get. */
  async ask(by, more) {
    return (await this.visit(by)).ask(more)
  }

  /** A visit that has not asked yet; `context` is what the constructor of the handler is told. */
  async visit(by, context) {
    return new Visit(this, by, this.isPlural ? by : await by.request(context))
  }

  /** So many visits at each of the instances, all at once. */
  async visits(fleet, times = 3) {
    const everybody = [...fleet].flatMap((by) => Array.from({ length: times }, () => by))
    const visits = await Promise.all(everybody.map((by) => this.visit(by)))
    await Promise.all(visits.map((visit) => visit.ask()))
    return visits
  }
}

/** One request for one key. */
export class Visit {
  /** What it found; `undefined` for nothing, and before it has asked. */
  terms
  /** Whether Next.js is told that it is stale. */
  isStale = false

  constructor(lane, by, request) {
    this.lane = lane
    this.by = by
    this.request = request
  }

  get body() {
    return this.terms?.body
  }

  async ask(more) {
    const { kind, key, soft } = this.lane
    this.terms = await kind.terms(this.request, key, soft, more)
    // Where it is to be generated, that begins now.
    this.began = await this.by.now()
    this.isStale = this.terms !== undefined && isStale(this.terms, this.began)
    return this
  }

  /** Ends the generation that began when it was told to generate. */
  generate(body, life) {
    const { kind, key, tags, isPlural } = this.lane
    const given = isPlural ? { ...life, timestamp: this.began } : life
    return kind.set(this.request, key, body, tags, given)
  }
}

/** What all instances have counted of leases. */
export async function counted(fleet) {
  const all = await Promise.all([...fleet].map((one) => one.stats()))
  const names = Object.keys(all[0].leases)
  const sum = (name) => all.reduce((total, { leases }) => total + leases[name], 0)
  return Object.fromEntries(names.map((name) => [name, sum(name)]))
}
