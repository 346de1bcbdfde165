// @ts-check

const { isMainThread } = require('node:worker_threads')
const { native, start } = require('../native.js')
const next = require('../next.js')
const checks = require('./checks.js')
const { reportFailure } = require('./failures.js')
const { kv } = require('./kv.js')
const { tryLock } = require('./lock.js')

/**
 * A function that is called once in the fleet for each invalidation. One instance has the duty: it holds
 * a lock, reads from its own table what was invalidated, and keeps in the store how far it has come. When
 * it ends, another one goes on from there.
 *
 * @typedef {import('../../app.js').InvalidationEvent} InvalidationEvent
 * @typedef {import('../../app.js').InvalidationHook} Callback
 * @typedef {import('../../app.js').Held} Held
 * @typedef {{ epoch: string, position: number }} Cursor
 * @typedef {{ epoch: string, position: number, floor: number, all: { position: number, soft: boolean, tags: string[] }[] }} Recorded
 */

const OPTIONS = /** @type {const} */ (['name', 'timeout', 'onError'])
/** How long the duty stays with an instance that is gone. */
const TTL = '5s'
/** How often the others ask for it, and how often the one that has it looks, in ms. */
const ASK_MS = 2_000
const LOOK_MS = 50
/** A timer takes no more than 24 days. */
const TIMEOUT = { most: 3_600_000 }
const LEAST_PAUSE_MS = 100
const MOST_PAUSE_MS = 10_000
/** What `revalidatePath` makes of a path. */
const OF_PATH = '_N_T_'

const cursors = kv('tiercel.hooks', { ttl: '365d', values: 'json' })

/** By name: who registers again, as a module that is loaded again does, takes over. @type {Map<string, Duty>} */
const duties = new Map()

class Duty {
  /** @param {string} name */
  constructor(name) {
    this.name = name
    /** @type {Callback} */
    this.callback = () => {}
    /** Which registration it is for. @type {symbol | undefined} */
    this.registration = undefined
    /** @type {((error: unknown, event: Omit<InvalidationEvent, 'signal'>) => unknown) | undefined} */
    this.onError = undefined
    this.timeoutMs = 0
    this.isOver = false
    /** What is still to be written. @type {Cursor | undefined} */
    this.unsaved = undefined
  }

  async run() {
    start()
    while (!this.isOver) {
      try {
        const isKnown = ['none', 'connected'].includes(native.link())
        const serve = (/** @type {Held} */ held) => this.#serve(held)
        if (isKnown) await tryLock(`tiercel.hooks/${this.name}`, { ttl: TTL }, serve)
      } catch {
        // The store is away, and so nobody has the duty.
      }
      await pause(ASK_MS)
    }
  }

  /** @param {Held} held */
  async #serve(held) {
    // Of a process that stood still, who looks is told before the timer has.
    const isOver = () => this.isOver || held.signal.aborted
    let cursor = await this.#begin()
    while (!isOver()) {
      /** @type {Recorded} */
      const recorded = JSON.parse(native.recorded(cursor.position))
      for (const event of eventsOf(cursor, recorded)) {
        await this.#tell(event, held.signal, isOver)
        if (isOver()) return
        cursor = { epoch: recorded.epoch, position: event.position }
        await this.#save(cursor)
      }
      if (this.unsaved) await this.#save(this.unsaved)
      await pause(LOOK_MS)
    }
  }

  /** Where the last one stopped; a fleet that never had one begins now. @returns {Promise<Cursor>} */
  async #begin() {
    this.unsaved = undefined
    const found = /** @type {any} */ (await cursors.get(this.name))
    if (Number.isFinite(found?.position)) return found
    const { epoch, position } = JSON.parse(native.recorded(Number.MAX_SAFE_INTEGER))
    const cursor = { epoch, position }
    await cursors.set(this.name, cursor)
    return cursor
  }

  /** @param {Cursor} cursor */
  async #save(cursor) {
    try {
      await cursors.set(this.name, cursor)
      this.unsaved = undefined
    } catch {
      // Whoever goes on from an earlier one tells some of them once more.
      this.unsaved = cursor
    }
  }

  /**
   * Until it succeeds: what comes later has to wait.
   * @param {Omit<InvalidationEvent, 'attempt' | 'signal'>} what
   * @param {AbortSignal} lost
   * @param {() => boolean} isOver
   */
  async #tell(what, lost, isOver) {
    for (let attempt = 1; !isOver(); attempt++) {
      try {
        const tell = (/** @type {AbortSignal} */ signal) =>
          this.callback({ ...what, attempt, signal })
        return await inTime(lost, this.timeoutMs, tell)
      } catch (error) {
        if (isOver()) return
        const tell = this.onError && (() => this.onError?.(error, { ...what, attempt }))
        void reportFailure(this.name, attempt, error, tell)
      }
      await pause(Math.min(LEAST_PAUSE_MS * 2 ** (attempt - 1), MOST_PAUSE_MS))
    }
  }
}

