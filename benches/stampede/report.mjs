// @ts-check
/** The table. */
import { aligned } from '../handlers/report.mjs'

/**
 * @typedef {object} Figures
 * @property {string} what the case
 * @property {string} cache its name
 * @property {number} requests in all
 * @property {number} unanswered requests that did not get a 200
 * @property {number} generations
 * @property {number} [old] requests that got an earlier generation
 * @property {string} [newAt] the number of processes that show the new generation afterwards
 * @property {number} p50Ms
 * @property {number} slowestMs
 */

const HEAD = ['', 'cache', 'generations', 'p50 ms', 'slowest ms', 'old', 'new at', 'not answered']

/** @param {Figures[]} figures */
export function table(figures) {
  let last = ''
  const rows = figures.map((one) => {
    const what = one.what === last ? '' : one.what
    last = one.what
    return [
      ...[what, one.cache, String(one.generations)],
      ...[one.p50Ms, one.slowestMs].map((ms) => String(Math.round(ms))),
      ...[String(one.old ?? ''), one.newAt ?? '', String(one.unanswered || '')],
    ]
  })
  return aligned(HEAD, rows, [0, 1])
}

/**
 * @param {string} what
 * @param {string} cache
 * @param {Awaited<ReturnType<typeof import('../../tools/next/stampede.mjs').rush>>} outcome
 * @param {{ count: number, isCold?: boolean }} about `isCold`: there is nothing older to be shown
 * @returns {Figures}
 */
export function figuresOf(what, cache, { generations, old, newAt, replies }, { count, isCold }) {
  const times = replies.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  return {
    what,
    cache,
    requests: replies.length,
    unanswered: replies.filter(({ status }) => status !== 200).length,
    generations,
    ...(!isCold && { old, newAt: `${newAt} of ${count}` }),
    p50Ms: times[Math.floor((times.length - 1) / 2)],
    slowestMs: times.at(-1) ?? 0,
  }
}
