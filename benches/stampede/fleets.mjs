/** The processes of one app, by their cache. */
import { copyBuild } from '../../tools/next/builds.mjs'
import { startFleet } from '../../tools/next/fleet.mjs'
import { flood, quiet, subjects } from '../../tools/next/stampede.mjs'
import { startOrigin } from '../../tools/next/support.mjs'
import { pause } from '../../tools/time.mjs'

/** The time for Next's work after the response to an invalidation. */
const AFTER_RESPONSE_MS = 200

/**
 * The caches, by their names in the tables.
 *
 * @type {Record<string, { handler: 'tiercel' | 'builtin', isShared?: boolean }>}
 */
export const caches = {
  'Tiercel and Redis': { handler: 'tiercel', isShared: true },
  'Tiercel, memory': { handler: 'tiercel' },
  "Next's own": { handler: 'builtin' },
}

/** The build that all deploys of a run are copies of. It asks an origin of its own, without delay. */
export async function build(app, { handler }) {
  const asked = await startOrigin()
  await app.build({ handler }, asked)
  await asked.stop()
}

/**
 * Starts `count` processes of one deploy. Each has its own files, as in a container of its own: no
 * other process sees the writes of Next's own cache there.
 *
 * @param {object} app
 * @param {keyof typeof caches} cache
 * @param {{ count: number, first?: number, redis: object, deploy: string }} how `deploy` is the
 *   BUILD_ID, `first` how many processes it has already
 */
export async function deployed(app, cache, { count, first = 0, redis, deploy }) {
  const { handler, isShared } = caches[cache]
  const labels = []
  for (let nth = first; nth < first + count; nth++) {
    labels.push(await copyBuild(app, { handler }, `${deploy}-${nth}`, deploy))
  }
  const fleet = await startFleet(app, count, isShared ? redis : undefined, { handler, labels })
  if (handler === 'builtin') fleet.invalidate = invalidateOne
  return fleet
}

/** The work of Next's own cache after the response cannot be observed. */
async function invalidateOne(server, query) {
  await server.invalidate(query)
  await pause(AFTER_RESPONSE_MS)
}

/** Loads every route in every process before anything is measured. */
export async function warm(fleet, origin, layer) {
  const delayMs = origin.delayMs
  origin.delayMs = 0
  for (const { long, brief } of Object.values(subjects).filter(
    (subject) => subject.layer === layer,
  )) {
    for (const of of [long, brief]) if (of) await flood(fleet.servers, of('warm').path, 4)
  }
  await quiet(origin)
  origin.delayMs = delayMs
}
