// @ts-check

const { setTimeout: pause } = require('node:timers/promises')
const { KIND_OF } = require('../abi.js')
const { UsageError } = require('../command/usage.js')
const {
  Bar,
  agrees,
  moment,
  note,
  out,
  outJson,
  paint,
  size,
  span,
} = require('../command/terminal.js')
const { shown } = require('../command/shown.js')
const { IMPLICIT } = require('./entry.js')
const { canonical } = require('./keys.js')
const { NAMES, must } = require('./operator.js')
const options = require('./options.js')
const places = require('./place.js')
const { keyOfPath, keysOfPath, plainOf } = require('./routes.js')

/**
 * What is purged.
 *
 * @typedef {object} Target
 * @property {string[]} tags that are invalidated
 * @property {boolean} all whether everything is
 * @property {((entry: any) => boolean) | undefined} frees which entries leave the server as well
 * @property {(entry: any) => boolean} hits which entries in the server are meant
 * @property {string} name in words
 */

/** As `revalidateTag(tag, 'max')`: no entry lives that long. */
const SOFT_SECS = 31_536_000

/**
 * `tiercel purge`.
 * @param {Record<string, any>} flags
 */
async function purge(flags) {
  const rate = options.rate(flags.rate)
  const expireSecs =
    flags.expire === undefined
      ? flags.soft
        ? SOFT_SECS
        : undefined
      : options.seconds(flags.expire, 'expire', 0, [0.001, SOFT_SECS])
  check(flags, expireSecs !== undefined)
  const operator = must(await places.find(flags), flags)
  const target = targetOf(operator, flags, expireSecs !== undefined)
  if (flags['dry-run']) return counted(operator, target, rate, flags.json)
  if (flags.all && !flags.yes && process.stdin.isTTY) {
    const { namespace, place } = operator.about()
    if (!(await agrees(`Invalidate everything of ${namespace} on ${place}?`))) {
      note('Nothing was invalidated.')
      return 1
    }
  }
  const { tags, all, name } = target
  const say = (/** @type {any} */ one) => {
    if (!flags.json) for (const line of told(name, one, expireSecs)) out(line)
  }
  const isPurged = all || tags.length > 0
  const purged = isPurged ? await invalidated(operator, { tags, all, expireSecs }, say) : undefined
  const freed = target.frees && (await free(operator, target.frees, rate, purged?.position))
  if (flags.json) {
    outJson({ ...purged, tags, isSoft: expireSecs !== undefined, freed })
  } else if (freed) {
    out(`${entriesOf(freed.entries)}, ${size(freed.bytes)}, removed from the server`)
  }
  return purged && !purged.isEverywhere ? 1 : 0
}

/**
 * Invalidates, and once more after `invalidationGraceMs`, as instances do.
 * @param {import('./operator.js').Asked} operator
 * @param {{ tags: string[], all: boolean, expireSecs: number | undefined }} order
 * @param {(purged: any) => void} say
 */
async function invalidated(operator, order, say) {
  const first = await operator.run('purge', order)
  say(first)
  const { invalidationGraceMs } = operator.about()
  if (!(invalidationGraceMs > 0)) return first
  note(`It is repeated after ${span(invalidationGraceMs)}, as invalidationGraceMs says.`)
  await pause(invalidationGraceMs)
  const second = await operator.run('purge', order)
  say(second)
  return { ...second, repeatedAfterMs: invalidationGraceMs }
}

