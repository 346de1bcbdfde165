// @ts-check

const { isMainThread } = require('node:worker_threads')
const { ENDING, FIELD, FLAG, MAILBOX, MARK } = require('./abi.js')
const { app } = require('./app.js')
const channels = require('./channels.js')
const hot = require('./hot.js')
const build = require('./build.js')
const next = require('./next.js')
const notices = require('./notices.js')
const telemetry = require('./telemetry.js')
const values = require('./values.js')
const waits = require('./waits.js')

/**
 * The addon of this environment, attached to its JavaScript side.
 *
 * @typedef {object} Native
 * @property {(mailbox: Float64Array, assemble: Function, settle: Function, forget: Function, now: () => number) => number} attach
 * @property {(handle: number) => void} check
 * @property {(handle: number, tags: unknown, softTags: unknown) => void} checkAsked
 * @property {(kindAndFlags: number, key: string, tags: unknown, softTags: unknown, app: number) => any} find
 * @property {(key: string, softTags: unknown, flags: number) => any} findUse
 * @property {(key: string, flags: number, waitMs: number | undefined) => any} findOwn
 * @property {() => number} drain
 * @property {() => void} flush
 * @property {() => number} revision
 * @property {(began: [revision: number, ms: number]) => 0 | 1} isCurrent
 * @property {(tags: string[]) => number} diedAt
 * @property {(kindAndFlags: number, key: string, began: number | number[], tags: unknown, revalidate: unknown, expire: unknown, parts: unknown[], app: number) => number} put
 * @property {(key: string, timestamp: number, revalidate: number, keep: number, tags: string[], json: string, chunks: Uint8Array[], flags: number) => number} putUse
 * @property {(key: string) => void} beginUse
 * @property {(kind: number, key: string, app: number) => void} abandon
 * @property {(kind: number, key: string, app: number) => void} idle
 * @property {(kind: number, key: string, app: number) => void} see
 * @property {(tags: string[], expire?: number) => number} invalidate
 * @property {() => string} why
 * @property {(on: 0 | 1) => void} tell
 * @property {(after?: number) => string} told
 * @property {() => void} hush
 * @property {(most: number) => string} decisions
 * @property {(after: number) => string} heard
 * @property {(after: number) => string} recorded
 * @property {() => number | any[] | undefined} instances
 * @property {(of: string) => number | any[] | undefined} accounts
 * @property {(key: string, url: string) => void} noteUrl
 * @property {() => string} history
 * @property {(order: number, group: string | number, own: string, ...details: unknown[]) => number | any[] | undefined} ask
 * @property {(token: number) => any[] | undefined} answered
 * @property {(group: string, onError: number, windows: number[], mode: number) => number | undefined} limiter
 * @property {(group: string, ttlMs: number, bucketMs: number, historyMs: number, flushMs: number) => number | undefined} counter
 * @property {(counter: number, id: string, amount: number | string) => 0 | 1 | undefined} add
 * @property {(tell: Function) => void} hear
 * @property {() => void} speak
 * @property {(given: string, env: string, others: string[]) => { debug: boolean, debugTime: boolean, graceMs: number, mustRecord: boolean }} configure
 * @property {() => void} quit
 * @property {() => string[]} envNames
 * @property {(version: string | undefined, building: boolean, dev: boolean, namespace: string, sure: boolean) => void} app
 * @property {(next: string | undefined, node: string, build: string | undefined, namedBy: string) => void} describe
 * @property {(code: string, text: string) => void} report
 * @property {() => void} noteSeveral
 * @property {() => { code: string, message: string } | null} trouble
 * @property {(path: string, label: string, build: import('./build.js').Build | undefined) => number} serverDir
 * @property {() => string} stats
 * @property {() => 'none' | 'connected' | 'connecting' | 'away' | 'denied'} link
 * @property {Function} Operator
 * @property {(given: string, env: string, namespace: string) => any} operator
 * @property {(kind: number) => string} kindTag
 * @property {(kind: number, label: string, key: string) => string} keyTag
 */

/** @type {Native} */
const native = require('./loader.js').load()

native.hear(notices.tell)

/** The part of an answer in addition to the result of the call; the addon writes it. */
const mailbox = new Float64Array(MAILBOX)

/** What the addon left with an answer: a mark, its detail and a revision; see `FIELD`. */
const left = () => [mailbox[FIELD.MARK], mailbox[FIELD.DETAIL], mailbox[FIELD.REVISION]]

/** How long something stale may look fresh while another process generates, in seconds. */
const MEANWHILE_SECS = 2

/** The clock on which Next.js compares timestamps, in ms. */
const now = () => performance.timeOrigin + performance.now()

const settled = Promise.resolve()
let isFlushing = false

function flush() {
  isFlushing = false
  native.flush()
}

