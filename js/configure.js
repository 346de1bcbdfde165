// @ts-check

const { received } = require('./config/carried.js')
const { app } = require('./app.js')
const { debug, listen, print } = require('./debug.js')
const notices = require('./notices.js')
const places = require('./places.js')
const { native } = require('./native.js')

/** Options of invalidations: the delay after which each is repeated, in ms, 0 = never; and whether
 * one that could not be recorded fails. */
const invalidating = { graceMs: 0, mustRecord: false }

/**
 * What calls of `configure()` have given so far, and where.
 * @typedef {{ value: unknown, place: string }} Given
 * @type {Map<string, Given>}
 */
let chosen = new Map()

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
  const { given, all, sink, listener } = read(options ?? null)
  const taken = choose(given, variables, options)
  if (taken === undefined) return
  const differing = [...all].filter(([name, { value, place }]) => {
    const earlier = chosen.get(name)
    return earlier && earlier.value !== value && !places.isSame(earlier.place, place)
  })
  for (const [name, { place }] of differing) {
    tellDiffering(name, chosen.get(name)?.place, `${place}: the latter counts`)
  }
  chosen = all
  invalidating.graceMs = taken.graceMs
  invalidating.mustRecord = taken.mustRecord
  debug.sink = taken.debug
    ? /** @type {any} */ (typeof sink === 'function' ? sink : print)
    : undefined
  debug.hasTime = taken.debugTime
  listen(native.heard)
  // A copy of this module that knows of none leaves the one that another has named.
  if (listener !== undefined) {
    notices.listen(typeof listener === 'function' ? /** @type {any} */ (listener) : undefined)
  }
}

/** Never shows a value: it may be a secret. @param {string} name @param {string | undefined} one @param {string} other */
function tellDiffering(name, one, other) {
  native.report('options-differ', `\`${name}\` differs at ${one} and ${other}`)
  native.speak()
}

/** Names of variables that may be meant for the addon. Kubernetes adds some for a service. */
const MEANT = /^TIERCEL_|REDIS|VALKEY|UPSTASH|^KV_/
const OF_KUBERNETES = /_SERVICE_(HOST|PORT)|_PORT_\d+_(TCP|UDP)/

/** @param {Record<string, unknown>} known */
function others(known) {
  return Object.keys(process.env).filter((name) => {
    if (!MEANT.test(name) || OF_KUBERNETES.test(name) || name in known) return false
    const value = process.env[name] ?? ''
    return value !== '' && !/^(tcp|udp):/.test(value)
  })
}

/**
 * A caller that only loads the module takes over the choice of an engine that runs already, as a
 * thread takes over that of the main thread. In a server of Next.js other options that come too late
 * are told, and fail nobody; in another program they are an error.
 * @param {unknown} given
 * @param {Record<string, unknown>} variables
 * @param {Record<string, unknown> | undefined} options
 */
function choose(given, variables, options) {
  const env = JSON.stringify(variables)
  try {
    return native.configure(JSON.stringify(given), env, others(variables))
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    if (code !== 'TIERCEL_ALREADY_RUNNING') throw error
    if (options == null) return native.configure('null', env, [])
    const names = Object.keys(options).filter((name) => options[name] !== chosen.get(name)?.value)
    if (!app().isNext || names.length === 0) throw error
    const place = places.ofCaller()
    for (const name of names) {
      const earlier = chosen.get(name)?.place ?? 'the start of the engine'
      tellDiffering(name, place, `${earlier}: the latter counts, since the engine runs already`)
    }
    return undefined
  }
}

/**
 * Options as JSON, and the functions that receive decisions and lines. Each option is read once, because it may
 * be a getter.
 * @param {any} options
 * @returns {{ given: unknown, all: Map<string, Given>, sink?: unknown, listener?: unknown }}
 */
function read(options) {
  if (options !== null && (typeof options !== 'object' || Array.isArray(options))) {
    return { given: NOTHING, all: chosen }
  }
  const carried = Object.entries(received())
  if (options === null && carried.length === 0 && chosen.size === 0)
    return { given: null, all: chosen }
  const place = places.ofCaller()
  const all = new Map(chosen)
  for (const [name, value] of valuesOf(options ?? {})) all.set(name, { value, place })
  const own = [...all].map(([name, { value }]) => /** @type {[string, unknown]} */ ([name, value]))
  const values = new Map([...carried, ...own])
  const [sink, listener] = [values.get('debug'), values.get('onNotice')]
  const pairs = [...values].map(([name, value]) => [sound(name), plain(value)])
  if (typeof sink === 'function') pairs.push(['debug', true])
  if (listener != null) pairs.push(['onNotice', typeof listener === 'function' || NOTHING])
  return { given: Object.fromEntries(pairs), all, sink, listener }
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
