// @ts-check
/** What calls cost, in the process that makes them. */
import { readFileSync } from 'node:fs'

/** CPU time of the main thread so far, in ns. */
function mainNs() {
  const own = /** @type {any} */ (process).threadCpuUsage?.()
  if (own) return (own.user + own.system) * 1e3
  try {
    // The kernel brings the sum up to date when the thread goes to sleep.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ', 1)[0])
  } catch {
    // Elsewhere: how long it was not idle, which includes waiting for a CPU.
    return performance.eventLoopUtilization().active * 1e6
  }
}

const cpuNs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1e3
}

/** The time of `body`: on the clock, of the main thread, of all threads; in ns.
 * @param {() => Promise<any>} body */
export async function costs(body) {
  const before = { main: mainNs(), cpu: cpuNs(), clock: performance.now() }
  await body()
  const clock = (performance.now() - before.clock) * 1e6
  return { clock, cpu: cpuNs() - before.cpu, main: mainNs() - before.main }
}
