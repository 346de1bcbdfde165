// @ts-check

const { validateHeaderName, validateHeaderValue } = require('node:http')

/** @typedef {import('../../warm.d.ts').WarmOptions} WarmOptions */

/**
 * The resolved options of `warm`.
 *
 * @typedef {object} Plan
 * @property {URL} server without login and path
 * @property {string | undefined} login `user:password`
 * @property {string | undefined} basePath `undefined`: that of the build
 * @property {Iterable<string> | undefined} paths
 * @property {string | undefined} dir the build whose pages are warmed
 * @property {number} concurrency
 * @property {number} timeoutMs
 * @property {number} waitMs
 * @property {Record<string, string | string[]>} headers
 * @property {AbortSignal | undefined} signal
 * @property {((progress: import('../../warm.d.ts').WarmProgress) => void) | undefined} onProgress
 */

const MOST_CONCURRENCY = 256
/** An hour. */
const MOST_MS = 3_600_000

/** The allowed values of each option, and how it is read: `undefined` for any other. */
const OPTIONS = {
  base: { allowed: 'an http or https URL, such as http://127.0.0.1:3000', read: urlOf },
  basePath: { allowed: 'a path, such as /shop', read: basePathOf },
  paths: { allowed: 'texts that begin with /', read: pathsOf },
  dir: { allowed: 'the folder of a build, such as .next', read: textOf },
  concurrency: {
    allowed: `a whole number from 1 to ${MOST_CONCURRENCY}`,
    /** @param {any} n */
    read: (n) => (Number.isInteger(n) && n >= 1 && n <= MOST_CONCURRENCY ? n : undefined),
  },
  timeoutMs: {
    allowed: `a number of milliseconds from 1 to ${MOST_MS}`,
    /** @param {any} ms */
    read: (ms) => (typeof ms === 'number' && ms >= 1 && ms <= MOST_MS ? ms : undefined),
  },
  waitMs: {
    allowed: `a number of milliseconds from 0 to ${MOST_MS}`,
    /** @param {any} ms */
    read: (ms) => (typeof ms === 'number' && ms >= 0 && ms <= MOST_MS ? ms : undefined),
  },
  headers: { allowed: 'an object of header names and values', read: headersOf },
  signal: {
    allowed: 'an AbortSignal',
    /** @param {any} signal */
    read: (signal) => (typeof signal?.aborted === 'boolean' ? signal : undefined),
  },
  onProgress: {
    allowed: 'a function',
    /** @param {any} tell */
    read: (tell) => (typeof tell === 'function' ? tell : undefined),
  },
}

const DEFAULTS = {
  base: 'http://127.0.0.1:3000',
  concurrency: 6,
  timeoutMs: 30_000,
  waitMs: 0,
  headers: {},
}

/**
 * Resolves the options of one call.
 * @param {WarmOptions} [given]
 * @returns {Plan}
 * @throws {Error} with `code` and `option`; it repeats no value, which may be a secret
 */
function resolve(given = {}) {
  if (given === null || typeof given !== 'object') {
    throw failure('TIERCEL_INVALID_OPTIONS', 'warm() takes an object of options')
  }
  const named = Object.entries(given).filter(([, value]) => value !== undefined)
  /** @type {Record<string, any>} */
  const read = {}
  for (const [option, value] of Object.entries({ ...DEFAULTS, ...Object.fromEntries(named) })) {
    read[option] = readOne(option, value)
  }
  const { base, basePath, paths, dir, ...rest } = read
  const inBase = base.pathname.replace(/\/+$/, '')
  return {
    server: new URL(base.origin),
    login: loginOf(base),
    basePath: basePath ?? (inBase || undefined),
    paths,
    dir: dir ?? (paths ? undefined : '.next'),
    signal: undefined,
    onProgress: undefined,
    .../** @type {any} */ (rest),
  }
}

/** @param {string} option @param {unknown} value */
function readOne(option, value) {
  if (!Object.hasOwn(OPTIONS, option)) {
    const known = Object.keys(OPTIONS).join(', ')
    const message = `there is no option \`${option}\`; the options are ${known}`
    throw Object.assign(failure('TIERCEL_UNKNOWN_OPTION', message), { option })
  }
  const { allowed, read } = OPTIONS[/** @type {keyof typeof OPTIONS} */ (option)]
  const found = read(/** @type {any} */ (value))
  if (found !== undefined) return found
  const message = `option \`${option}\` must be ${allowed}`
  throw Object.assign(failure('TIERCEL_INVALID_OPTION', message), { option, allowed })
}

/** @param {unknown} given */
function urlOf(given) {
  const text = String(given)
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url && ['http:', 'https:'].includes(url.protocol) && !url.search && !url.hash
  return isPlain ? url : undefined
}

/** @param {URL} base */
function loginOf({ username, password }) {
  if (!username && !password) return undefined
  return `${decoded(username)}:${decoded(password)}`
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** @param {unknown} given */
function basePathOf(given) {
  if (given === '' || given === '/') return ''
  const isPath = typeof given === 'string' && given.startsWith('/') && !/[?#]/.test(given)
  return isPath ? given.replace(/\/+$/, '') : undefined
}

/** @param {any} given */
function pathsOf(given) {
  if (typeof given === 'string' || typeof given?.[Symbol.iterator] !== 'function') return undefined
  const paths = [...given]
  return paths.every((path) => typeof path === 'string' && path.startsWith('/')) ? paths : undefined
}

/** @param {unknown} given */
function textOf(given) {
  return typeof given === 'string' && given !== '' ? given : undefined
}

/** @param {any} given */
function headersOf(given) {
  if (given === null || typeof given !== 'object') return undefined
  const entries = given instanceof Headers ? [...given] : Object.entries(given)
  try {
    for (const [name, value] of entries) {
      validateHeaderName(name)
      for (const one of [value].flat()) validateHeaderValue(name, one)
    }
  } catch {
    return undefined
  }
  return Object.fromEntries(entries)
}

/** @param {string} code @param {string} message */
function failure(code, message) {
  return Object.assign(new Error(`tiercel: ${message}`), { code })
}

module.exports = { resolve, failure }
