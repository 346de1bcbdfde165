// @ts-check

const { AsyncLocalStorage } = require('node:async_hooks')
const channel = require('node:diagnostics_channel')
const { KIND } = require('./abi.js')
const { native } = require('./native.js')
const next = require('./next.js')

/**
 * Requests, and the keys that each of them is expected to generate.
 *
 * A request that misses, or receives a stale value, is expected to generate it, and others wait or
 * make do meanwhile. This module observes that instead of assuming it: by the render that begins
 * for the same request, by the work that Next.js has under way for it, and by its end. A request
 * that cannot be observed (it began before this module was loaded, it came by HTTP/2) leads only
 * briefly.
 */

/** Between looks at background work, in ms: half of the time for which the engine believes a leader. */
const LOOK_MS = 400
/** The same between gets: a thread busy with hundreds of requests runs no timer meanwhile. */
const GLANCE_MS = 50
/** How long a request that has ended may still store what it generated, in ms. */
const GRACE_MS = 250
/** Leads that one request may have; more are not watched. */
const MOST = 1_024
/** The longest that the engine believes a leader, in ms. */
const LONGEST_MS = 10_000

/**
 * @typedef {object} Lead
 * @property {number} kind
 * @property {string} key
 * @property {number} app the number of its app
 * @property {boolean} isStale whether something stale was served
 * @property {number} since on `performance.now()`
 * @property {any} store Next's store of the work it is part of
 * @property {number} pending the number of jobs that store had under way before
 * @property {boolean} isSeen whether a render has begun for it
 */

/** One HTTP request. */
class Visit {
  /** @type {Map<string, Lead>} */
  #leads = new Map()
  #isWatched = false
  #hasStalePage = false

  /** @param {any} request @param {any} response */
  constructor(request, response) {
    this.request = request
    this.response = response
  }

  /**
   * A get of this request is expected to generate.
   * @param {number} kind
   * @param {string} key
   * @param {boolean} isStale
   * @param {number} app
   */
  lead(kind, key, isStale, app) {
    if (this.#leads.size >= MOST) return
    // Work after the end of a request cannot be observed.
    if (!isStale && this.response.writableEnded) return
    const store = next.work()
    const since = performance.now()
    const pending = pendingOf(store)
    const lead = { kind, key, app, isStale, since, store, pending, isSeen: false }
    this.#leads.set(key, lead)
    if (isStale) {
      this.#hasStalePage ||= isPage(kind)
      watch(lead)
    } else if (!this.#isWatched) {
      this.#isWatched = true
      this.response.once('close', () => this.#closed())
    }
  }

  /** The value generated for a key is on its way. @param {string} key */
  ended(key) {
    const lead = this.#leads.get(key)
    if (lead === undefined) return
    this.#leads.delete(key)
    watched.delete(lead)
  }

  /** A render has begun, or goes on: that of the page which was found stale. */
  renders() {
    if (!this.#hasStalePage) return
    for (const lead of this.#leads.values()) {
      if (lead.isStale && isPage(lead.kind) && !lead.isSeen) {
        lead.isSeen = true
        native.see(lead.kind, lead.key, lead.app)
      }
    }
  }

  /** The answer is out. No generation that it waited for goes on any more, unless it was cut. */
  #closed() {
    // A render of a page behind its answer has just begun.
    if (!this.response.writableFinished || this.#hasStalePage) return
    const before = performance.now()
    setTimeout(() => this.#isOver(before), GRACE_MS).unref()
  }

  /** @param {number} closed */
  #isOver(closed) {
    for (const lead of this.#leads.values()) {
      if (lead.isStale || lead.since > closed) continue
      this.#leads.delete(lead.key)
      native.idle(lead.kind, lead.key, lead.app)
    }
  }
}

/** @param {number} kind */
const isPage = (kind) => kind !== KIND.FETCH && kind !== KIND.USE_CACHE

/**
 * The number of jobs that Next.js has under way behind an answer.
 * @param {any} store
 * @returns {number}
 */
function pendingOf(store) {
  if (!store) return 0
  const { pendingRevalidates, pendingRevalidateWrites } = store
  return Object.keys(pendingRevalidates ?? {}).length + (pendingRevalidateWrites?.length ?? 0)
}

/** Generations behind an answer, as long as they are believed.
 * @type {Set<Lead>} */
const watched = new Set()
/** @type {NodeJS.Timeout | undefined} */
let timer
/** When that was last looked at, on `performance.now()`. */
let looked = 0

/** @param {Lead} lead */
function watch(lead) {
  watched.add(lead)
  timer ??= setInterval(look, LOOK_MS).unref()
}

/** Updates the engine on generations of this process, before a get learns who generates. */
function glance() {
  if (watched.size > 0 && performance.now() - looked >= GLANCE_MS) look()
}

function look() {
  const now = performance.now()
  looked = now
  for (const lead of watched) {
    if (now - lead.since > LONGEST_MS) watched.delete(lead)
    else if (lead.isSeen || pendingOf(lead.store) > lead.pending)
      native.see(lead.kind, lead.key, lead.app)
  }
  if (watched.size > 0) return
  clearInterval(timer)
  timer = undefined
}

/** One storage for all copies of this module, so that each request is noted once. */
const STORAGE = Symbol.for('tiercel.visits')

/** @returns {AsyncLocalStorage<Visit>} */
function storageOfProcess() {
  const known = /** @type {any} */ (globalThis)[STORAGE]
  if (known) return known
  /** @type {AsyncLocalStorage<Visit>} */
  const storage = new AsyncLocalStorage()
  Object.defineProperty(globalThis, STORAGE, { value: storage })
  if (next.isBuilding()) return storage
  channel.subscribe('http.server.request.start', (/** @type {any} */ { request, response }) => {
    storage.enterWith(new Visit(request, response))
  })
  return storage
}

const storage = storageOfProcess()

/** The request that a call follows from. */
const current = () => storage.getStore()

/** Where Next.js keeps what it finds out about a request: `request-meta.js`, 16.0 to 16.4. */
const META = Symbol.for('NextInternalRequestMeta')

/**
 * Whether Next.js takes the request for a prefetch, which generates nothing that is stale:
 * `handleResponse` in `route-module.js`, from 16.3 on. The headers that say so are gone by then.
 */
function isPrefetch() {
  return current()?.request[META]?.isPrefetchRSCRequest === true
}

module.exports = { current, isPrefetch, glance }