/** @param {Record<string, any>} flags @param {boolean} isSoft */
function check(flags, isSoft) {
  const some = ['tag', 'path', 'key', 'kind'].filter((name) => flags[name] !== undefined)
  const whole = ['all', 'build'].filter((name) => flags[name] !== undefined)
  if (some.length + whole.length === 0) {
    throw new UsageError('what to purge is missing: --tag, --path, --key, --kind, --build or --all')
  }
  if (whole.length > 1 || (whole.length === 1 && some.length > 0)) {
    throw new UsageError(`--${whole[0]} goes with no other`)
  }
  if (flags.build !== undefined && flags.build !== 'old') {
    throw new UsageError('--build takes old: what builds other than the one here left behind')
  }
  if (flags.build !== undefined && isSoft) throw new UsageError('--build is never soft')
  for (const path of flags.path ?? []) {
    if (!path.startsWith('/')) throw new UsageError('--path takes a path that begins with /')
  }
  for (const name of some.filter((one) => one !== 'kind')) {
    if (flags[name].includes('')) throw new UsageError(`--${name} takes a text that is not empty`)
  }
  options.kinds(flags.kind)
}

/**
 * @param {import('./operator.js').Asked} operator
 * @param {Record<string, any>} flags
 * @param {boolean} isSoft
 * @returns {Target}
 */
function targetOf(operator, flags, isSoft) {
  if (flags.build !== undefined) return ofOldBuilds(operator)
  if (flags.all) {
    // What is invalidated by the floor is gone; softly it can only be by the kinds.
    const tags = isSoft ? Object.values(KIND_OF).map((kind) => operator.kindTag(kind)) : []
    const every = () => true
    return {
      tags,
      all: !isSoft,
      hits: every,
      frees: isSoft ? undefined : every,
      name: 'everything',
    }
  }
  const { tag = [], path = [], key = [], kind = [] } = flags
  const kinds = new Set(options.kinds(kind))
  const tags = [
    ...tag,
    ...path.flatMap((/** @type {string} */ one) => tagsOfPath(operator, one)),
    ...key.flatMap((/** @type {string} */ one) => operator.keyTags(one)),
    ...[...kinds].map((one) => operator.kindTag(one)),
  ]
  const meant = new Set(tags.map(canonical))
  const isOfKind = (/** @type {any} */ entry) => kinds.has(entry.kind)
  return {
    tags,
    all: false,
    hits: (entry) =>
      isOfKind(entry) || (entry.tags ?? []).some((/** @type {string} */ one) => meant.has(one)),
    frees: kinds.size > 0 && !isSoft ? isOfKind : undefined,
    name: [...tag, ...path, ...key, ...kind].map((text) => shown(text)).join(', '),
  }
}

/**
 * The tag by which `revalidatePath` invalidates, and that of the page itself: pages of the Pages
 * Router have no other.
 * @param {import('./operator.js').Asked} operator
 * @param {string} path
 */
function tagsOfPath(operator, path) {
  const plain = plainOf(path)
  const key = keyOfPath(plain)
  const names = key === '/index' ? ['/', '/index'] : [plain]
  const keys = keysOfPath(operator.place, plain)
  const tags = keys.flatMap((one) => operator.keyTags(one))
  return [...new Set([...names.map((name) => IMPLICIT + name), ...tags])]
}

/**
 * No instance of the build here reads them, so there is nothing to invalidate. The entries of one
 * build alone cannot be told by its id: addresses hold a digest of more than that.
 * @param {import('./operator.js').Asked} operator
 * @returns {Target}
 */
function ofOldBuilds(operator) {
  if (operator.build === undefined) {
    throw new UsageError(
      `--build compares with the build here, and there is none at ${operator.place.serverDir}`,
    )
  }
  const isOld = (/** @type {any} */ entry) => entry.isOfBuild === false
  return { tags: [], all: false, hits: isOld, frees: isOld, name: 'old builds' }
}

/**
 * Removes entries that are older than an invalidation. They are dead already; their memory is free
 * then. What was stored at their places since they were listed stays.
 * @param {import('./operator.js').Asked} operator
 * @param {(entry: any) => boolean} frees
 * @param {number} rate
 * @param {number} [before] a position
 */
