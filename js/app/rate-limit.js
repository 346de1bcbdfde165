// @ts-check

const abi = require('../abi.js')
const checks = require('./checks.js')
const { concurrency } = require('./concurrency.js')
const { Echo } = require('./echo.js')
const { invalid } = require('./errors.js')
const { Ruling } = require('./ruling.js')
const store = require('./store.js')

const OPTIONS = /** @type {const} */ ([
  'name',
  'limit',
  'window',
  'algorithm',
  'burst',
  'windows',
  'onError',
  'mode',
])
const WINDOW = /** @type {const} */ (['limit', 'window', 'algorithm', 'burst'])
const ALGORITHMS = /** @type {Record<string, number>} */ ({
  'fixed-window': abi.ALGORITHM.FIXED,
  'sliding-window': abi.ALGORITHM.SLIDING,
  'token-bucket': abi.ALGORITHM.BUCKET,
})
const ON_ERROR = /** @type {Record<string, number>} */ ({
  local: abi.ON_ERROR.LOCAL,
  open: abi.ON_ERROR.OPEN,
  closed: abi.ON_ERROR.CLOSED,
})
const { ASK, MOST_LIMIT, MOST_WINDOWS } = abi
const SPAN = { most: abi.MOST_SPAN_MS }

/**
 * A rate limit, or several that count together.
 * @param {any} options
 */
function rateLimit(options) {
  const given = checks.options('rateLimit', options, OPTIONS)
  const group = checks.group('rateLimit: `name`', given.name)
  const windows = windowsOf(given)
  const onError = checks.word(
    'rateLimit: `onError`',
    given.onError ?? 'local',
    Object.keys(ON_ERROR),
  )
  const mode = checks.word('rateLimit: `mode`', given.mode ?? 'exact', ['exact', 'fast'])
  const rule = { name: group, windows }
  const numbers = windows.flatMap(({ algorithm, limit, spanMs, burst }) => [
    ALGORITHMS[algorithm],
    limit,
    spanMs,
    burst,
  ])
  const isFast = mode === 'fast'
  const { FAST, EXACT } = abi.MODE
  const number = store.limiter(group, ON_ERROR[onError], numbers, isFast ? FAST : EXACT)
  const most = Math.min(...windows.map((window) => window.most))
  // What was taken ahead elsewhere may be given back at any moment.
  const echo = isFast ? undefined : Echo.of(number)
  /** @param {number[]} told */
  const ruling = (told) => new Ruling(rule, told)
  /** @param {unknown} id @param {number} cost */
  const take = (id, cost) => {
    const heard = echo?.find(/** @type {string} */ (id), cost)
    if (heard !== undefined) return Promise.resolve(ruling(heard))
    const own = checks.own('the id', id)
    const told = store.take(number, own, cost, ruling)
    if (!Array.isArray(told)) return told
    echo?.note(own, cost, told)
    return Promise.resolve(ruling(told))
  }

  const limiter = {
    name: group,
    /** @param {string} id @param {{ cost?: number }} [options] */
    limit(id, options) {
      // No promise but that of the answer.
      try {
        if (options === undefined) return take(id, 1)
        const { cost = 1 } = checks.options('limit', options, ['cost'])
        return take(id, checks.whole('limit: `cost`', cost, 1, most))
      } catch (error) {
        return Promise.reject(error)
      }
    },
    /** @param {string} id */
    async peek(id) {
      return take(id, 0)
    },
    /** @param {string} id */
    async reset(id) {
      echo?.forget(id)
      await store.ask(ASK.LIMIT_RESET, number, checks.own('the id', id))
      // It may have been heard meanwhile.
      echo?.forget(id)
    },
    /** @param {string} id @param {number | string} span */
    async block(id, span) {
      const ms = checks.duration('block: how long', span)
      await store.ask(ASK.LIMIT_BLOCK, number, checks.own('the id', id), ms)
      echo?.forget(id)
    },
    /** @param {(request: any, ...rest: any[]) => any} handler @param {any} options */
    route(handler, options) {
      return route(limiter, handler, options)
    },
  }
  return Object.freeze(limiter)
}

