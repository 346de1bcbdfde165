// @ts-check
/** What was observed, as a verdict and a few words. Nothing here asks a server. */

/**
 * `partly`: for some, or late. `fails`: an error in place of an answer.
 *
 * @typedef {'yes' | 'partly' | 'no' | 'fails'} Verdict
 *
 * @typedef {object} Outcome
 * @property {Verdict} verdict
 * @property {string} seen in a few words
 *
 * @typedef {object} Answer
 * @property {number} status 0: none came
 * @property {number} ms
 */

/** From best to worst. @type {Verdict[]} */
export const order = ['yes', 'partly', 'no', 'fails']

/** An invalidation that is seen within this time is prompt, ms. */
export const PROMPT_MS = 1_000
/** An answer within this time does not hang, ms. */
export const BEARABLE_MS = 3_000

/** @param {Verdict} verdict @param {string} seen @returns {Outcome} */
const outcome = (verdict, seen) => ({ verdict, seen })

/** @param {number} ms */
export const spoken = (ms) =>
  ms < 1_000 ? `${Math.round(ms)} ms` : `${Number((ms / 1_000).toFixed(1))} s`

/** @param {number} count @param {string} noun */
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`

/** Whether another instance answered with what the first one had generated. @param {boolean} isSame */
export const shared = (isSame) =>
  isSame ? outcome('yes', 'the same generation') : outcome('no', 'generated again')

/**
 * How soon new data was seen.
 *
 * @param {number | undefined} ms none: not as long as one looked
 * @param {number} patienceMs how long that was
 */
export function promptness(ms, patienceMs) {
  if (ms === undefined) return outcome('no', `stale for more than ${spoken(patienceMs)}`)
  if (ms < 5) return outcome('yes', 'new at once')
  if (ms <= PROMPT_MS) return outcome('yes', `new after ${spoken(ms)}`)
  return outcome('partly', `stale for ${spoken(ms)}`)
}

/**
 * What instances answered after an invalidation, if the data of before it has the number `old`.
 *
 * @param {number | undefined} old @param {(number | undefined)[]} after
 */
export function returned(old, after) {
  if (old === undefined || after.includes(undefined))
    return outcome('fails', 'no data in an answer')
  const stale = after.filter((value) => Number(value) <= old).length
  if (stale === 0) return outcome('yes', 'new data everywhere')
  return outcome('no', `old data on ${stale} of ${after.length}`)
}

/** The first answers after a fault: how many were old. @param {number} stale @param {number} all */
export function firstAnswers(stale, all) {
  if (stale === 0) return outcome('yes', `${all} of ${all} new`)
  return outcome('no', `${stale} of ${all} old`)
}

/** @param {number} generations @param {number} processes @param {number} requests */
export function stampede(generations, processes, requests) {
  const seen = `${counted(generations, 'generation')} of ${requests} requests`
  if (generations === 0) return outcome('fails', 'no generation')
  if (generations === 1) return outcome('yes', seen)
  return outcome(generations <= processes ? 'partly' : 'no', seen)
}

/** Whether all answers came in bearable time. @param {Answer[]} answers */
export function bearable(answers) {
  const broken = answers.filter(({ status }) => status !== 200)
  const slowest = Math.max(...answers.map(({ ms }) => ms))
  if (broken.some(({ status }) => status === 0))
    return outcome('fails', `none in ${spoken(slowest)}`)
  if (broken.length > 0)
    return outcome('fails', `${broken.length} of ${answers.length}: status ${broken[0].status}`)
  return outcome(slowest <= BEARABLE_MS ? 'yes' : 'no', `slowest answer ${spoken(slowest)}`)
}

/**
 * Whether an answer came back as it was.
 *
 * @param {string | undefined} wrong what is not, if anything @param {boolean} [isAgain] generated again
 */
export function intact(wrong, isAgain = false) {
  if (wrong !== undefined) return outcome('no', wrong)
  return isAgain ? outcome('partly', 'right, but generated again') : outcome('yes', 'as it was')
}

/** @param {number} bytes that went between the instance and Redis @param {number} hits */
export function quietness(bytes, hits) {
  const each = Math.round(bytes / hits)
  return outcome(each < 100 ? 'yes' : 'no', `${each} bytes a hit`)
}

/**
 * Several places under one scenario: the worst verdict, and what was seen at each.
 *
 * @param {Record<string, Outcome>} outcomes by the name of the place
 * @returns {Outcome}
 */
export function worst(outcomes) {
  const all = Object.entries(outcomes)
  if (all.length === 0) return outcome('fails', 'nothing to look at')
  const rank = (/** @type {Outcome} */ one) => order.indexOf(one.verdict)
  const least = all.reduce((last, [, one]) => (rank(one) > rank(last) ? one : last), all[0][1])
  const isMixed = all.some(([, one]) => one.verdict !== least.verdict)
  const verdict = isMixed && least.verdict === 'no' ? 'partly' : least.verdict
  const texts = new Set(all.map(([, one]) => one.seen))
  if (texts.size === 1) return outcome(verdict, all[0][1].seen)
  return outcome(verdict, all.map(([name, one]) => `${name}: ${one.seen}`).join('; '))
}