async function free(operator, frees, rate, before = Number.POSITIVE_INFINITY) {
  const freed = { entries: 0, bytes: 0 }
  const isDead = (/** @type {any} */ entry) =>
    frees(entry) && (entry.broken || entry.position < before)
  const bar = new Bar()
  try {
    const onProgress = (/** @type {number} */ done, /** @type {number} */ total) =>
      bar.show(done, total, `${done} of ${total} keys, ${freed.entries} entries removed`)
    for await (const entries of operator.pages({ rate, onProgress })) {
      const addresses = entries.filter(isDead).map(({ address }) => address)
      if (addresses.length === 0) continue
      const { removed, bytes } = await operator.run('remove', { addresses })
      freed.entries += removed
      freed.bytes += bytes
    }
  } finally {
    bar.end()
  }
  return freed
}

/**
 * @param {import('./operator.js').Asked} operator
 * @param {Target} target
 * @param {number} rate
 * @param {boolean} isJson
 */
async function counted(operator, target, rate, isJson) {
  const bar = new Bar()
  let found
  try {
    found = await tally(operator, target, {
      rate,
      onProgress: (done, total, hit) =>
        bar.show(done, total, `${done} of ${total} keys, ${hit} hit`),
    })
  } finally {
    bar.end()
  }
  const { entries, bytes, byKind } = found
  if (isJson) {
    outJson({ isDryRun: true, entries, bytes, byKind })
    return 0
  }
  out(`${target.name}: ${entriesOf(entries)} in the server would be hit, ${size(bytes)}`)
  for (const [kind, one] of Object.entries(byKind)) {
    out(`  ${kind.padEnd(10)} ${one.entries}, ${size(one.bytes)}`)
  }
  note('Nothing was changed. Memory of the instances may hold more.')
  return 0
}

/**
 * What a target hits in the server, and in what of it was looked at.
 * @param {import('./operator.js').Asked} operator
 * @param {Pick<Target, 'hits'>} target
 * @param {{ rate: number, most?: number, onProgress?: (scanned: number, total: number, hit: number) => void, signal?: AbortSignal }} options
 */
async function tally(operator, target, { rate, most, onProgress, signal }) {
  /** @type {Record<string, { entries: number, bytes: number }>} */
  const byKind = {}
  const found = { entries: 0, bytes: 0, byKind, scanned: 0, total: 0 }
  const count = (/** @type {number} */ scanned, /** @type {number} */ total) => {
    Object.assign(found, { scanned, total })
    onProgress?.(scanned, total, found.entries)
  }
  for await (const entry of operator.entries({ rate, most, onProgress: count, signal })) {
    if (!target.hits(entry)) continue
    found.entries++
    found.bytes += entry.bytes
    const of = NAMES[entry.kind] ?? 'unknown'
    byKind[of] ??= { entries: 0, bytes: 0 }
    byKind[of].entries++
    byKind[of].bytes += entry.bytes
  }
  return found
}

/** @param {number} count */
const entriesOf = (count) => (count === 1 ? 'one entry' : `${count} entries`)

/**
 * @param {string} name
 * @param {any} purged
 * @param {number | undefined} expireSecs
 */
function told(name, purged, expireSecs) {
  const { isEverywhere, position, instances, acknowledged, acknowledgedMs, tookMs } = purged
  const how =
    expireSecs === undefined
      ? 'invalidated'
      : `stale${expireSecs < SOFT_SECS ? `, and gone in ${span(expireSecs * 1e3)},` : ''} since`
  const when = `${how} ${expireSecs === undefined ? 'at ' : ''}${moment(position / 1e3)}`
  const held = isEverywhere
    ? paint('green', `in effect everywhere after ${span(tookMs)}`)
    : paint('red', 'recorded, but other instances may not know it yet')
  const plural = instances === 1 ? 'instance' : 'instances'
  const late = instances - acknowledged
  const rest = late > 0 ? `; ${late} did not, and can answer from memory no more` : ''
  return [
    `${name}: ${when}, ${held}`,
    instances === 0
      ? 'no instance was connected'
      : `${acknowledged} of ${instances} ${plural} acknowledged${acknowledgedMs === null ? '' : ` within ${span(acknowledgedMs)}`}${rest}`,
  ]
}

module.exports = { purge, invalidated, tally, targetOf, SOFT_SECS }