/** @param {any} given */
function windowsOf(given) {
  const { windows, limit, window, algorithm, burst } = given
  const inherited = { algorithm }
  if (windows === undefined) return [windowOf('rateLimit', { limit, window, burst, ...inherited })]
  const isList = Array.isArray(windows) && windows.length > 0 && windows.length <= MOST_WINDOWS
  if (!isList || [limit, window, burst].some((one) => one !== undefined)) {
    const allowed = `1 to ${MOST_WINDOWS} windows, instead of \`limit\`, \`window\` and \`burst\``
    throw invalid('rateLimit: `windows`', allowed, windows)
  }
  return windows.map((one, at) => {
    const own = checks.options(`rateLimit: \`windows[${at}]\``, one, WINDOW)
    return windowOf(`rateLimit: \`windows[${at}]\``, { ...inherited, ...own })
  })
}

/** @param {string} what @param {any} given */
function windowOf(what, given) {
  const algorithm = given.algorithm ?? 'sliding-window'
  checks.word(`${what}: \`algorithm\``, algorithm, Object.keys(ALGORITHMS))
  const limit = checks.whole(`${what}: \`limit\``, given.limit, 1, MOST_LIMIT)
  const spanMs = checks.duration(`${what}: \`window\``, given.window, SPAN)
  const isBucket = algorithm === 'token-bucket'
  if (given.burst !== undefined && !isBucket) {
    throw invalid(`${what}: \`burst\``, 'left out but with `token-bucket`', given.burst)
  }
  const burst = checks.whole(`${what}: \`burst\``, given.burst ?? limit, 1, MOST_LIMIT)
  return Object.freeze({ algorithm, limit, spanMs, burst, most: isBucket ? burst : limit })
}

/**
 * Limits by the name of a tier, chosen per call.
 * @param {Record<string, any>} given
 */
function tiers(given) {
  const names = Object.keys(checks.options('rateLimit.tiers', given, Object.keys(given ?? {})))
  /** @type {Map<string, any>} */
  const limiters = new Map()
  for (const name of names) {
    checks.group('the name of a tier', name)
    const one = given[name]
    limiters.set(name, typeof one?.limit === 'function' ? one : rateLimit({ name, ...one }))
  }
  if (limiters.size === 0)
    throw invalid('rateLimit.tiers', 'an object with at least one tier', given)
  /** @param {string} tier */
  const of = (tier) => {
    const limiter = limiters.get(tier)
    if (limiter) return limiter
    throw invalid('the tier', `one of ${[...limiters.keys()].join(', ')}`, tier)
  }
  return Object.freeze({
    /** @param {string} tier @param {string} id @param {any} [options] */
    limit: async (tier, id, options) => of(tier).limit(id, options),
    /** @param {string} tier @param {string} id */
    peek: async (tier, id) => of(tier).peek(id),
    /** @param {string} tier @param {string} id */
    reset: async (tier, id) => of(tier).reset(id),
    /** @param {string} tier @param {string} id @param {number | string} span */
    block: async (tier, id, span) => of(tier).block(id, span),
  })
}

/**
 * A route handler behind a limit.
 * @param {{ limit(id: string, options?: { cost?: number }): Promise<InstanceType<typeof Ruling>> }} limiter
 * @param {(request: any, ...rest: any[]) => any} handler
 * @param {any} options
 */
function route(limiter, handler, options) {
  const body = checks.callable('the handler', handler)
  const given = checks.options('route', options, ['id', 'cost'])
  const idOf = checks.callable('route: `id`', given.id)
  const { cost = 1 } = given
  return async (/** @type {any} */ request, /** @type {any[]} */ ...rest) => {
    const ruling = await limiter.limit(await idOf(request), { cost })
    if (!ruling.success) {
      const { headers, retryAfterMs } = ruling
      return Response.json({ error: 'too many requests', retryAfterMs }, { status: 429, headers })
    }
    const response = await body(request, ...rest)
    // Headers of a response that was fetched cannot be changed.
    const told = new Response(response.body, response)
    for (const [name, value] of Object.entries(ruling.headers)) told.headers.set(name, value)
    return told
  }
}

module.exports = { rateLimit: Object.assign(rateLimit, { tiers, concurrency }) }
