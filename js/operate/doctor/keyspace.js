// @ts-check

const { KEY_TAG } = require('../../abi.js')
const { Bar, size } = require('../../command/terminal.js')
const { fine, hint, problem } = require('./finding.js')
const { unexamined } = require('./server.js')

/** What lies under the namespace: of this app and build, of others, or of no use. */

/** @typedef {import('../doctor.js').Finding} Finding */

/** Keys that are looked at, of whatever namespace: ten seconds. */
const MOST = 200_000
const RATE = 20_000

/** @param {import('../operator.js').Asked} operator @returns {Promise<Finding[]>} */
async function examine(operator) {
  const { hasSecret, namespace } = operator.about()
  const seen = { all: 0, bytes: 0, old: 0, oldBytes: 0, unsigned: 0, isWhole: true }
  /** @type {Map<string, number>} */
  const broken = new Map()
  const labels = new Set()
  const bar = new Bar()
  try {
    const onProgress = (/** @type {number} */ done, /** @type {number} */ total) => {
      seen.isWhole = done < MOST || done === total
      bar.show(done, total, `${done} of ${total} keys`)
    }
    for await (const entry of operator.entries({ rate: RATE, most: MOST, onProgress })) {
      seen.all++
      seen.bytes += entry.bytes
      if (entry.broken) broken.set(entry.broken, (broken.get(entry.broken) ?? 0) + 1)
      else {
        if (entry.isOfBuild === false) {
          seen.old++
          seen.oldBytes += entry.bytes
        }
        if (hasSecret && !entry.isSigned) seen.unsigned++
        const label = labelOf(entry)
        if (label) labels.add(label)
      }
    }
  } catch (error) {
    const cure = 'give the user +scan, +getrange and +strlen, or set --no-scan'
    const finding = unexamined(error, 'keys', cure)
    return [{ ...finding, text: `the keys cannot be listed: ${finding.text}` }]
  } finally {
    bar.end()
  }
  return findings(operator, seen, broken, labels, namespace)
}

/** The app that a page is of, by the tag of its key. @param {any} entry @returns {string | undefined} */
function labelOf({ tags }) {
  const tag = tags.find((/** @type {string} */ one) => one.startsWith(KEY_TAG))
  return /^[\da-f]{8}:/.exec(tag?.slice(KEY_TAG.length) ?? '')?.[0]
}

/**
 * @param {import('../operator.js').Asked} operator
 * @param {{ all: number, bytes: number, old: number, oldBytes: number, unsigned: number, isWhole: boolean }} seen
 * @param {Map<string, number>} broken
 * @param {Set<string>} labels
 * @param {string} namespace
 * @returns {Finding[]}
 */
function findings({ place, build }, seen, broken, labels, namespace) {
  /** @type {Finding[]} */
  const all = [
    fine(
      'keys',
      `${seen.all} entries of ${namespace} take ${size(seen.bytes)}${seen.isWhole ? '' : `, as far as ${MOST} keys were looked at`}`,
    ),
  ]
  // Where no app is here, the only one that is there is not another.
  const isOfApp = place.config !== undefined || build !== undefined
  const others = [...labels].filter((label) => label !== place.label).length
  if (isOfApp ? others > 0 : labels.size > 1) {
    all.push(
      problem(
        'keys',
        `another app shares the namespace ${namespace}: an invalidation of the one reaches the other`,
        'give each a namespace of its own',
      ),
    )
  }
  if (seen.old > 0) {
    all.push(
      hint(
        'keys',
        `${seen.old} entries, ${size(seen.oldBytes)}, are of builds other than the one here`,
        'they expire by themselves; once no instance of those builds runs, tiercel purge --build old frees their memory',
      ),
    )
  }
  if (seen.unsigned > 0) {
    all.push(
      hint(
        'keys',
        `${seen.unsigned} entries are not signed, so instances with the secret take them for missing`,
        'they are replaced by and by; set the secret in every instance',
      ),
    )
  }
  for (const [what, count] of broken) {
    all.push(
      hint(
        'keys',
        `${count} ${count === 1 ? 'entry is' : 'entries are'} ${what}`,
        'to instances like this one they are missing',
      ),
    )
  }
  return all
}

module.exports = { examine }
