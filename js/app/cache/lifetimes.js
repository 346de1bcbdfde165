// @ts-check

const { MOST_LIFE_MS } = require('../../abi.js')
const checks = require('../checks.js')
const { invalid } = require('../errors.js')

/** How long values live: presets by name, and what follows from the options of a call. */

/**
 * @typedef {object} Lifetime
 * @property {number} revalidateMs age past which a value is stale
 * @property {number} expireMs age past which it is not served
 * @property {number} errorMs for how long after that it replaces one that could not be generated
 */

/** Without a lifetime of its own. */
const USUAL = 'moderate'
/** How much longer than fresh a value is served while another one is generated. */
const STALE_FACTOR = 10

/** @type {Map<string, { revalidate: number | string, expire: number | string }>} */
const presets = new Map([
  ['realtime', { revalidate: '5s', expire: '30s' }],
  ['frequent', { revalidate: '1m', expire: '10m' }],
  ['moderate', { revalidate: '10m', expire: '1h' }],
  ['catalog', { revalidate: '1h', expire: '1d' }],
  ['profile', { revalidate: '5m', expire: '1h' }],
  ['static', { revalidate: '1d', expire: '30d' }],
])

/** The options that say how long. */
const NAMES = /** @type {const} */ (['preset', 'revalidate', 'expire', 'staleIfError'])

/**
 * Adds presets, or replaces them.
 * @param {unknown} given
 */
function addPresets(given) {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
  if (!isObject) throw invalid('configure: `presets`', 'an object of presets by name', given)
  const added = Object.entries(given).map(([name, one]) => {
    checks.group('the name of a preset', name)
    const life = checks.options(`the preset ${name}`, one, ['revalidate', 'expire'])
    const { revalidateMs, expireMs } = lifetime(`the preset ${name}`, life)
    const secs = { revalidate: revalidateMs / 1_000, expire: expireMs / 1_000 }
    return /** @type {const} */ ([name, secs])
  })
  for (const [name, one] of added) presets.set(name, one)
}

/**
 * Options over others, which may say something else about the lifetime.
 * @param {Record<string, any> | undefined} base
 * @param {Record<string, any>} more
 */
function merged(base, more) {
  const given = { ...base, ...more }
  const hasOwn = more.revalidate !== undefined || more.expire !== undefined
  if (more.preset !== undefined && !hasOwn) given.revalidate = given.expire = undefined
  if (more.revalidate !== undefined && more.preset === undefined) given.preset = undefined
  if (more.revalidate !== undefined && more.expire === undefined) given.expire = undefined
  // What was fresh for longer is fresh up to its end.
  const says = hasOwn || more.preset !== undefined
  given.isShortened = says
    ? more.expire !== undefined && more.revalidate === undefined
    : base?.isShortened
  return given
}

/**
 * @param {string} what
 * @param {{ preset?: any, revalidate?: any, expire?: any, staleIfError?: any, isShortened?: boolean }} given
 * @returns {Lifetime}
 */
function lifetime(what, given) {
  const bounds = { most: MOST_LIFE_MS }
  const hasOwn = given.revalidate !== undefined || given.expire !== undefined
  const named = given.preset ?? (hasOwn ? undefined : USUAL)
  const preset = named === undefined ? undefined : presetOf(what, named)
  const revalidate = given.revalidate ?? preset?.revalidate ?? given.expire
  const revalidateMs = checks.duration(`${what}: \`revalidate\``, revalidate, bounds)
  const usual = Math.min(revalidateMs * STALE_FACTOR, MOST_LIFE_MS)
  const expire = given.expire ?? (given.revalidate === undefined ? preset?.expire : undefined)
  const expireMs =
    expire === undefined ? usual : checks.duration(`${what}: \`expire\``, expire, bounds)
  if (expireMs < revalidateMs && !given.isShortened) {
    throw invalid(`${what}: \`expire\``, 'as long as `revalidate`, or longer', given.expire)
  }
  const errorMs =
    given.staleIfError === undefined
      ? 0
      : checks.duration(`${what}: \`staleIfError\``, given.staleIfError, { least: 0, ...bounds })
  return { revalidateMs: Math.min(revalidateMs, expireMs), expireMs, errorMs }
}

/** @param {string} what @param {unknown} name */
function presetOf(what, name) {
  const preset = typeof name === 'string' ? presets.get(name) : undefined
  if (preset) return preset
  throw invalid(`${what}: \`preset\``, `one of ${[...presets.keys()].join(', ')}`, name)
}

module.exports = { NAMES, addPresets, merged, lifetime }
