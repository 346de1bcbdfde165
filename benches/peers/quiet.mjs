// @ts-check
/** The gate before each round: waits for a moment in which others leave the machine alone. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** A look at the machine. */
const LOOK_MS = 300
/** Others may take so much of all cores. */
const BUSY = 0.15

/** Time of all cores so far: in work, and in all. @returns {{ busy: number, all: number } | undefined} */
function cores() {
  try {
    const [line] = readFileSync('/proc/stat', 'utf8').split('\n')
    const ticks = line.split(/\s+/).slice(1).map(Number)
    const all = ticks.slice(0, 8).reduce((sum, one) => sum + one, 0)
    return { busy: all - ticks[3] - ticks[4], all }
  } catch {
    return undefined
  }
}

/**
 * Resolves with the share of the cores that others took in the last look: once it is small, or when
 * the patience is over.
 * @param {number} patienceMs
 */
export async function quietMoment(patienceMs) {
  const until = performance.now() + patienceMs
  for (;;) {
    const before = cores()
    await sleep(LOOK_MS)
    const after = cores()
    if (!before || !after) return 0
    const share = (after.busy - before.busy) / Math.max(1, after.all - before.all)
    if (share <= BUSY || performance.now() > until) return share
  }
}
