// @ts-check
/** All workloads for all subjects, interleaved: a round has one sample of each, subjects in turn. */
import { quietMoment } from './quiet.mjs'
import { Failed } from './samples.mjs'
import { sumOf } from './statistics.mjs'
import { subjects } from './subjects.mjs'

/**
 * @typedef {import('./workloads.mjs').Workload} Workload
 * @typedef {import('./workloads.mjs').Measure} Measure
 * @typedef {import('./statistics.mjs').Sum} Sum
 *
 * @typedef {Measure & { sums: Record<string, Sum> }} Result by subject
 *
 * @typedef {object} Chosen
 * @property {Workload} workload
 * @property {string} name of the subject
 * @property {Set<string>} measures
 */

/** Whether all words are in a text, in any order. @param {string} only @param {string} text */
export const isWanted = (only, text) =>
  only.split(/\s+/).every((word) => text.toLowerCase().includes(word.toLowerCase()))

/** @param {import('./subjects.mjs').Subject} subject @param {Workload} workload */
const takesPart = ({ interfaces, isBare }, { by, invalidates }) =>
  interfaces.includes(by) && !(isBare && invalidates)

/** @param {Workload[]} workloads @param {string} only @returns {Chosen[]} */
export function choose(workloads, only) {
  return workloads.flatMap((workload) =>
    Object.entries(subjects)
      .filter(([, subject]) => takesPart(subject, workload))
      .map(([name]) => {
        const wanted = workload.measures.filter((one) => isWanted(only, `${one.name} ${name}`))
        return { workload, name, measures: new Set(wanted.map((one) => one.name)) }
      })
      .filter(({ measures }) => measures.size > 0),
  )
}

/** Figures and failures as they come, by measure and subject. */
class Book {
  /** @type {Map<string, Map<string, { figures: any[], fails: string[] }>>} */
  #entries = new Map()

  /** @param {string} measure @param {string} name */
  of(measure, name) {
    const all = this.#entries.get(measure) ?? new Map()
    this.#entries.set(measure, all)
    const one = all.get(name) ?? { figures: [], fails: [] }
    all.set(name, one)
    return one
  }

  /** @param {Measure[]} measures @returns {Result[]} */
  results(measures) {
    const known = new Map(measures.map((one) => [one.name, one]))
    return [...known.values()].flatMap((measure) => {
      const all = this.#entries.get(measure.name)
      if (!all) return []
      const inOrder = Object.keys(subjects).filter((name) => all.has(name))
      const sums = inOrder.map((name) => {
        const { figures, fails } = this.of(measure.name, name)
        return [name, sumOf(figures, fails)]
      })
      return [{ ...measure, sums: Object.fromEntries(sums) }]
    })
  }
}

/**
 * @param {Workload[]} workloads
 * @param {object} how
 * @param {string} how.only
 * @param {any} how.server
 * @param {import('./workloads.mjs').Effort} how.effort
 * @param {number} how.patienceMs for a quiet moment
 * @param {number} how.budgetMs no further round that would end later is begun
 * @param {(text: string) => void} how.say
 * @returns {Promise<{ results: Result[], rounds: number, others: number[] }>} `others` is what other
 *   programs took of the machine before the samples of a workload
 */
export async function measureAll(workloads, { only, server, effort, patienceMs, budgetMs, say }) {
  const book = new Book()
  const chosen = choose(workloads, only)
  const begun = performance.now()
  /** @type {number[]} */
  const others = []
  const last = Math.max(...Object.values(effort.rounds))
  let oftenMs = 0
  let round = 0
  for (; round < last; round++) {
    if (round > 0 && performance.now() - begun + oftenMs > budgetMs) break
    oftenMs = 0
    for (const workload of workloads) {
      if (round >= effort.rounds[workload.rounds]) continue
      const all = chosen.filter((one) => one.workload === workload)
      if (all.length === 0) continue
      say(`… round ${round + 1} of ${effort.rounds[workload.rounds]}: ${workload.measures[0].name}`)
      const from = performance.now()
      others.push(await quietMoment(patienceMs))
      // Each goes first in turn.
      for (let step = 0; step < all.length; step++) {
        await sampled(all[(round + step) % all.length], { book, server, effort })
      }
      if (workload.rounds === 'often') oftenMs += performance.now() - from
    }
  }
  return {
    results: book.results(workloads.flatMap(({ measures }) => measures)),
    rounds: round,
    others,
  }
}

/** @param {Chosen} chosen @param {{ book: Book, server: any, effort: any }} on */
async function sampled({ workload, name, measures }, { book, server, effort }) {
  await server.command('FLUSHALL')
  const open = new Set(measures)
  /** @param {string} measure @param {(at: { figures: any[], fails: string[] }) => void} note */
  const noted = (measure, note) => {
    if (!measures.has(measure)) return
    open.delete(measure)
    note(book.of(measure, name))
  }
  try {
    await workload.sample({
      ...{ name, server, effort },
      report: (measure, figure) => noted(measure, ({ figures }) => figures.push(figure)),
      fail: (measure, why) => noted(measure, ({ fails }) => fails.push(why)),
    })
  } catch (error) {
    if (!(error instanceof Failed)) throw error
    for (const measure of open) book.of(measure, name).fails.push(error.message)
  }
}
