// @ts-check

const { debug, print } = require('./debug.js')
const { native } = require('./native.js')

/** What is done with invalidations: how long after each it is repeated, in ms, 0 = not; and whether
 * one fails that could not be recorded. */
const invalidating = { graceMs: 0, mustRecord: false }

/**
 * Resolves the options of this process from an object and the environment. Both are read by the
 * addon; here is only what JSON cannot carry.
 * @param {Record<string, unknown>} [options]
 */
function configure(options) {
  const { env } = process
  /** @type {Record<string, string | undefined>} */
  const variables = {}
  for (const name of native.envNames()) variables[name] = env[name]
  if (env.NEXT_PRIVATE_DEBUG_CACHE) variables.TIERCEL_DEBUG ||= '1'
  const sink = options?.debug
  const given = typeof sink === 'function' ? { ...options, debug: true } : options
  const chosen = native.configure(written(given ?? null), JSON.stringify(variables))
  invalidating.graceMs = chosen.graceMs
  invalidating.mustRecord = chosen.mustRecord
  debug.sink = chosen.debug
    ? /** @type {any} */ (typeof sink === 'function' ? sink : print)
    : undefined
}

/**
 * Options as JSON, in which what JSON lacks is a text: no option is one, so it is refused by name.
 * @param {unknown} options
 */
function written(options) {
  return JSON.stringify(options, (_, value) => (hasJson(value) ? value : String(value)))
}

/** @param {unknown} value */
function hasJson(value) {
  if (typeof value === 'number') return Number.isFinite(value)
  return !['bigint', 'function', 'symbol'].includes(typeof value)
}

module.exports = { configure, invalidating }
