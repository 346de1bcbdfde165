// @ts-check

const { cut, out, outJson, paint, span, table, width } = require('../../command/terminal.js')
const { must } = require('../operator.js')
const places = require('../place.js')
const { rowOf } = require('./figures.js')
const { heldOf, percentOf, stateOf } = require('./words.js')

const HEAD = ['instance', 'version', 'state', 'up', 'hit', 'memory', 'lag', 'build']
const RIGHT = [3, 4, 5, 6]
/** What is left for names where the terminal is narrow. */
const NAME = 22

/**
 * `tiercel instances`.
 * @param {Record<string, any>} flags
 */
async function instances(flags) {
  const operator = must(await places.find(flags), flags)
  /** @type {import('./figures.js').Fleet} */
  const fleet = await operator.run('snapshots')
  const { namespace, place } = operator.about()
  if (flags.json) {
    outJson({ namespace, place, ...fleet })
    return 0
  }
  const rows = fleet.instances.map((one) => cells(one, fleet.nowMs))
  if (rows.length > 0) out(table(HEAD, rows, { right: RIGHT }))
  const count = fleet.instances.length
  const what = count === 1 ? '1 instance' : `${count || 'no'} instances`
  out(paint('dim', `${what} of ${namespace} on ${place}${silence(fleet.silent.length)}`))
  return 0
}

/** Those that are listed and tell nothing. @param {number} count */
function silence(count) {
  if (count === 0) return ''
  const verb = count === 1 ? 'tells' : 'tell'
  return `; ${count} more ${verb} nothing: just started, gone without a word, or of an older version`
}

/** @param {import('./figures.js').Instance} instance @param {number} nowMs */
function cells(instance, nowMs) {
  const row = rowOf(instance, undefined, nowMs)
  return [
    cut(row.name, width() < 120 ? NAME : 60),
    cut(instance.version, 12),
    stateOf(row),
    span(row.upMs),
    percentOf(row.hitPercent),
    heldOf(row),
    span(row.lagMs),
    instance.build ?? '',
  ]
}

module.exports = { instances }
