// @ts-check
import { setTimeout as pause } from 'node:timers/promises'

/** Resolves after this many ms. */
export { pause }

/**
 * Calls `probe` until it returns something other than `undefined` and `null`, which is what a get that
 * finds nothing returns; fails after `within` ms.
 *
 * @template T
 * @param {string} what
 * @param {() => T | undefined | null | Promise<T | undefined | null>} probe
 * @param {{ within?: number, every?: number }} [patience] in ms
 * @returns {Promise<T>}
 */
export async function until(what, probe, { within = 25_000, every = 5 } = {}) {
  const end = performance.now() + within
  for (;;) {
    const found = await probe()
    if (found !== undefined && found !== null) return found
    if (performance.now() > end) throw new Error(`not within ${within} ms: ${what}`)
    await pause(every)
  }
}
