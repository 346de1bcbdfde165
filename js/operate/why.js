// @ts-check

const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { UsageError } = require('../command/usage.js')
const { folded, moment, out, outJson, paint, size, width } = require('../command/terminal.js')
const { shown } = require('../command/shown.js')
const { IMPLICIT, isAddress, partsOf, read, softTagsOf } = require('./entry.js')
const { facts } = require('./inspect.js')
const { must } = require('./operator.js')
const places = require('./place.js')
const { linesOf, recalled } = require('./recalled.js')
const { keyOfPath } = require('./routes.js')
const { sentence } = require('./sentence.js')

const MEMORY =
  'An instance may hold it in memory, too; that is judged by the same tags and ages, and is no fresher.'

/**
 * `tiercel why`.
 * @param {Record<string, any>} flags
 * @param {string[]} given
 */
async function why(flags, given) {
  const [text] = given
  if (given.length !== 1 || text === '') throw new UsageError('a path or a key is missing')
  const place = await places.find(flags)
  const answer = await explained(must(place, flags), text)
  const { said, isAnswered, output, invalidated: tags, remembered } = answer
  if (flags.json) {
    outJson(answer)
    return isAnswered ? 0 : 1
  }
  const parts = Object.entries(answer.parts)
  const [head, ...rest] = said.split(': ')
  const colour = head === 'fresh' ? 'green' : head === 'stale' ? 'yellow' : 'red'
  const lines = folded(`${head}: ${rest.join(': ')}`, width())
  out(lines.join('\n').replace(head, paint(colour, head)))
  if (parts.length > 0) {
    out(
      `\n${paint('dim', 'holds')}  ${parts.map(([name, bytes]) => `${shown(name)} ${size(bytes)}`).join(', ')}`,
    )
  }
  if (output) out(`${paint('dim', 'build')}  ${output}`)
  for (const row of tags) out(`${paint('dim', 'tag')}    ${invalidated(row)}`)
  out(`\n${linesOf(remembered).join('\n')}`)
  out(`\n${folded(MEMORY, width()).join('\n')}`)
  return isAnswered ? 0 : 1
}

/**
 * What a get would answer for a path or key, and why.
 * @param {import('./operator.js').Asked} operator
 * @param {string} text
 */
async function explained(operator, text) {
  const { about, value } = await read(operator, text)
  const parts = [...partsOf(about.kind, value)].map(([name, { bytes }]) => [name, bytes.length])
  return {
    said: sentence(about, text, operator),
    isAnswered: about.judged !== undefined && about.judged.verdict !== 'gone',
    output: outputOf(operator.place.serverDir, text),
    invalidated: /** @type {any[]} */ (about.table?.rows ?? (await rowsOf(operator, text))),
    parts: /** @type {Record<string, number>} */ (Object.fromEntries(parts)),
    entry: about.bytes === undefined ? null : facts(about),
    // An address says nothing to them.
    remembered: await recalled(operator, isAddress(text) ? (about.key ?? text) : text),
  }
}

/** Tags of a path that were ever invalidated, where there is no entry. */
async function rowsOf(
  /** @type {import('./operator.js').Asked} */ operator,
  /** @type {string} */ text,
) {
  if (!text.startsWith('/')) return []
  const { rows } = await operator.run('table', { tags: softTagsOf(text) })
  return rows
}

/** @param {any} row */
function invalidated({ tag, hard, soft, deadlineMs }) {
  const name = shown(tag.startsWith(IMPLICIT) ? `${tag} (of a path)` : tag)
  const at = (/** @type {number} */ position) => moment(position / 1e3)
  const said = [
    hard > 0 && `hard at ${at(hard)}`,
    soft > 0 && `softly at ${at(soft)}`,
    soft > 0 && deadlineMs && `gone at ${moment(deadlineMs)}`,
  ]
  return `${name} was invalidated ${said.filter(Boolean).join(', ')}`
}

/**
 * Whether the build has output for a path, which answers where Redis and memory have nothing.
 * @param {string} serverDir
 * @param {string} text
 */
function outputOf(serverDir, text) {
  if (!text.startsWith('/')) return undefined
  const key = keyOfPath(text)
  const files = ['app', 'pages'].flatMap((router) =>
    ['html', 'body'].map((type) => join(router, `${key}.${type}`)),
  )
  const found = files.find((file) => existsSync(join(serverDir, file)))
  return (
    found && `the build prerendered it: ${found}; that answers where memory and Redis hold nothing`
  )
}

module.exports = { why, explained, invalidated }
