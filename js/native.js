// @ts-check

const { isMainThread } = require('node:worker_threads')
const { app } = require('./app.js')
const hot = require('./hot.js')
const next = require('./next.js')
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
 * @property {() => number} drain
 * @property {() => void} flush
 * @property {() => number} revision
 * @property {(tags: string[]) => number} diedAt
 * @property {(kindAndFlags: number, key: string, began: number | number[], tags: unknown, revalidate: unknown, expire: unknown, parts: unknown[], app: number) => number} put
 * @property {(key: string, timestamp: number, revalidate: number, keep: number, tags: string[], json: string, chunks: Uint8Array[], flags: number) => number} putUse
 * @property {(key: string) => void} beginUse
 * @property {(kind: number, key: string, app: number) => void} abandon
 * @property {(kind: number, key: string, app: number) => void} idle
 * @property {(kind: number, key: string, app: number) => void} see
 * @property {(tags: string[], expire?: number) => number} invalidate
 * @property {() => string} why
 * @property {(given: string, env: string) => { debug: boolean, graceMs: number, mustRecord: boolean }} configure
 * @property {() => void} quit
 * @property {() => string[]} envNames
 * @property {(version: string | undefined, building: boolean, dev: boolean, namespace: string, sure: boolean) => void} app
 * @property {(path: string, label: string, build: import('./build.js').Build | undefined) => number} serverDir
 * @property {() => string} stats as JSON
 * @property {() => 'none' | 'connected' | 'connecting' | 'away' | 'denied'} link
 */

/** @type {Native} */
const native = require('./loader.js').load()

/** What a call answers beside its result; written by the addon. */
const mailbox = new Float64Array(5)

/** Places in the mailbox. With a token the mark is the flags to ask again with, the detail for how
 * long to wait, in ms, and the handle for how long a get may wait in all. */
const MARK = 0
const DETAIL = 1
const REVISION = 2
const HANDLE = 3
const ATTACHED = 4

/** Marks: how to read a returned entry. Any other: with another lifetime. */
const FRESH = 0
const STALE = 1
const MODIFIED = 2
const MEANWHILE = 5
/** Of a check: fresh, if the tags of who asks do not say otherwise. */
const ASKED = 4

/** Flags of a get, as in `src/binding/terms.rs`; `find` takes them shifted, above the kind. */
const FALLBACK = 1
const PPR = 2
const LOCAL = 4
const ASIDE = 8
const PREFETCH = 16
const KEPT = 32
const MARKED = 64
const LATE = 128
const OVER = 256
const SHIFT = 8

/** How long something stale may look fresh while another process generates, in seconds. */
const MEANWHILE_SECS = 2

/** The clock on which Next.js compares timestamps, in ms. */
const now = () => performance.timeOrigin + performance.now()

let isFlushing = false

function flush() {
  isFlushing = false
  native.flush()
}

/**
 * The answer to a get that was told to wait, by a token: it waits and asks again, as often as it is
 * told to and until its time is over. What is read meanwhile leaves with everything else of this
 * tick.
 * @param {number} token
 * @param {(flags: number) => any} ask
 * @param {number} [since] when the get began, if it has waited before, on `performance.now()`
 */
async function outlast(token, ask, since = performance.now()) {
  const due = since + mailbox[HANDLE]
  let answer = token
  while (typeof answer === 'number') {
    if (!isFlushing) {
      isFlushing = true
      queueMicrotask(flush)
    }
    const flags = mailbox[MARK]
    const ending = await waits.wait(answer, Math.min(mailbox[DETAIL], due - performance.now()))
    const late = ending === waits.LATE ? LATE | (performance.now() < due ? 0 : OVER) : 0
    answer = ask(flags | late)
  }
  return answer
}

/** Waits until everything written so far has reached the server. */
async function drained() {
  const token = native.drain()
  if (token !== 0) await waits.wait(token, mailbox[DETAIL])
}

/** What follows from which Next.js runs here. */
const known = { mustRemember: false }
/** What the addon was told of the app.
 * @type {import('./app.js').App | undefined} */
let told

/**
 * Tells the addon which app runs here, as soon as it is known and as often as more of it is.
 * @param {string} [serverDir] a `.next/server`, which Next.js gives handlers
 */
function learn(serverDir) {
  if (told?.isSure) return
  const found = app(serverDir)
  if (found === told) return
  told = found
  known.mustRemember = next.mustRemember(found)
  const { version, isNext, isSure } = found
  const namespace = `${found.name}:${process.env.NODE_ENV || 'production'}`
  native.app(
    version ?? (isNext ? '' : undefined),
    next.isBuilding(),
    next.isDev(),
    namespace,
    isSure,
  )
}

/**
 * Starts the engine of this process, if nobody has, with the options chosen so far.
 * @param {string} [serverDir] see {@link learn}
 */
function start(serverDir) {
  learn(serverDir)
  if (mailbox[ATTACHED] === 1) return
  // Perhaps another copy of this module has attached since: what was kept here is not looked after.
  hot.clear()
  const isShared = native.attach(mailbox, values.assemble, waits.settle, hot.forget, now)
  // No hook of the addon would do: `process.exit` runs none, and that is how servers end.
  if (isShared && isMainThread) process.once('exit', native.quit)
}

/**
 * Whether an object that is ready may be returned to who asks with these tags. The addon judges; it
 * is asked about the same tags once per revision.
 * @param {import('./hot.js').Hot} ready
 * @param {string[] | undefined} tags
 * @param {string[] | undefined} softTags
 */
function isFresh(ready, tags, softTags) {
  const { handle } = ready
  native.check(handle)
  const mark = mailbox[MARK]
  if (mark !== ASKED) return mark === FRESH
  const revision = mailbox[REVISION]
  if (hot.isKnown(ready, revision, tags, softTags)) return true
  native.checkAsked(handle, tags, softTags)
  if (mailbox[MARK] !== FRESH) return false
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
  const handle = mailbox[HANDLE]
  if (answer === true) return hot.byHandle(handle)
  hot.keep(map, kind, key, answer, handle)
  return answer
}

module.exports = {
  native,
  mailbox,
  known,
  learn,
  start,
  objectOf,
  MARK,
  DETAIL,
  REVISION,
  FRESH,
  STALE,
  MODIFIED,
  MEANWHILE,
  MEANWHILE_SECS,
  isFresh,
  now,
  FALLBACK,
  PPR,
  LOCAL,
  ASIDE,
  PREFETCH,
  KEPT,
  MARKED,
  SHIFT,
  outlast,
  drained,
}
