// @ts-check

const { explained } = require('../operate/why.js')
const { recalled } = require('../operate/recalled.js')
const { SOFT_SECS, invalidated, tally, targetOf } = require('../operate/purge.js')

/**
 * What a viewer asks for or has done: why, what a purge would hit, a purge.
 *
 * @typedef {import('./source.js').Source} Source
 * @typedef {{ what: 'tag' | 'path' | 'key', name: string, isSoft: boolean }} Aim
 */

/** Keys that are looked at for a count, and how many a second: it takes ten seconds at most. */
const MOST_COUNTED = 50_000
const RATE = 5_000
const MOST_CHARS = 2_048
const MOST_DECISIONS = 8
/** Decisions of this process that are looked through. */
const MOST_REMEMBERED = 4_096
/** Characters of a name in the time line. */
const MOST_SHOWN = 80

/** What somebody gave is of no use. */
class Refusal extends Error {}

/** @param {unknown} given @returns {Aim} */
function aimOf(given) {
  const { what, name, soft } = /** @type {Record<string, unknown>} */ (given ?? {})
  if (what !== 'tag' && what !== 'path' && what !== 'key') {
    throw new Refusal('what to purge is a tag, a path or a key')
  }
  return { what, name: nameOf(what, name), isSoft: soft === true }
}

/** @param {string} what @param {unknown} given */
function nameOf(what, given) {
  const name = typeof given === 'string' ? given.trim() : ''
  if (name === '') throw new Refusal(`a ${what} is missing`)
  if (name.length > MOST_CHARS) throw new Refusal(`a ${what} has ${MOST_CHARS} characters at most`)
  if (what === 'path' && !name.startsWith('/')) throw new Refusal('a path begins with /')
  return name
}

/** @param {Source} source @param {Aim} aim */
const targeted = (source, { what, name, isSoft }) =>
  targetOf(source.operator(), { [what]: [name] }, isSoft)

/** What is known of an entry that nobody has looked for. */
const NOTHING = { invalidated: [], parts: {}, entry: null }

/**
 * @param {Source} source
 * @param {unknown} given
 */
async function why(source, given) {
  const { what, name } = /** @type {Record<string, unknown>} */ (given ?? {})
  if (what === 'tag') return ofTag(source, nameOf('tag', name))
  const text = nameOf('path or key', name)
  if (source.isFleet) {
    const answer = await explained(source.operator(), text)
    const { said, output, invalidated, parts, remembered } = answer
    const entry = answer.entry && { tags: answer.entry.tags, bytes: answer.entry.bytes }
    return { said, output, invalidated, parts, entry, decisions: few(remembered.decisions) }
  }
  const decisions = source.decisions({ key: text, limit: MOST_DECISIONS })
  return { ...NOTHING, said: remembered(text, decisions), decisions }
}

/** @param {any[]} decisions */
const few = (decisions) => decisions.slice(0, MOST_DECISIONS)

/** Without a server: what this process decided last. @param {string} text @param {any[]} decisions */
function remembered(text, decisions) {
  const last = decisions.find(({ call, key }) => call === 'get' && key === text)
  if (last) return `${last.outcome}: ${last.reason}`
  return `unknown: this process has not decided about ${text} lately, and without Redis nothing else tells`
}

/** @param {Source} source @param {string} tag */
async function ofTag(source, tag) {
  if (!source.isFleet) {
    const all = source.decisions({ key: tag, limit: MOST_REMEMBERED })
    // A tag may have a comma itself.
    const isOf = (/** @type {string} */ key) => key === tag || key.split(', ').includes(tag)
    const last = all.find(({ call, key }) => call === 'invalidate' && isOf(key))
    const said = last
      ? `invalidated: ${last.outcome === 'soft' ? 'softly' : 'hard'}, by this process`
      : 'never: this process has not invalidated it lately'
    return { ...NOTHING, said, decisions: few(all) }
  }
  const { rows } = await source.operator().run('table', { tags: [tag] })
  const { decisions } = await recalled(source.operator(), tag)
  const said =
    rows.length > 0
      ? 'invalidated: what was generated before is stale or gone'
      : 'never: as far as Redis remembers, the tag was not invalidated'
  return { ...NOTHING, said, invalidated: rows, decisions: few(decisions) }
}

/**
 * What a purge would hit.
 * @param {Source} source
 * @param {Aim} aim
 * @param {AbortSignal} [signal]
 */
async function preview(source, aim, signal) {
  const target = targeted(source, aim)
  if (source.isFleet) {
    const found = await tally(source.operator(), target, { rate: RATE, most: MOST_COUNTED, signal })
    return { ...found, isAll: found.scanned >= found.total }
  }
  // Memory is no list: what was asked for lately tells what there is.
  const hit = new Map()
  for (const { kind, key, tags, call } of source.decisions({
    key: aim.name,
    limit: MOST_REMEMBERED,
  })) {
    const isHit = aim.what === 'tag' ? tags?.includes(aim.name) : key === aim.name
    if (call !== 'invalidate' && isHit) hit.set(`${kind} ${key}`, kind)
  }
  /** @type {Record<string, { entries: number }>} */
  const byKind = {}
  for (const kind of hit.values()) {
    byKind[kind] ??= { entries: 0 }
    byKind[kind].entries++
  }
  return { entries: hit.size, byKind, isRecent: true }
}

/**
 * @param {Source} source
 * @param {Aim} aim
 * @param {(invalidated: unknown) => void} record what no instance tells of
 */
async function purge(source, aim, record) {
  const { tags } = targeted(source, aim)
  const expireSecs = aim.isSoft ? SOFT_SECS : undefined
  const began = performance.now()
  if (source.isFleet) {
    const done = await invalidated(source.operator(), { tags, all: false, expireSecs }, () => {})
    record(recordOf(aim, done))
    return done
  }
  await source.purge(tags, expireSecs)
  return { isEverywhere: true, instances: 1, acknowledged: 1, tookMs: performance.now() - began }
}

/** As an instance tells of what it has invalidated. @param {Aim} aim @param {any} done */
function recordOf({ what, name, isSoft }, { position, isEverywhere, acknowledgedMs, tookMs }) {
  const text = name.length > MOST_SHOWN ? `${name.slice(0, MOST_SHOWN - 1)}…` : name
  return {
    // Positions are microseconds of the server.
    at: position / 1e3,
    tags: what === 'tag' ? text : `${what} ${text}`,
    isSoft,
    isEverywhere,
    ms: acknowledgedMs ?? tookMs,
    by: 'dashboard',
  }
}

module.exports = { why, preview, purge, aimOf, Refusal }
