// @ts-check

const { MOST_WAIT_MS } = require('../../abi.js')
const checks = require('../checks.js')
const { invalid } = require('../errors.js')
const lifetimes = require('./lifetimes.js')

/** The options of a call, read and checked. */

const OPTIONS = /** @type {const} */ ([
  ...lifetimes.NAMES,
  'tags',
  'jitterPercent',
  'refreshAheadPercent',
  'softTimeoutMs',
  'hardTimeoutMs',
  'waitMs',
  'negativeTtl',
  'local',
  'shared',
  'signal',
  'codec',
])
/** What a function may still change about its value. */
const LATE = /** @type {const} */ ([
  ...lifetimes.NAMES,
  'tags',
  'jitterPercent',
  'refreshAheadPercent',
  'negativeTtl',
])
const READ = /** @type {const} */ (['local', 'shared', 'signal', 'codec'])

const MOST_TAGS = 128
const MOST_TAG = 256
const MOST_MS = 3_600_000

/**
 * @typedef {object} Plan
 * @property {string} what it is the plan of
 * @property {Record<string, any>} given
 * @property {import('./lifetimes.js').Lifetime} life
 * @property {string[]} tags
 * @property {number | undefined} jitter
 * @property {number | undefined} ahead
 * @property {number} softMs
 * @property {number} hardMs
 * @property {number | undefined} waitMs
 * @property {number | undefined} negativeMs
 * @property {boolean} isLocal
 * @property {boolean} isShared
 * @property {AbortSignal | undefined} signal
 * @property {import('./codec.js').Codec | undefined} codec
 */

/**
 * @param {string} what
 * @param {unknown} options
 * @param {Record<string, any> | undefined} defaults
 * @returns {Plan}
 */
function planOf(what, options, defaults) {
  return made(what, lifetimes.merged(defaults, checks.options(what, options, OPTIONS)))
}

/** @param {string} what @param {Record<string, any>} given @returns {Plan} */
function made(what, given) {
  const ms = (/** @type {string} */ name, most = MOST_MS) =>
    given[name] === undefined
      ? undefined
      : checks.whole(`${what}: \`${name}\``, given[name], 0, most)
  const percent = (/** @type {string} */ name) => ms(name, 50)
  return {
    what,
    given,
    life: lifetimes.lifetime(what, given),
    tags: tagsOf(`${what}: \`tags\``, given.tags),
    jitter: percent('jitterPercent'),
    ahead: percent('refreshAheadPercent'),
    softMs: ms('softTimeoutMs') ?? 0,
    hardMs: ms('hardTimeoutMs') || Number.POSITIVE_INFINITY,
    waitMs: ms('waitMs', MOST_WAIT_MS),
    negativeMs:
      given.negativeTtl === undefined
        ? undefined
        : checks.duration(`${what}: \`negativeTtl\``, given.negativeTtl),
    ...readOf(what, given),
  }
}

/** What a call that only reads needs. @param {string} what @param {Record<string, any>} given */
function readOf(what, given) {
  const flag = (/** @type {string} */ name) =>
    checks.flag(`${what}: \`${name}\``, given[name] ?? false)
  return {
    isLocal: flag('local'),
    isShared: flag('shared'),
    signal: signalOf(what, given.signal),
    codec: codecOf(what, given.codec),
  }
}

/**
 * The plan of a call that only reads.
 * @param {string} what
 * @param {unknown} options
 * @param {Record<string, any> | undefined} defaults
 */
function readPlanOf(what, options, defaults) {
  return readOf(what, { ...defaults, ...checks.options(what, options, READ) })
}

/**
 * The plan after its function has said more.
 * @param {Plan} plan
 * @param {unknown} more
 * @returns {Plan}
 */
function amended(plan, more) {
  const what = 'setOptions'
  const late = checks.options(what, more, LATE)
  const tags = [...new Set([...plan.tags, ...tagsOf(`${what}: \`tags\``, late.tags)])]
  return made(what, lifetimes.merged(plan.given, { ...late, tags }))
}

/** @param {string} what @param {unknown} given @returns {string[]} */
function tagsOf(what, given) {
  if (given === undefined) return []
  const is = Array.isArray(given) && given.length <= MOST_TAGS && given.every(isTag)
  if (is) return [...new Set(given)]
  throw invalid(what, `at most ${MOST_TAGS} texts of 1 to ${MOST_TAG} characters`, given)
}

/** @param {unknown} one */
function isTag(one) {
  return typeof one === 'string' && one !== '' && one.length <= MOST_TAG && !one.includes('\0')
}

/** @param {string} what @param {any} given @returns {AbortSignal | undefined} */
function signalOf(what, given) {
  // One of another realm is no instance of ours.
  if (given === undefined || typeof given?.throwIfAborted === 'function') return given
  throw invalid(`${what}: \`signal\``, 'an AbortSignal', given)
}

/** @param {string} what @param {any} given @returns {import('./codec.js').Codec | undefined} */
function codecOf(what, given) {
  if (given === undefined || given === 'json' || given === 'bytes') return given
  const isOwn = typeof given?.encode === 'function' && typeof given.decode === 'function'
  if (isOwn) return given
  throw invalid(`${what}: \`codec\``, "'json', 'bytes' or { encode, decode }", given)
}

module.exports = { planOf, readPlanOf, amended, tagsOf }
