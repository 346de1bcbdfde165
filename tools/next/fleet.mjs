import { start as startServer } from '../redis/servers.mjs'
import { openFixture, startOrigin, until } from './support.mjs'

/** How often each promise is tried; thousands are for long runs. */
export const REPEATS = Number(process.env.TIERCEL_FLEET_REPEATS ?? 25)

/**
 * One place of an app: `values` of a reply name the generations in it and the origin's answers to
 * them, so that two replies with the same data share one.
 *
 * @typedef {object} Place
 * @property {string} path
 * @property {string} tag the tag to wait for when the place is invalidated
 * @property {(reply: import('./support.mjs').Reply) => unknown[]} values
 */

/** A page, or a route handler that answers as one. */
export const page = (path, tag) => ({
  path,
  tag,
  values: ({ generation, origin }) => [generation, origin],
})

/** A value of a route handler's JSON that is itself rendered per request. */
export const field = (path, tag, name) => ({
  path,
  tag,
  values: ({ text }) => [JSON.parse(text)[name]].flat(),
})

/** A value that names the origin's answer. */
export const asked = (path, tag) => ({
  path,
  tag,
  values: ({ text }) => [JSON.parse(text).value.origin],
})

/** A cached function and the one within it, by the tag of that. */
export const nested = (name) => ({
  path: `/api/cache?of=outer&name=${name}`,
  tag: `inner-${name}`,
  values: ({ text }) => Object.values(JSON.parse(text).value),
})

/**
 * Starts `count` processes of a built app on one server.
 *
 * @param {Awaited<ReturnType<typeof import('./support.mjs').openFixture>>} app
 * @param {number} count
 * @param {{ url: string } | undefined} redis none: each keeps to itself
 * @param {object} [how] as `app.start` takes it; with `labels` each has a build of its own
 */
export async function startFleet(app, count, redis, { env, labels = [], ...how } = {}) {
  const vars = { TIERCEL_REDIS_URL: redis?.url ?? 'none', ...env }
  const started = await Promise.allSettled(
    Array.from({ length: count }, (_, index) =>
      app.start({ ...how, ...(labels[index] && { label: labels[index] }), env: vars }),
    ),
  )
  const fleet = new Fleet(started.flatMap(({ value }) => (value ? [value] : [])))
  const failed = started.find(({ status }) => status === 'rejected')
  if (failed) {
    await fleet.stop()
    throw failed.reason
  }
  // From now on each process notes when invalidations resolve.
  await Promise.all(fleet.servers.map((server) => server.json('/api/watch')))
  if (redis) await fleet.connected()
  return fleet
}

/** More than the requests of any build. */
export const ASKED_BY_BUILDS = 1_000

/**
 * A built fixture with a server and an origin of its own; `stop` ends those. The data of the build
 * comes from an origin that counts from the beginning, since the files of a run share the build.
 *
 * @param {string} name a folder of `apps/`
 */
export async function openBuilt(name) {
  // Set up for a cache: otherwise every process prints a warning.
  const redis = await startServer('single', {
    settings: { maxmemory: '256mb', 'maxmemory-policy': 'volatile-lru' },
  })
  const origin = await startOrigin(ASKED_BY_BUILDS)
  const app = await openFixture(name, origin)
  const asked = await startOrigin()
  await app.build({}, asked)
  await asked.stop()
  const stop = async () => {
    await origin.stop()
    await redis.stop()
  }
  return { redis, origin, app, stop }
}

class Fleet {
  constructor(servers) {
    this.servers = servers
  }

  get log() {
    return this.servers.map((server) => server.log()).join('')
  }

  stop() {
    return Promise.all(this.servers.map((server) => server.stop()))
  }

  /** Resolves when each process has a lease, under which its memory may answer. */
  connected() {
    return until('every process has a lease', async () => {
      const all = await Promise.all(this.servers.map((server) => server.json('/api/stats')))
      return all.every(({ stats }) => stats.shared.leaseMs > 0) || undefined
    })
  }

  /** The replies of all processes for a place, at the same moment. @param {Place} place */
  all(place) {
    return Promise.all(this.servers.map((server) => look(server, place)))
  }

  /** Requests a place until every process answers from its cache, with a value it held before. */
  async primed(place) {
    const seen = new Set()
    await until(`every process holds ${place.path}`, async () => {
      const shown = await this.all(place)
      const isHeld = shown.every(({ values }) => values.every((value) => seen.has(value)))
      for (const { values } of shown) for (const value of values) seen.add(value)
      return isHeld || undefined
    })
    return seen
  }

