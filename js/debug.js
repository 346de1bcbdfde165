// @ts-check

const { isMainThread } = require('node:worker_threads')

/**
 * @typedef {import('../index.js').Decision} Decision
 * @typedef {(decision: Decision) => void} Sink
 */

/** Tags that a line names. */
const MOST_TAGS = 4
/** The longest key in a line. */
const MOST_LENGTH = 40
/** The longest URL or name of a function in a line. */
const MOST_SUBJECT = 80
/** Repeats of a line are summed up this often, in ms. */
const SUM_MS = 1_000
/** How often invalidations by other processes are looked for, in ms. */
const HEAR_MS = 200

const debug = {
  /** @type {Sink | undefined} */
  sink: undefined,
  /** Whether lines begin with time and process. */
  hasTime: false,
}

/** The last line, and how often it was repeated since. */
const last = {
  id: '',
  count: 0,
  /** Ends with a sum of the repeats.
   * @type {NodeJS.Timeout | undefined} */
  timer: undefined,
}

/** @type {Sink} */
function print(decision) {
  const { call, kind, key, subject, tier, outcome, reason } = decision
  const why = /^\d+ s old$/.test(reason) ? '' : reason
  const id = JSON.stringify([call, kind, key, subject, tier, outcome, why])
  if (id === last.id) {
    last.count += 1
    if (last.count === 1) expectSum()
    return
  }
  sum()
  last.id = id
  write(decision.time, lineOf(decision))
}

/** Sums up in a moment, or as the process ends if that is sooner. */
function expectSum() {
  last.timer = setTimeout(sum, SUM_MS).unref()
  // Not for good: it would hold every copy of this module.
  process.once('exit', sum)
}

/** Says how often the last line was repeated, if it was. */
function sum() {
  const { count } = last
  if (count === 0) return
  last.count = 0
  clearTimeout(last.timer)
  process.off('exit', sum)
  write(Date.now(), `the same ${count} more time${count > 1 ? 's' : ''}`)
}

/** @param {number} time @param {string} text */
function write(time, text) {
  const stamp = debug.hasTime ? `${new Date(time).toISOString()} ${process.pid} ` : ''
  // One line, whatever characters keys and tags hold.
  process.stderr.write(`tiercel: ${stamp}${text.replace(/\p{Cc}/gu, '·')}\n`)
}

/** @param {Decision} decision */
function lineOf(decision) {
  const { call, kind, key, subject, tier, outcome, reason } = decision
  const name = subject === undefined ? key : cut(subject, MOST_SUBJECT)
  const words = [call, kind, name, tier === 'none' ? '' : tier, outcome, reason]
  return [words.filter(Boolean).join(' '), ...detailsOf(decision)].join(', ')
}

/** @param {Decision} decision */
function detailsOf(decision) {
  const { call, revalidateSecs, expireSecs, bytes, tags, lease, waitedFor, ms } = decision
  const details = []
  if (revalidateSecs !== undefined) details.push(`fresh for ${round(revalidateSecs)} s`)
  if (expireSecs !== undefined) details.push(`kept for ${round(expireSecs)} s`)
  if (bytes !== undefined) details.push(sizeOf(bytes))
  if (tags?.length) details.push(tagsOf(tags))
  if (lease) details.push(lease === 'leader' ? 'leads' : 'follows another process')
  if (waitedFor) details.push(`waited ${round(ms ?? 0)} ms for ${waitedFor.join(' and ')}`)
  else if (ms !== undefined && call === 'set') details.push(`generated in ${round(ms)} ms`)
  return details
}

/** @param {number} bytes */
function sizeOf(bytes) {
  if (bytes < 1_000) return `${bytes} B`
  return bytes < 1e6 ? `${round(bytes / 1e3)} kB` : `${round(bytes / 1e6)} MB`
}

/** @param {string[]} tags */
function tagsOf(tags) {
  const shown = tags.slice(0, MOST_TAGS).map((tag) => cut(tag, MOST_LENGTH))
  const more = tags.length - shown.length
  return `tags ${shown.join(' ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** @param {number} value */
const round = (value) => Math.round(value * 10) / 10

/** @param {string} key */
function shortened(key) {
  const path = key.startsWith('/route-cache/') ? key.slice(key.indexOf('/$') + 2) : key
  return cut(path, MOST_LENGTH)
}

/** @param {string} text @param {number} most */
function cut(text, most) {
  return text.length > most ? `${text.slice(0, most / 2)}…${text.slice(8 - most / 2)}` : text
}

/**
 * Tells the listener of a decision.
 * @param {string} key
 * @param {string} why the addon's account of it, as JSON; empty if it decided nothing
 */
function tell(key, why) {
  if (why === '') return
  const decision = JSON.parse(why)
  hand({ ...decision, key: shortened(key) })
}

/**
 * Tells the listener of an invalidation by this process.
 * @param {string[]} tags
 * @param {'hard' | 'soft'} outcome
 */
function tellInvalidation(tags, outcome) {
  const key = tags.join(', ')
  const time = Date.now()
  hand({ time, call: 'invalidate', kind: 'TAG', key, tier: 'none', outcome, reason: '' })
}

/** @param {Decision} decision */
async function hand(decision) {
  try {
    await debug.sink?.(decision)
  } catch {
    // A listener that throws, or rejects, must not break the cache.
  }
}

let heard = -1
/** @type {NodeJS.Timeout | undefined} */
let ears

/**
 * Tells the listener of invalidations by other processes, as long as there is one.
 * @param {(after: number) => string} hear gives those after a position, as JSON, the oldest first
 */
function listen(hear) {
  clearInterval(ears)
  // One thread tells for all of them.
  if (debug.sink === undefined || !isMainThread) return
  const look = () => {
    /** @type {Decision[]} */
    const fresh = JSON.parse(hear(heard))
    for (const decision of fresh) {
      heard = Math.max(heard, decision.position ?? heard)
      hand(decision)
    }
  }
  ears = setInterval(look, HEAR_MS).unref()
}

module.exports = { debug, print, tell, tellInvalidation, listen }
