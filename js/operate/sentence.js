// @ts-check

const { moment, span } = require('../command/terminal.js')
const { shown } = require('../command/shown.js')
const { kindOf } = require('./entry.js')

/**
 * What a get would answer, and why, in one sentence.
 * @param {any} about what was read
 * @param {string} text what was asked for
 * @param {import('./operator.js').Asked} operator
 */
function sentence(about, text, operator) {
  if (about.unknown) return unknown(text, operator)
  if (about.bytes === undefined) return absent(about, text, operator)
  if (about.broken) return `miss: the bytes that lie there are ${about.broken}`
  const { judged } = about
  const made = `the ${kindOf(about)} was generated at ${moment(about.createdMs)}`
  return `${HEAD[/** @type {'fresh'} */ (judged.verdict)]}: ${because(about, made)}${then(about)}`
}

const HEAD = { fresh: 'fresh', stale: 'stale', gone: 'miss' }

/** @param {any} about @param {string} made */
function because(about, made) {
  const { judged, table } = about
  const age = span(judged.ageSecs * 1e3)
  switch (judged.by) {
    case 'epoch':
      return `${made}, before Redis lost its table of invalidations, so nobody knows what was invalidated since`
    case 'floor':
      return `${made}, before everything was invalidated at ${at(judged.position)}`
    case 'no table':
      return `Redis has no table of invalidations, so no instance is connected to it`
    case 'tag':
      return byTag(judged, table, made)
    default:
  }
  if (judged.verdict === 'fresh') {
    const life =
      judged.freshSecs === null
        ? 'and no age makes it stale'
        : `and is stale after ${span(judged.freshSecs * 1e3)}`
    return `${made}, ${age} ago, ${life}, and no tag of it was invalidated since`
  }
  if (judged.verdict === 'stale') {
    return `${made}, ${age} ago, and its revalidate is ${span(about.revalidateSecs * 1e3)}`
  }
  if (judged.servedSecs !== null && judged.ageSecs > judged.servedSecs) {
    return `${made}, ${age} ago, and after ${span(judged.servedSecs * 1e3)} it is only kept for generations that fail`
  }
  const expire = about.expireSecs ?? about.longestLifeSecs
  return `${made}, ${age} ago, and it expires after ${span(expire * 1e3)}`
}

/** @param {any} judged @param {any} table @param {string} made */
function byTag({ verdict, tag, isSoft, position }, table, made) {
  const how = isSoft ? 'softly' : 'hard'
  const row = table.rows.find((/** @type {any} */ one) => one.tag === tag)
  const deadline = row?.deadlineMs ?? undefined
  const until =
    isSoft && deadline !== undefined
      ? verdict === 'gone'
        ? `, with a deadline that passed at ${moment(deadline)}`
        : `, and is gone at ${moment(deadline)}`
      : ''
  return `tag ${shown(tag)} was invalidated ${how} at ${at(position)}${until}; ${made}`
}

/** Positions are microseconds of the server's clock. @param {number} position */
const at = (position) => moment(position / 1e3)

/** @param {any} about */
function then({ lease, passMs, judged }) {
  if (lease) return `; instance ${lease.instance} is regenerating it since ${span(lease.ageMs)}`
  if (judged.verdict !== 'fresh' && passMs) return `; for ${span(passMs)} no get waits for another`
  if (judged.verdict === 'fresh') return ''
  return '; nobody is regenerating it'
}

/** @param {any} about @param {string} text @param {import('./operator.js').Asked} operator */
function absent({ lease, passMs }, text, operator) {
  if (lease) {
    return `miss: Redis holds nothing for ${shown(text)}; instance ${lease.instance} is generating it since ${span(lease.ageMs)}`
  }
  if (passMs) {
    return `miss: Redis holds nothing for ${shown(text)}, because its last generations stored nothing; for ${span(passMs)} no get waits for another`
  }
  const build = operator.build === undefined ? '' : ' for the build here'
  return `miss: Redis holds nothing for ${shown(text)}${text.startsWith('/') ? build : ''}: it was never stored, or has expired, or was evicted`
}

/** @param {string} text @param {import('./operator.js').Asked} operator */
function unknown(text, { place }) {
  return `unknown: where the page ${shown(text)} lies depends on the build, and there is none at ${place.serverDir}; set --dir, or TIERCEL_BUILD_NAME if instances have one`
}

module.exports = { sentence }
