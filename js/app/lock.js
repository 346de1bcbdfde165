// @ts-check

const { randomBytes } = require('node:crypto')
const { ASK } = require('../abi.js')
const checks = require('./checks.js')
const { failure, invalid } = require('./errors.js')
const { ask } = require('./store.js')
const { Turns } = require('./turns.js')

const OPTIONS = /** @type {const} */ (['ttl', 'waitMs', 'signal'])
const TRY_OPTIONS = /** @type {const} */ (['ttl'])
/** Locks have names of their own, and no group. */
const GROUP = '-'
const TTL = { least: 1_000, most: 3_600_000 }
const MOST_WAIT_MS = 3_600_000

/** Who waits in this process, by key: one of them at a time waits for the store. */
const turns = new Turns()

/**
 * Runs a function while nobody else of the fleet does under the same key.
 * @template T
 * @param {string} key
 * @param {any} options may be left out
 * @param {(held: import("../../app.d.ts").Held) => T | Promise<T>} [run]
 * @returns {Promise<T>}
 */
async function lock(key, options, run) {
  if (run === undefined) return lock(key, {}, options)
  const own = checks.own('the key', key)
  const given = checks.options('lock', options, OPTIONS)
  const ttlMs = checks.duration('lock: `ttl`', given.ttl ?? '30s', TTL)
  const waitMs = checks.whole('lock: `waitMs`', given.waitMs ?? 10_000, 0, MOST_WAIT_MS)
  const body = checks.callable('the function', run)
  const patience = new Patience(waitMs, given.signal)
  await turns.take(own, patience)
  try {
    return await holding(await acquired(own, ttlMs, patience), body)
  } finally {
    turns.pass(own)
  }
}

/**
 * The same if the lock is free now.
 * @template T
 * @param {string} key
 * @param {any} options may be left out
 * @param {(held: import("../../app.d.ts").Held) => T | Promise<T>} [run]
 * @returns {Promise<{ acquired: true, value: T } | { acquired: false }>}
 */
async function tryLock(key, options, run) {
  if (run === undefined) return tryLock(key, {}, options)
  const own = checks.own('the key', key)
  const { ttl = '30s' } = checks.options('tryLock', options, TRY_OPTIONS)
  const ttlMs = checks.duration('tryLock: `ttl`', ttl, TTL)
  const body = checks.callable('the function', run)
  if (!turns.isFree(own)) return { acquired: false }
  await turns.take(own, new Patience(0, undefined))
  try {
    const hold = await asOwner(own, (owner) => attempt(own, owner, ttlMs, 0))
    if (typeof hold === 'number') return { acquired: false }
    return { acquired: true, value: await holding(hold, body) }
  } finally {
    turns.pass(own)
  }
}

/** How long somebody waits. */
class Patience {
  #until
  #signal
  /** @param {number} waitMs @param {any} signal */
  constructor(waitMs, signal) {
    // One of another realm is no instance of ours.
    if (signal !== undefined && typeof signal?.throwIfAborted !== 'function') {
      throw invalid('lock: `signal`', 'an AbortSignal', signal)
    }
    this.#until = performance.now() + waitMs
    this.#signal = /** @type {AbortSignal | undefined} */ (signal)
    this.#signal?.throwIfAborted()
  }