/** Has everything sent that the calls of this tick have asked for, together. */
function send() {
  if (isFlushing) return
  isFlushing = true
  // A microtask without a resource of its own, as `queueMicrotask` would make one.
  settled.then(flush)
}

/**
 * The answer to a get that has to wait, for a token: waits and asks again, as often as the addon
 * says so and until the time of the get is over.
 * @param {number} token
 * @param {(flags: number, span: import('@opentelemetry/api').Span | undefined) => any} ask
 * @param {number} [since] when the get began, if it has waited before, on `performance.now()`
 */
async function outlast(token, ask, since = performance.now()) {
  const due = since + mailbox[FIELD.HANDLE]
  const span = telemetry.span('get', performance.timeOrigin + since)
  let answer = token
  try {
    while (typeof answer === 'number') {
      send()
      const flags = mailbox[FIELD.MARK]
      const ms = Math.min(mailbox[FIELD.DETAIL], due - performance.now())
      const ending = await waits.wait(answer, ms)
      const at = performance.now()
      const late = ending === ENDING.LATE ? FLAG.LATE | (at < due ? 0 : FLAG.OVER) : 0
      mailbox[FIELD.WAITED] = at - since
      telemetry.expect(span)
      answer = ask(flags | late, span)
    }
    return answer
  } catch (error) {
    telemetry.failed(span, error)
    throw error
  } finally {
    telemetry.ended(span)
  }
}

/** Waits until everything written so far has reached the server. */
async function drained() {
  const token = native.drain()
  if (token !== 0) await waits.wait(token, mailbox[FIELD.DETAIL])
}

/** What the version of Next.js requires. */
const known = { mustRemember: false }
/** The app that the addon knows.
 * @type {import('./app.js').App | undefined} */
let named

/**
 * Names the running app to the addon, as soon as it is known and whenever more of it is.
 * @param {string} [serverDir] a `.next/server`, which Next.js gives handlers
 */
function learn(serverDir) {
  if (named?.isSure) return
  const found = app(serverDir)
  if (found === named) return
  named = found
  known.mustRemember = next.mustRemember(found)
  const { version, isNext, isSure } = found
  native.describe(
    version ?? (isNext ? 'unknown' : undefined),
    process.versions.node,
    build.idOf(serverDir),
    found.namedBy,
  )
  const namespace = `${found.name}:${process.env.NODE_ENV || 'production'}`
  native.app(
    version ?? (isNext ? '' : undefined),
    next.isBuilding(),
    next.isDev(),
    namespace,
    isSure,
  )
}

function quit() {
  native.quit()
  native.speak()
}

/**
 * Starts the engine of this process, unless it runs, with the options chosen so far.
 * @param {string} [serverDir] see {@link learn}
 */
function start(serverDir) {
  learn(serverDir)
  if (mailbox[FIELD.ATTACHED] === 1) return
  // Perhaps another copy of this module has attached since: objects kept here are no longer retired.
  hot.clear()
  const isShared = native.attach(mailbox, values.assemble, waits.settle, hot.forget, now)
  channels.begin(native)
  telemetry.begin(native)
  // The process may end before its next turn.
  native.speak()
  // No hook of the addon would do: servers end by `process.exit`, which runs none.
  if (isShared && isMainThread) process.once('exit', quit)
}

/**
 * Whether a ready object may be returned to a caller with these tags. The addon judges, about the
 * same tags once per revision.
 * @param {import('./hot.js').Hot} ready
 * @param {string[] | undefined} tags
 * @param {string[] | undefined} softTags
 */
function isFresh(ready, tags, softTags) {
  const { handle } = ready
  native.check(handle)
  const mark = mailbox[FIELD.MARK]
  if (mark !== MARK.ASKED) return mark === MARK.FRESH
  const revision = mailbox[FIELD.REVISION]
  if (hot.isKnown(ready, revision, tags, softTags)) return true
  native.checkAsked(handle, tags, softTags)
  if (mailbox[FIELD.MARK] !== MARK.FRESH) return false
  hot.know(ready, revision, tags, softTags)
  return true
}

/**
 * The object behind an answer of the addon: a new one, to be kept, or `true` for one that is kept.
 * @param {Map<string, import('./hot.js').Hot>} map where it is kept
 * @param {string} kind
 * @param {string} key
 * @param {any} answer
 */
function objectOf(map, kind, key, answer) {
  const handle = mailbox[FIELD.HANDLE]
  if (answer === true) return hot.byHandle(handle)
  hot.keep(map, kind, key, answer, handle)
  return answer
}

module.exports = {
  native,
  mailbox,
  left,
  known,
  learn,
  start,
  objectOf,
  MEANWHILE_SECS,
  isFresh,
  now,
  send,
  outlast,
  drained,
}
