// @ts-check

const { randomBytes } = require('node:crypto')
const { ASK } = require('../abi.js')
const checks = require('./checks.js')
const { failure } = require('./errors.js')
const { Hold, Patience, undo } = require('./hold.js')
const { ask } = require('./store.js')
const { Turns } = require('./turns.js')

const OPTIONS = /** @type {const} */ (['ttl', 'waitMs', 'signal'])
const TRY_OPTIONS = /** @type {const} */ (['ttl'])
/** Locks have names of their own, and no group. */
const GROUP = '-'
const TTL = { least: 1_000, most: 3_600_000 }
const MOST_WAIT_MS = 3_600_000

/** @typedef {InstanceType<typeof Hold> & { held: import("../../app.d.ts").Held }} Taken */

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
  const patience = new Patience('lock', waitMs, given.signal, late)
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
  await turns.take(own, new Patience('tryLock', 0, undefined, late))
  try {
    const hold = await asOwner(own, ttlMs, (owner) => attempt(own, owner, ttlMs, 0))
    if (typeof hold === 'number') return { acquired: false }
    return { acquired: true, value: await holding(hold, body) }
  } finally {
    turns.pass(own)
  }
}

function late() {
  return failure('TIERCEL_LOCK_TIMEOUT', 'the lock was not to be had within `waitMs`')
}

/** @param {string} key @param {number} ttlMs @param {InstanceType<typeof Patience>} patience */
async function acquired(key, ttlMs, patience) {
  return asOwner(key, ttlMs, async (owner) => {
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
 * @param {number} ttlMs
 * @param {(owner: string) => Promise<T>} act
 * @returns {Promise<T>}
 */
async function asOwner(key, ttlMs, act) {
  const owner = randomBytes(16).toString('hex')
  try {
    return await act(owner)
  } catch (error) {
    // It may have a place in the queue, or the lock itself, and not know.
    void undo(ttlMs, () => ask(ASK.LOCK_RELEASE, GROUP, key, owner))
    throw error
  }
}

/**
 * @param {string} key
 * @param {string} owner
 * @param {number} ttlMs
 * @param {0 | 1} waits
 * @returns {Promise<Taken | number>} or when to ask again, in ms
 */
async function attempt(key, owner, ttlMs, waits) {
  const asked = performance.now()
  const [word, detail] = await ask(ASK.LOCK_ACQUIRE, GROUP, key, owner, ttlMs, waits)
  if (word !== 'taken') return detail
  const hold = new Hold({
    ttlMs,
    asked,
    renew: async () => (await ask(ASK.LOCK_RENEW, GROUP, key, owner, ttlMs))[0] === 'done',
    release: () => ask(ASK.LOCK_RELEASE, GROUP, key, owner),
    lost: () => failure('TIERCEL_LOCK_LOST', 'the lock was lost while it was held'),
  })
  const held = Object.freeze({
    key,
    token: detail,
    get signal() {
      return hold.signal
    },
  })
  return Object.assign(hold, { held })
}

/** @param {Taken} hold @param {Function} body */
async function holding(hold, body) {
  try {
    return await body(hold.held)
  } finally {
    await hold.release()
  }
}

module.exports = { lock: Object.assign(lock, { tryLock }), tryLock }