  /**
   * Invalidates by a route handler of one process; resolves as soon as that is in effect, by the
   * notes of that process.
   *
   * @returns {Promise<number>} when, in ms since the epoch
   */
  async invalidate(server, query, tag) {
    const watched = () => server.json(`/api/watch?${new URLSearchParams({ tag })}`)
    const { at: last } = await watched()
    await server.invalidate(query)
    return until(`an invalidation of ${tag} is in effect`, resolved, { within: 5_000, every: 0 })

    async function resolved() {
      const { at, underWay } = await watched()
      return at > last && underWay === 0 ? at : undefined
    }
  }

  /**
   * Hard invalidations, again and again, each at another process. No request is under way when one
   * resolves; then all processes get a request together.
   *
   * @param {Place} place
   * @param {(server: object) => Promise<unknown>} invalidate resolves when it is in effect
   * @returns {Promise<{ answers: number, old: object[] }>} `old`: those older than an invalidation
   */
  async repeat(place, invalidate, times = REPEATS) {
    const outcome = { answers: 0, old: [] }
    for (let turn = 0; turn < times; turn++) {
      const before = await this.primed(place)
      const at = turn % this.servers.length
      await invalidate(this.servers[at])
      const shown = await this.all(place)
      outcome.answers += shown.length
      for (const [index, { values, cache }] of shown.entries()) {
        const old = values.filter((value) => before.has(value))
        if (old.length > 0) outcome.old.push({ turn, invalidatedAt: at, seenAt: index, old, cache })
      }
    }
    return outcome
  }

  /**
   * The same under load: every process gets requests without a pause, while one after the other
   * invalidates. Only an answer of the origin identifies old data there.
   *
   * Next joins a request to a render of the same page that is under way, and that one may have begun
   * before the invalidation resolved. Such answers are not the cache's, and are listed apart.
   *
   * @param {Place} place
   * @param {object} query
   * @param {() => number} count how often the origin has answered
   * @param {number} times
   */
  async repeatUnderLoad(place, query, count, times) {
    await this.primed(place)
    const requests = []
    let isOver = false
    const load = this.servers.flatMap((server, index) =>
      [1, 2].map(async () => {
        while (!isOver) requests.push({ index, ...(await timed(server, place)) })
      }),
    )
    const invalidations = []
    for (let turn = 0; turn < times; turn++) {
      const known = count()
      const asked = Date.now()
      const at = await this.invalidate(this.servers[turn % this.servers.length], query, place.tag)
      invalidations.push({ known, at, tookMs: at - asked })
    }
    isOver = true
    await Promise.all(load)
    return judged(requests, invalidations)
  }

  /**
   * Soft invalidations under load, pages and navigations of the client-side router: each time until
   * every process shows a later generation. Any answer with an error fails it.
   *
   * @param {Place} place
   * @param {() => number} count how often the origin has answered
   * @param {number} times
   * @returns {Promise<number>} the number of answers
   */
  async renewUnderLoad(place, count, times) {
    await this.primed(place)
    let answers = 0
    let isOver = false
    const load = this.servers.flatMap((server) =>
      ['get', 'get', 'navigate'].map(async (how) => {
        while (!isOver) {
          await look(server, place, how)
          answers++
        }
      }),
    )
    const renewals = async () => {
      for (let turn = 0; turn < times; turn++) {
        const known = count()
        const server = this.servers[turn % this.servers.length]
        await this.invalidate(server, { tag: place.tag, how: 'max' }, place.tag)
        await until(`what is newer than ${known} is shown everywhere`, async () => {
          const shown = (await this.all(place)).map(({ values }) => values.filter(Number.isFinite))
          return shown.every((values) => Math.max(...values) > known) || undefined
        })
      }
    }
    try {
      await Promise.race([renewals(), ...load])
    } finally {
      isOver = true
      await Promise.all(load)
    }
    return answers
  }
}

async function look(server, place, how = 'get') {
  const reply = await server[how](place.path)
  if (reply.status !== 200) throw new Error(`${place.path}: ${reply.status}\n${server.log()}`)
  const values = place.values(reply).filter((value) => value !== undefined)
  if (values.length === 0) throw new Error(`${place.path} shows nothing:\n${reply.text}`)
  return { values, cache: reply.cache, control: reply.control }
}

async function timed(server, place) {
  const begin = Date.now()
  const { values } = await look(server, place)
  return { begin, end: Date.now(), origin: Math.max(...values.filter(Number.isFinite)) }
}

function judged(requests, invalidations) {
  const outcome = { answers: 0, old: [], joined: 0 }
  for (const request of requests) {
    const last = invalidations.findLast(({ at }) => at < request.begin)
    if (!last) continue
    outcome.answers++
    if (request.origin > last.known) continue
    const isJoined = requests.some(
      ({ index, begin, end }) =>
        index === request.index && begin <= last.at && end >= request.begin,
    )
    if (isJoined) outcome.joined++
    else outcome.old.push({ ...request, ...last })
  }
  return outcome
}
