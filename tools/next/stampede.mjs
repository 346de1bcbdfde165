/**
 * Many clients request one key at the same moment, and the origin counts its generations. The
 * requests go to the fixtures' routes `slow`, `brief`, `read`, `api/slow` and `api/cache`.
 */
import http from 'node:http'
import net from 'node:net'
import { shownIn, until } from './support.mjs'

/** The time after which a `brief` place is stale. */
const BRIEF_MS = 5_000
/** The origin is quiet when it gets no request for this long after its last answer. */
const QUIET_MS = 800
/** How long a request may take before it counts as not answered. */
const PATIENCE_MS = 20_000

const place = (path, key, tag = key) => ({
  path,
  key,
  tag,
  values: ({ generation, origin }) => [generation, origin],
})

const data = (of) => ({
  layer: 'isr',
  long: (name) => place(`/api/slow?of=${of}&name=${name}`, `${of}-${name}`),
  brief: (name) => place(`/api/slow?of=${of}&name=${name}&revalidate=5`, `${of}-${name}`),
})

const cached = (of, brief = of) => ({
  layer: 'use-cache',
  long: (name) => place(`/api/cache?of=${of}&name=${name}`, `${of}-${name}`),
  brief: (name) => place(`/api/cache?of=${brief}&name=${name}`, `${brief}-${name}`),
})

/**
 * Subjects of requests, by name, in a layer of the fixtures: `long` is fresh for long, `brief` is
 * stale after 5 s; with `events`, only those apply. `key` is the key at the origin.
 *
 * @type {Record<string, any>}
 */
export const subjects = {
  'ISR page': {
    layer: 'isr',
    long: (name) => place(`/slow/${name}`, `slow-${name}`, `_N_T_/slow/${name}`),
    brief: (name) => place(`/brief/${name}`, `brief-${name}`),
  },
  'ISR page of a fetch': {
    layer: 'isr',
    events: ['cold', 'soft', 'hard'],
    long: (name) => place(`/read/${name}`, `read-${name}`),
  },
  fetch: data('fetch'),
  unstable_cache: data('unstable'),
  "'use cache'": cached('slow', 'brief'),
  "'use cache: remote'": { ...cached('slowRemote'), events: ['cold'] },
}

/**
 * The reasons for a stampede. Each readies a place of a subject.
 *
 * `cold`: no process has it. `stale`: past its `revalidate`. `soft`, `hard`: after `revalidateTag`
 * with `'max'` and with `{ expire: 0 }`, called in one process.
 *
 * @type {Record<string, (fleet: any, subject: any, name: string) => Promise<ReturnType<typeof place>>>}
 */
export const events = {
  cold: async (_fleet, { long }, name) => long(name),
  stale: async (fleet, { brief }, name) => {
    const asked = brief(name)
    await fleet.primed(asked)
    const held = performance.now()
    const past = () => (performance.now() - held > 1.1 * BRIEF_MS ? true : undefined)
    await until(`${asked.path} is stale`, past)
    return asked
  },
  soft: (fleet, subject, name) => invalidated(fleet, subject.long(name), 'max'),
  hard: (fleet, subject, name) => invalidated(fleet, subject.long(name), 0),
}

async function invalidated(fleet, asked, how) {
  await fleet.primed(asked)
  await fleet.invalidate(fleet.servers[0], { tag: asked.tag, how }, asked.tag)
  return asked
}

/**
 * @typedef {object} Asked one request of many
 * @property {number} at the index of the server
 * @property {number} status 0 = not answered
 * @property {number} tookMs
 * @property {number} [origin] the origin's answer to the generation that was shown
 */

/**
 * Requests `path` from each of `servers` `requests` times, all together: the connections are open
 * before.
 *
 * @returns {Promise<Asked[]>}
 */
export async function flood(servers, path, requests) {
  const turns = Array.from({ length: requests }, () => servers.map((_, at) => at)).flat()
  const sockets = await Promise.all(turns.map((at) => opened(servers[at])))
  return Promise.all(turns.map((at, turn) => answered(servers[at], at, path, sockets[turn])))
}

function opened(server) {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.base)
    const socket = net.connect(Number(port), hostname, () => resolve(socket))
    socket.once('error', reject)
  })
}

async function answered(server, at, path, socket) {
  const begun = performance.now()
  const reply = await new Promise((resolve) => {
    const unanswered = () => resolve({ status: 0 })
    const signal = AbortSignal.timeout(PATIENCE_MS)
    const request = http.get(server.base + path, { createConnection: () => socket, signal })
    request.on('error', unanswered)
    request.on('response', async (response) => {
      const chunks = await response.toArray().catch(() => undefined)
      if (!chunks) return unanswered()
      const shown = shownIn(Buffer.concat(chunks).toString())
      resolve({ status: response.statusCode, ...shown })
    })
  })
  return { at, tookMs: performance.now() - begun, ...reply }
}

/**
 * Floods a place, waits until the origin is quiet, and looks at the place again.
 *
 * @param {{ servers: object[], all: Function }} fleet
 * @param {Awaited<ReturnType<typeof import('./support.mjs').startOrigin>>} origin
 * @param {ReturnType<typeof place>} asked
 * @param {number} requests at each server
 * @returns {Promise<{ generations: number, old: number, newAt: number, replies: Asked[] }>} `old`:
 *   the number of replies with an earlier generation; `newAt`: the number of servers that show a
 *   new one later
 */
export async function rush(fleet, origin, asked, requests) {
  const known = origin.count(asked.key)
  const replies = await flood(fleet.servers, asked.path, requests)
  await quiet(origin)
  const generations = origin.count(asked.key) - known
  const later = await flood(fleet.servers, asked.path, 1)
  const isOld = (reply) => reply.origin <= known
  return {
    generations,
    old: replies.filter(isOld).length,
    newAt: later.filter(({ origin }) => origin > known).length,
    replies,
  }
}

/** Resolves when the origin has had no request for a while, counted from now on. */
export function quiet(origin) {
  const begun = performance.now()
  return until('the origin is quiet', () => {
    const last = (origin.asked.at(-1)?.at ?? 0) + origin.delayMs
    return performance.now() - Math.max(last, begun) > QUIET_MS || undefined
  })
}
