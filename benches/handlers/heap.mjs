// @ts-check
/** The effect of a full cache on the process around it: garbage collection, delays, memory. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { drain, entryOf, streamOf, useKey } from './values.mjs'

/** @typedef {import('./subjects.mjs').Subject} Subject */

let held = 0
const chunk = new Uint8Array(2_000)

/**
 * Sets and gets `entries` entries of `size` bytes. The process called `empty` does the same without
 * keeping them.
 * @param {string} name
 * @param {Subject} subject
 * @param {number} entries
 * @param {number} size
 */
export async function fill(name, { use }, entries, size) {
  held = entries
  for (let n = 0; n < entries; n++) {
    // Each its own memory, not a piece of Node's pool, as bytes of a render are.
    const entry = entryOf(new Uint8Array(size).fill(n))
    if (name === 'empty') await drain(entry.value)
    else await use.set(useKey(n), Promise.resolve(entry))
  }
  if (name === 'empty') return
  for (let n = 0; n < entries; n++) await drain((await use.get(useKey(n), [])).value)
}

const gc = () => /** @type {any} */ (globalThis).gc()

/** @returns {number} ns of one full garbage collection */
export function fullGc() {
  const started = process.hrtime.bigint()
  gc()
  return Number(process.hrtime.bigint() - started)
}

/** @returns {Promise<number>} bytes of memory, once all garbage is gone */
export async function footprint() {
  for (let n = 0; n < 3; n++) {
    gc()
    await sleep(50)
  }
  return process.memoryUsage.rss()
}

/**
 * Every 2 ms: 40 gets and 4 sets, as of a server with 2 000 requests a second.
 * @param {string} name
 * @param {Subject} subject
 * @param {number} ms
 */
export async function load(name, { use }, ms) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const until = performance.now() + ms
  let turn = 0
  delay.enable()
  while (performance.now() < until) {
    for (let n = 0; n < 44; n++) {
      turn += 1
      const key = useKey((turn * 7_919) % held)
      if (n < 40) {
        await drain(name === 'empty' ? streamOf(chunk) : (await use.get(key, [])).value)
        continue
      }
      const entry = entryOf(new Uint8Array(2_000))
      if (name === 'empty') await drain(entry.value)
      else await use.set(key, Promise.resolve(entry))
    }
    await sleep(2)
  }
  delay.disable()
  return { p99: delay.percentile(99), max: delay.max }
}
