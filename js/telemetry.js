// @ts-check

const { isMainThread } = require('node:worker_threads')
const { debug } = require('./debug.js')
const exemplars = require('./exemplars.js')
const { textOf } = require('./thrown.js')
const { version } = require('../package.json')

/**
 * Spans of what takes time, and metrics, where the app has registered a provider of
 * `@opentelemetry/api`. A hit makes no span. Without a provider nothing of this is loaded, and calls of
 * these functions do nothing; in a trace that is not sampled no span is described.
 *
 * @typedef {import('../index.js').Decision} Decision
 * @typedef {typeof import('@opentelemetry/api')} Api
 * @typedef {import('@opentelemetry/api').Span} Span
 */

/**
 * The longest pause between two looks for what collects the app's metrics, in ms. Pauses double from half
 * a second on, so the last look is a minute after the start.
 */
const MOST_MS = 32_000
/** The longest key or tag in a span. */
const MOST_LENGTH = 200
const MOST_TAGS = 32
/** `TraceFlags.SAMPLED`. */
const SAMPLED = 1
/** `SpanStatusCode.ERROR`. */
const ERROR = 2

/** @type {import('@opentelemetry/api').Tracer | undefined} */
let tracer
/** @type {Pick<import('./native.js').Native, 'tell' | 'why' | 'stats'> | undefined} */
let native

/** Where `@opentelemetry/api` keeps what was registered, for all copies of its first major. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1')
const global = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (globalThis))

/** @param {NonNullable<typeof native>} started */
function begin(started) {
  native = started
  const name = Symbol.for('tiercel.telemetry')
  const isFirst = global[name] === undefined
  global[name] ??= true
  // All threads of a process count together, and so do copies of this module.
  if (isMainThread && isFirst) observe(0)
}

/**
 * The package, once something is registered that it has a use for: it takes a while to load.
 * @param {'trace' | 'metrics'} what
 * @returns {Api | undefined}
 */
function load(what) {
  if (isMissing || global[REGISTERED]?.[what] === undefined) return undefined
  try {
    return require('@opentelemetry/api')
  } catch {
    isMissing = true
  }
}

let isMissing = false

/** Has the app's provider observe the statistics, once there is one. @param {number} ms the pause before this look */
function observe(ms) {
  const meter = load('metrics')?.metrics.getMeter('tiercel', version)
  if (meter) require('./metrics/observe.js').observe(meter)
  else if (ms < MOST_MS) setTimeout(observe, ms * 2 || 500, ms * 2 || 500).unref()
}

/**
 * Begins a span, if it will be recorded.
 * @param {'get' | 'generate' | 'invalidate'} what
 * @param {unknown} [startTime] in ms since the epoch
 * @returns {Span | undefined}
 */
function span(what, startTime) {
  tracer ??= load('trace')?.trace.getTracer('tiercel', version)
  if (tracer === undefined) return undefined
  const at =
    typeof startTime === 'number' && startTime > performance.timeOrigin ? startTime : undefined
  const begun = tracer.startSpan(`cache ${what}`, { startTime: at })
  return begun.isRecording() ? begun : undefined
}

/**
 * Before a call of the addon whose decision is that of a span: what was decided before is forgotten.
 * @param {Span | undefined} begun
 */
function expect(begun) {
  if (begun !== undefined) native?.tell(1)
}

/**
 * What the call just made has decided, as JSON; empty if it decided nothing, or nobody asks. To be taken
 * before anything else may call: a listener, or a get that this one leads to.
 * @param {Span | undefined} begun is described by it
 */
function taken(begun) {
  if (begun === undefined && debug.sink === undefined) return ''
  const why = native?.why() ?? ''
  if (begun !== undefined && why !== '') describe(begun, JSON.parse(why))
  return why
}

/**
 * The span of a generation, which ends with its value.
 * @param {unknown} startTime in ms since the epoch
 * @param {() => void} put hands the value to the addon
 * @returns what was decided, as {@link taken}
 */
function generated(startTime, put) {
  const begun = span('generate', startTime)
  try {
    expect(begun)
    put()
    return taken(begun)
  } catch (error) {
    failed(begun, error)
    throw error
  } finally {
    ended(begun)
  }
}

/** @param {Span} begun @param {Decision} decision */
function describe(begun, decision) {
  begun.setAttributes(attributesOf(decision))
  const { call, kind, tier, ms } = decision
  const { traceId, traceFlags } = begun.spanContext()
  const isKept = (traceFlags & SAMPLED) !== 0
  if (call === 'get' && ms !== undefined && isKept) {
    exemplars.note(kind, tier, ms, traceId, boundsOfHistograms())
  }
}

/** They never change. @type {number[] | undefined} */
let bounds

/** @returns {number[]} */
function boundsOfHistograms() {
  bounds ??= native ? JSON.parse(native.stats()).histogramBounds : []
  return bounds ?? []
}

/** @param {Span | undefined} begun @param {unknown} error */
function failed(begun, error) {
  if (begun === undefined) return
  const message = error instanceof Error ? error.message : textOf(error)
  begun.setStatus({ code: ERROR, message: cut(message) })
}

/** @param {Span | undefined} begun */
function ended(begun) {
  if (begun === undefined) return
  native?.tell(0)
  begun.end()
}

/** @param {Decision} decision */
function attributesOf({ call, kind, key, tier, outcome, reason, bytes, tags, lease, waitedFor }) {
  return {
    'cache.key': [cut(key)],
    ...(call === 'get' && { 'cache.hit': outcome !== 'miss' }),
    ...(bytes !== undefined && { 'cache.item_size': bytes }),
    ...(waitedFor?.includes('redis') && { 'db.system.name': 'redis' }),
    'tiercel.kind': kind.toLowerCase(),
    'tiercel.tier': tier,
    'tiercel.outcome': outcome,
    'tiercel.reason': reason || undefined,
    'tiercel.tags': tags?.slice(0, MOST_TAGS).map(cut),
    'tiercel.lease': lease,
    'tiercel.waited_for': waitedFor,
  }
}

/**
 * Describes the span of an invalidation.
 * @param {Span | undefined} begun
 * @param {string[]} tags
 * @param {boolean} isSoft
 * @param {boolean} isEverywhere whether everybody has acknowledged it
 */
function invalidated(begun, tags, isSoft, isEverywhere) {
  begun?.setAttributes({
    'tiercel.tags': tags.slice(0, MOST_TAGS).map(cut),
    'tiercel.outcome': isSoft ? 'soft' : 'hard',
    'tiercel.everywhere': isEverywhere,
  })
}

/** @param {string} text */
const cut = (text) => text.slice(0, MOST_LENGTH)

module.exports = { begin, span, expect, taken, generated, invalidated, failed, ended }
