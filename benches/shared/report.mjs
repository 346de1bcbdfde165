// @ts-check
/** The tables. */
import { aligned } from '../handlers/report.mjs'

const micros = (/** @type {number} */ ns) => (ns / 1e3).toFixed(1)
const whole = (/** @type {number | undefined} */ number) =>
  number === undefined ? '' : Math.round(number).toLocaleString('en')
const times = (/** @type {number | undefined} */ ratio) =>
  ratio === undefined ? '' : `${ratio.toFixed(2)}x`
const yes = (/** @type {boolean | undefined} */ is) => (is === undefined ? '' : is ? 'yes' : 'no')

/** @param {import('./reads.mjs').Figures[]} figures */
export function readsTable(figures) {
  const head = ['', 'at once', 'by', 'per second', 'p50 us', 'p99 us', 'main thread us']
  head.push('ratio', 'all threads us', 'ratio', 'goal reached')
  const rows = figures.map((one) => [
    ...[one.what, String(one.width), one.subject, whole(one.perSecond)],
    ...[whole(one.p50), whole(one.p99), micros(one.main), times(one.ratio)],
    ...[micros(one.cpu), times(one.cpuRatio), yes(one.isReached)],
  ])
  return aligned(head, rows, [0, 2, 10])
}

/** @param {import('./invalidations.mjs').Latency[]} latencies */
export function invalidationsTable(latencies) {
  const head = ['entries', 'resolved ms', 'longest', 'seen elsewhere ms', 'longest']
  const rows = latencies.map(({ entries, ...ms }) => [
    whole(entries),
    ...Object.values(ms).map((one) => one.toFixed(2)),
  ])
  return aligned(head, rows, [])
}

/** @param {import('./invalidations.mjs').Trips[]} trips */
export function tripsTable(trips) {
  const rows = trips.map(({ what, commands }) => {
    const all = Object.entries(commands).map(([name, count]) => `${count.toFixed(2)} ${name}`)
    return [what, all.join(', ') || 'none']
  })
  return aligned(['', 'commands of one call'], rows, [0, 1])
}
