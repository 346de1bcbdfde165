// @ts-check

const { received } = require('./config/carried.js')
const { debug, listen, print } = require('./debug.js')
const { native } = require('./native.js')

/** Options of invalidations: the delay after which each is repeated, in ms, 0 = never; and whether
 * one that could not be recorded fails. */
const invalidating = { graceMs: 0, mustRecord: false }

/**
 * Resolves the options of this process from an object, next.config and the environment. All are read
 * by the addon; this side keeps only values that JSON cannot carry.
 * @param {Record<string, unknown>} [options]
 */
function configure(options) {
  /** @type {Record<string, unknown>} */
  const variables = {}
  for (const name of native.envNames()) variables[name] = plain(process.env[name])
  if (process.env.NEXT_PRIVATE_DEBUG_CACHE) variables.TIERCEL_DEBUG ||= '1'
  const { given, sink } = read(options ?? null)
  const chosen = choose(given, JSON.stringify(variables), options == null)
  invalidating.graceMs = chosen.graceMs
  invalidating.mustRecord = chosen.mustRecord
  debug.sink = chosen.debug
    ? /** @type {any} */ (typeof sink === 'function' ? sink : print)
    : undefined
  debug.hasTime = chosen.debugTime
  listen(native.heard)
}

/**
 * A caller that only loads the module takes over the choice of an engine that runs already, as a
 * thread takes over that of the main thread.
 * @param {unknown} given
 * @param {string} variables
 * @param {boolean} isLoading
 */
function choose(given, variables, isLoading) {
  try {
    return native.configure(JSON.stringify(given), variables)
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    if (!isLoading || code !== 'TIERCEL_ALREADY_RUNNING') throw error
    return native.configure('null', variables)
  }
}

/**
 * Options as JSON, and the function that receives decisions. Each option is read once, because it may
 * be a getter.
 * @param {any} options
 * @returns {{ given: unknown, sink: unknown }}
 */
function read(options) {
  if (options !== null && (typeof options !== 'object' || Array.isArray(options))) {
    return { given: NOTHING, sink: undefined }
  }
  const carried = Object.entries(received())
  if (options === null && carried.length === 0) return { given: null, sink: undefined }
  const values = new Map([...carried, ...valuesOf(options ?? {})])
  const sink = values.get('debug')
  const pairs = [...values].map(([name, value]) => [sound(name), plain(value)])
  if (typeof sink === 'function') pairs.push(['debug', true])
  return { given: Object.fromEntries(pairs), sink }
}

/** @param {Record<string, unknown>} options @returns {Map<string, unknown>} by name */
function valuesOf(options) {
  let name
  try {
    const values = new Map()
    for (name of Object.keys(options)) {
      const value = options[name]
      if (value !== undefined) values.set(name, value)
    }
    return values
  } catch (cause) {
    const what = name === undefined ? 'the options' : `option \`${sound(name)}\``
    const code = name === undefined ? 'TIERCEL_INVALID_OPTIONS' : 'TIERCEL_INVALID_OPTION'
    throw Object.assign(new Error(`tiercel: ${what} cannot be read`, { cause }), { code })
  }
}

/** A value that no option may have, so that the option is refused by name.
 * @type {readonly unknown[]} */
const NOTHING = Object.freeze([])

/**
 * A value as it is, or one that no option may have: a value that only a conversion makes a number,
 * a text or a flag is a mistake.
 * @param {unknown} value
 */
function plain(value) {
  if (typeof value === 'string') return sound(value) === value ? value : NOTHING
  if (typeof value === 'number') return Number.isFinite(value) ? value : NOTHING
  if (value === undefined || value === null || typeof value === 'boolean') return value
  return NOTHING
}

/** A text without half characters, which JSON carries and the addon cannot read. @param {string} text */
function sound(text) {
  return Buffer.from(text).toString()
}

module.exports = { configure, invalidating }