  /**
   * Resolves after `ms`, or as soon as `wake` is called; rejects when the time is over.
   * @param {number} ms
   * @param {(wake: () => void) => void} [begin]
   * @returns {Promise<void>}
   */
  pause(ms, begin) {
    const left = this.#until - performance.now()
    return new Promise((resolve, reject) => {
      const end = (/** @type {() => void} */ how) => {
        clearTimeout(timer)
        this.#signal?.removeEventListener('abort', aborted)
        how()
      }
      const aborted = () => end(() => reject(this.#signal?.reason))
      const over = () => end(ms < left ? resolve : () => reject(late()))
      const timer = setTimeout(over, Math.max(0, Math.min(ms, left)))
      this.#signal?.addEventListener('abort', aborted)
      begin?.(() => end(resolve))
    })
  }
}

function late() {
  return failure('TIERCEL_LOCK_TIMEOUT', 'the lock was not to be had within `waitMs`')
}

/** @param {string} key @param {number} ttlMs @param {Patience} patience */
async function acquired(key, ttlMs, patience) {
  return asOwner(key, async (owner) => {
    for (;;) {
      const hold = await attempt(key, owner, ttlMs, 1)
      if (typeof hold !== 'number') return hold
      await patience.pause(hold)
    }
  })
}

/**
 * Acts under a new name for the store.
 * @template T
 * @param {string} key
 * @param {(owner: string) => Promise<T>} act
 * @returns {Promise<T>}
 */
async function asOwner(key, act) {
  const owner = randomBytes(16).toString('hex')
  try {
    return await act(owner)
  } catch (error) {
    // It may have a place in the queue, or the lock itself, and not know.
    ask(ASK.LOCK_RELEASE, GROUP, key, owner).catch(() => {})
    throw error
  }
}

/**
 * @param {string} key
 * @param {string} owner
 * @param {number} ttlMs
 * @param {0 | 1} waits
 * @returns {Promise<Hold | number>} or when to ask again, in ms
 */
async function attempt(key, owner, ttlMs, waits) {
  const asked = performance.now()
  const [word, detail] = await ask(ASK.LOCK_ACQUIRE, GROUP, key, owner, ttlMs, waits)
  return word === 'taken' ? new Hold(key, owner, ttlMs, detail, asked) : detail
}

/** @param {Hold} hold @param {Function} body */
async function holding(hold, body) {
  try {
    return await body(hold.held)
  } finally {
    await hold.release()
  }
}

/** A lock that is held: renewed until it is given back, or found to be lost. */
class Hold {
  #key
  #owner
  #ttlMs
  /** Made when somebody looks, or when it is lost: most holders never do. @type {AbortController | undefined} */
  #abort
  /** @type {NodeJS.Timeout | undefined} */
  #renewal
  /** @type {NodeJS.Timeout | undefined} */
  #end
  /** Until when it is held, at least. */
  #until = 0

  /** @param {string} key @param {string} owner @param {number} ttlMs @param {number} token @param {number} asked */
  constructor(key, owner, ttlMs, token, asked) {
    this.#key = key
    this.#owner = owner
    this.#ttlMs = ttlMs
    const current = () => this.#signal
    this.held = Object.freeze({
      key,
      token,
      get signal() {
        return current()
      },
    })
    this.#keepFrom(asked)
  }

  /** Of a process that stood still, the timer may be late: who looks is told in any case. */
  get #signal() {
    if (this.#renewal !== undefined && performance.now() >= this.#until) this.#lose()
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }

  /** It is held for its time from when that was asked for, at least. @param {number} asked */
  #keepFrom(asked) {
    this.#until = asked + this.#ttlMs
    const left = this.#until - performance.now()
    clearTimeout(this.#end)
    this.#end = setTimeout(() => this.#lose(), Math.max(0, left)).unref()
    const pause = Math.max(0, Math.min(this.#ttlMs / 3, left / 2))
    this.#renewal = setTimeout(() => this.#renew(), pause).unref()
  }

  async #renew() {
    const asked = performance.now()
    try {
      const [word] = await ask(ASK.LOCK_RENEW, GROUP, this.#key, this.#owner, this.#ttlMs)
      if (this.#renewal === undefined) return
      if (word !== 'done') return this.#lose()
      this.#keepFrom(asked)
    } catch {
      // Nobody knows; until its time is over it is held.
      if (this.#renewal === undefined) return
      this.#renewal = setTimeout(() => this.#renew(), Math.min(this.#ttlMs / 10, 500)).unref()
    }
  }

  #stop() {
    clearTimeout(this.#renewal)
    clearTimeout(this.#end)
    this.#renewal = undefined
  }

  #lose() {
    this.#stop()
    this.#abort ??= new AbortController()
    this.#abort.abort(failure('TIERCEL_LOCK_LOST', 'the lock was lost while it was held'))
  }

  async release() {
    this.#stop()
    try {
      await ask(ASK.LOCK_RELEASE, GROUP, this.#key, this.#owner)
    } catch {
      // Then it ends by itself.
    }
  }
}

module.exports = { lock: Object.assign(lock, { tryLock }), tryLock }
