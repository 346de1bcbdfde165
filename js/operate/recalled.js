// @ts-check

const { cut, folded, moment, paint, span, table, width } = require('../command/terminal.js')

/**
 * What the instances of a fleet remember about something.
 *
 * @typedef {import('../../index.js').Recollection} Recollection
 * @typedef {import('../../index.js').FleetDecision} FleetDecision
 * @typedef {Recollection & { trouble?: string }} Recalled
 */

/** Decisions that are shown to a reader. */
const MOST_LINES = 20
/** Names of instances in a line. */
const MOST_NAMES = 5
/** The width from which there is room for what a decision is about. */
const WIDE = 120

/**
 * Asks all instances. One that cannot ask says why, and nothing else suffers.
 * @param {import('./operator.js').Asked} operator
 * @param {string} of
 * @returns {Promise<Recalled>}
 */
async function recalled(operator, of) {
  try {
    return await operator.run('accounts', { of })
  } catch (error) {
    const trouble = /** @type {Error} */ (error).message
    return { decisions: [], instances: [], silent: [], trouble }
  }
}

/**
 * For a reader, the oldest first.
 * @param {Recalled} recalled
 * @returns {string[]}
 */
function linesOf({ decisions, instances, silent, trouble }) {
  if (trouble) return folded(`the instances could not be asked: ${trouble}`, width())
  const lines = [paint('dim', headOf(decisions, instances))]
  if (decisions.length > 0) lines.push(tableOf(decisions.slice(0, MOST_LINES).reverse()))
  if (silent.length > 0) lines.push(...folded(silence(silent), width()))
  return lines
}

/** @param {FleetDecision[]} decisions @param {Recollection['instances']} instances */
function headOf(decisions, instances) {
  if (instances.length === 0) return 'no instance answers'
  const of = instances.length === 1 ? '1 instance' : `${instances.length} instances`
  if (instances.every(({ remembers }) => remembers === 0)) {
    const verb = instances.length === 1 ? 'remembers' : 'remember'
    return `${of} ${verb} no decisions: the option \`decisions\` is 0`
  }
  const found = instances.reduce((sum, one) => sum + one.found, 0)
  if (found === 0) return `none of ${of} remembers a decision about it`
  const last = Math.min(MOST_LINES, decisions.length)
  return `decisions of ${of} about it: ${last < found ? `the last ${last} of ${found}` : found}`
}

/** @param {string[]} silent */
function silence(silent) {
  const names = silent.slice(0, MOST_NAMES).map((name) => cut(name, 64))
  if (silent.length > MOST_NAMES) names.push(`${silent.length - MOST_NAMES} more`)
  const verb = silent.length === 1 ? 'does' : 'do'
  return `${names.join(', ')} ${verb} not answer within a second: busy, gone without a word, or of an older version`
}

/** @param {FleetDecision[]} decisions */
function tableOf(decisions) {
  const isWide = width() >= WIDE
  const head = ['time', 'instance', 'call', 'result', ...(isWide ? ['of'] : []), 'why']
  const rows = decisions.map((one) => {
    const tier = one.tier === 'none' ? '' : ` ${one.tier}`
    const of = isWide ? [cut(one.subject ?? one.key, 40)] : []
    return [
      timeOf(one.time),
      cut(one.instance, isWide ? 32 : 16),
      cut(one.call, 10),
      cut(one.outcome + tier, 24),
      ...of,
      whyOf(one),
    ]
  })
  return table(head, rows)
}

/** @param {number} ms */
const timeOf = (ms) => `${moment(ms)}.${String(Math.floor(ms) % 1e3).padStart(3, '0')}`

/** @param {FleetDecision} decision */
function whyOf({ reason, lease, waitedFor, ms }) {
  const waited = waitedFor?.length ? `waited for ${waitedFor.join(', ')}` : ''
  return [reason, lease, waited, ms === undefined ? '' : span(ms)].filter(Boolean).join('; ')
}

module.exports = { recalled, linesOf }