/**
 * @param {AbortSignal} lost
 * @param {number} ms
 * @param {(signal: AbortSignal) => unknown} act
 */
async function inTime(lost, ms, act) {
  const controller = new AbortController()
  const lose = () => controller.abort(lost.reason)
  const timer = setTimeout(() => controller.abort(new Error(`not within ${ms} ms`)), ms).unref()
  lost.addEventListener('abort', lose)
  const { signal } = controller
  const late = new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  try {
    await Promise.race([act(signal), late])
  } finally {
    clearTimeout(timer)
    lost.removeEventListener('abort', lose)
  }
}

/**
 * @param {Cursor} cursor
 * @param {Recorded} recorded
 * @returns {Omit<InvalidationEvent, 'attempt' | 'signal'>[]}
 */
function eventsOf(cursor, { epoch, position, floor, all }) {
  const everything = (/** @type {number} */ at) => ({
    tags: [],
    paths: [],
    soft: false,
    everything: true,
    position: at,
  })
  // The server has lost its table.
  if (cursor.epoch !== epoch) return [everything(position)]
  const isCut = floor > cursor.position
  const rest = isCut ? all.filter((one) => one.position > floor) : all
  const events = rest.map(({ position, soft, tags }) => ({
    tags: tags.filter((tag) => !tag.startsWith(OF_PATH)),
    paths: tags.filter((tag) => tag.startsWith(OF_PATH)).map((tag) => tag.slice(OF_PATH.length)),
    soft,
    everything: false,
    position,
  }))
  return isCut ? [everything(floor), ...events] : events
}

/** Holds no process back. @param {number} ms @returns {Promise<void>} */
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms).unref())

/**
 * Calls a function once in the fleet for each invalidation, wherever that was made.
 * @param {Callback} callback
 * @param {import('../../app.js').HookOptions} [options]
 * @returns {() => void} ends it in this process
 */
function onInvalidate(callback, options) {
  const given = checks.options('onInvalidate', options, OPTIONS)
  const name = checks.group('onInvalidate: `name`', given.name ?? 'default')
  const timeout = checks.duration('onInvalidate: `timeout`', given.timeout ?? '30s', TIMEOUT)
  if (given.onError !== undefined) checks.callable('onInvalidate: `onError`', given.onError)
  const body = /** @type {Callback} */ (checks.callable('the function', callback))
  // A build invalidates nothing that a server has.
  if (next.isBuilding() || !isMainThread) return () => {}
  const known = duties.get(name)
  const duty = known ?? new Duty(name)
  // The same function may be registered again.
  const registration = Symbol(name)
  Object.assign(duty, { callback: body, onError: given.onError, timeoutMs: timeout, registration })
  if (!known) {
    duties.set(name, duty)
    void duty.run()
  }
  return () => {
    // Another one may have taken over, or this one has ended before.
    if (duty.registration !== registration || duty.isOver) return
    duty.isOver = true
    duties.delete(name)
  }
}

module.exports = { onInvalidate }
