// @ts-check

const { folded, note, out, outJson, paint, width } = require('../command/terminal.js')
const { shown } = require('../command/shown.js')
const app = require('./doctor/app.js')
const { problem } = require('./doctor/finding.js')
const keyspace = require('./doctor/keyspace.js')
const server = require('./doctor/server.js')
const { open } = require('./operator.js')
const places = require('./place.js')

/**
 * What doctor found.
 *
 * @typedef {object} Finding
 * @property {'fine' | 'hint' | 'problem'} level a problem hurts in production
 * @property {string} area
 * @property {string} text
 * @property {string} [cure] what to do about it
 */

const MARK = /** @type {const} */ ({ fine: 'ok', hint: '!', problem: 'x' })
const COLOUR = /** @type {const} */ ({ fine: 'green', hint: 'yellow', problem: 'red' })

/**
 * `tiercel doctor`.
 * @param {Record<string, any>} flags
 */
async function doctor(flags) {
  /** @type {Finding[]} */
  const findings = []
  const isLive = !flags.json
  /** @param {Finding[]} more */
  const add = (more) => {
    findings.push(...more)
    if (isLive) for (const one of more) if (flags.all || one.level !== 'fine') show(one)
  }
  await examine(flags, add)
  const count = (/** @type {string} */ level) =>
    findings.filter((one) => one.level === level).length
  const [problems, hints] = [count('problem'), count('hint')]
  if (flags.json) outJson({ problems, hints, findings })
  else note(summary(problems, hints, findings.length))
  return problems > 0 ? 1 : 0
}

/**
 * @param {Record<string, any>} flags
 * @param {(findings: Finding[]) => void} add
 */
async function examine(flags, add) {
  let place
  try {
    place = await places.find(flags)
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    if (!code?.startsWith('TIERCEL_')) throw error
    return add(app.unusable(code, message))
  }
  add(app.examine(place))
  let operator
  try {
    operator = open(place, flags)
  } catch (error) {
    const { message } = /** @type {Error} */ (error)
    return add([problem('options', plain(message), 'correct it; docs/options.md lists them')])
  }
  if (!operator) return add([app.alone()])
  const reached = await server.reach(operator)
  add(reached.findings)
  if (!reached.isReached) return
  add(await server.examine(operator))
  if (!flags['no-scan']) add(await keyspace.examine(operator))
}

/** @param {string} message */
const plain = (message) => message.replace(/^tiercel: /, '')

/** @param {Finding} finding */
function show({ level, area, text, cure }) {
  const head = `${paint(COLOUR[level], MARK[level].padEnd(2))} ${area.padEnd(9)} `
  const line = shown(`${text}${cure ? `: ${cure}` : ''}`, 2_000)
  const [first, ...more] = folded(line, width() - 13)
  out([head + first, ...more.map((rest) => ' '.repeat(13) + rest)].join('\n'))
}

/** @param {number} problems @param {number} hints @param {number} all */
function summary(problems, hints, all) {
  const looked = `${all} looks`
  if (problems + hints === 0) return `Nothing to do after ${looked}.`
  const plural = (/** @type {number} */ n, /** @type {string} */ what) =>
    `${n} ${what}${n === 1 ? '' : 's'}`
  return `${plural(problems, 'problem')} and ${plural(hints, 'hint')} after ${looked}.`
}

module.exports = { doctor }
