/** A deploy under load: the instances of one build are replaced by those of the next, one by one. */

import { warm } from '../../js/warm/warm.js'
import { flood, subjects } from '../../tools/next/stampede.mjs'
import { pause } from '../../tools/time.mjs'
import { deployed } from '../stampede/fleets.mjs'

/** Load before the first switch, between switches, and after the last one. */
const BEFORE_MS = 3_000
const BETWEEN_MS = 2_000
const AFTER_MS = 7_000

/**
 * @typedef {object} Rollout
 * @property {number[]} asked when requests reached the origin, in ms since the load began
 * @property {number[]} switches when an instance was replaced
 * @property {number} endedMs
 * @property {{ at: number, status: number, tookMs: number }[]} replies
 */

/** Half of the pages wait for the origin themselves, the others for a fetch that is cached. */
export function pagesOf(count) {
  const kinds = [subjects['ISR page'].long, subjects['ISR page of a fetch'].long]
  return Array.from({ length: count }, (_, nth) => kinds[nth % 2](`page-${nth}`).path)
}

/**
 * @param {any} app
 * @param {string} cache
 * @param {{ count: number, pages: string[], perSecond: number, isWarmed?: boolean, origin: any,
 *   redis: any }} how `isWarmed`: a new instance gets a request for every page before its traffic
 * @returns {Promise<Rollout>}
 */
export async function rollout(app, cache, { count, pages, perSecond, isWarmed, origin, redis }) {
  const fleets = []
  const start = async (of) => {
    fleets.push(await deployed(app, cache, { redis, ...of }))
    return fleets.at(-1).servers
  }
  try {
    const instances = [...(await start({ count, deploy: 'before' }))]
    // Every instance answers every page once, as after hours of traffic.
    for (const page of pages) await flood(instances, page, 1)
    const begun = performance.now()
    const load = startLoad(instances, pages, perSecond)
    const switches = []
    await pause(BEFORE_MS)
    for (let nth = 0; nth < count; nth++) {
      const [next] = await start({ count: 1, first: nth, deploy: 'after' })
      if (isWarmed) await warm({ base: next.base, paths: pages })
      const [last] = instances.splice(nth, 1, next)
      switches.push(performance.now() - begun)
      await pause(BETWEEN_MS)
      // By now no request waits for it any more.
      await last.stop()
    }
    await pause(AFTER_MS - BETWEEN_MS)
    const replies = await load.stop()
    const asked = origin.asked.map(({ at }) => at - begun).filter((at) => at >= 0)
    return { asked, switches, endedMs: performance.now() - begun, replies }
  } finally {
    await Promise.all(fleets.map((fleet) => fleet.stop()))
  }
}

/** Requests at an even pace, each page at each instance in turn. */
function startLoad(instances, pages, perSecond) {
  const begun = performance.now()
  const replies = []
  let nth = 0
  const send = async () => {
    const due = Math.floor(((performance.now() - begun) / 1000) * perSecond)
    for (; nth < due; nth++) {
      // One further with each round of pages, so that no instance has pages of its own.
      const turn = nth + Math.floor(nth / pages.length)
      const at = performance.now() - begun
      const reply = flood([instances[turn % instances.length]], pages[nth % pages.length], 1)
      replies.push(
        reply.then(
          ([{ status, tookMs }]) => ({ at, status, tookMs }),
          () => ({ at, status: 0, tookMs: 0 }),
        ),
      )
    }
  }
  const timer = setInterval(send, 10)
  return {
    stop: () => {
      clearInterval(timer)
      return Promise.all(replies)
    },
  }
}
