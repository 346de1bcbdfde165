// @ts-check

const { FLAG, KIND, MARK } = require('../../abi.js')
const { native, now } = require('../../native.js')
const next = require('../../next.js')
const { failure } = require('../errors.js')
const { UNREADABLE, decode } = require('./codec.js')
const { look, opened, present } = require('./entry.js')
const { Flight, behind, flights, given } = require('./flight.js')
const { handOn, made, staleOf } = require('./hand-on.js')

/** How long calls of one thread wait for each other, in ms: a function may never return. */
const USUAL_WAIT_MS = 30_000
/** A call has waited long enough. */
const LATE = Symbol('late')

/**
 * A call that is not answered by memory.
 * @typedef {object} Call
 * @property {import('./place.js').Place} place
 * @property {string} own
 * @property {string} key
 * @property {Function} run
 * @property {import('./plan.js').Plan} plan
 * @property {boolean} isKept whether what is made of the value is kept
 * @property {(() => void) | undefined} waits hears that another generates
 * @property {number} since the last generation that began before the call
 * @property {Set<InstanceType<typeof Flight>>} passed generations that took too long, or were of no use
 */

/**
 * A value of the cache, or of the function: everything but a hit in memory.
 * @param {import('./place.js').Place} place
 * @param {string} own
 * @param {Function} run
 * @param {import('./plan.js').Plan} plan
 * @param {() => void} [waits] hears that another generates
 * @returns {Promise<any>}
 */
async function getOrSet(place, own, run, plan, waits) {
  const isKept = next.isPartOfKept()
  let flags = plan.isLocal ? FLAG.LOCAL : 0
  if (isKept) flags |= FLAG.KEPT
  const since = Flight.begun
  /** @type {Call} */
  const call = {
    ...{ place, own, key: place.prefix + own, run, plan },
    ...{ isKept, waits, since, passed: new Set() },
  }
  let isOfUse = false
  const join = () => {
    const flight = flights.get(call.key)
    if (flight === undefined || flight.isRenewal || !mayWaitFor(call, flight)) return undefined
    isOfUse = isGood(call, flight)
    // At once: all others may leave it meanwhile.
    flight.join(plan.signal !== undefined)
    return flight
  }
  const take = (/** @type {import('./entry.js').Answer} */ answer) => ({
    taken: answered(call, answer),
  })
  for (;;) {
    const answer = await look(place, own, { flags, waitMs: plan.waitMs, join, waits, take })
    if (!(answer instanceof Flight)) return answer.taken
    waits?.()
    const outcome = await waitFor(answer, plan, plan.waitMs ?? USUAL_WAIT_MS)
    // Unless something was invalidated before the call: then the engine judges. If it took too long,
    // one of those who waited generates, and the others wait for that one.
    if (outcome !== LATE) {
      if (outcome.kind === 'failed') throw outcome.error
      if (isOfUse || isGood(call, answer)) {
        const value = given(outcome, plan)
        if (value !== UNREADABLE) return handedOn(call, made(outcome), value)
      }
    }
    call.passed.add(answer)
  }
}

/** Whether a call may wait for a generation: for one, and for one more. @param {Call} call @param {InstanceType<typeof Flight>} flight */
function mayWaitFor({ plan, passed }, flight) {
  if (plan.waitMs === 0 || passed.size > 1 || passed.has(flight)) return false
  // Nobody has waited for a renewal so far.
  return !flight.isRenewal || now() - flight.began[1] < (plan.waitMs ?? USUAL_WAIT_MS)
}

/**
 * Whether a value under way is as good as one that the call generates: nothing was invalidated
 * between its beginning and the call.
 * @param {Call} call @param {InstanceType<typeof Flight>} flight
 */
function isGood({ since }, flight) {
  return flight.order > since || native.isCurrent(flight.began) === 1
}

/** @param {Call} call @param {import('./entry.js').Answer} answer */
function answered(call, { found, mark, revision }) {
  const { key, plan } = call
  if (plan.signal?.aborted) {
    // It was to generate, perhaps.
    if (!flights.has(key)) native.idle(KIND.OWN, key, 0)
    throw plan.signal.reason
  }
  const entry = found === undefined ? undefined : opened(found)
  const value = entry === undefined ? UNREADABLE : decode(entry.one, plan.codec, plan.isShared)
  if (entry === undefined || value === UNREADABLE) {
    return generate(call, found === undefined ? revision : native.revision(), undefined)
  }
  if (mark === MARK.FRESH) return handedOn(call, entry, value)
  const ageMs = Math.max(0, now() - entry.told)
  // What others make of it would look fresh.
  const mayShow = mark !== MARK.REMAINS && !call.isKept
  const old = { entry, value, ageMs, mayShow }
  if (mark !== MARK.MEANWHILE) return generate(call, revision, old)
  const flight = flights.get(key)
  return flight === undefined ? shown(call, old) : settle(call, flight, old, true)
}

/** @typedef {{ entry: import('./entry.js').Entry, value: unknown, ageMs: number, mayShow: boolean }} Old */

/** @param {Call} call @param {Old} old */
const shown = (call, { entry, value }) => handedOn(call, staleOf(entry), value)

/** @param {Call} call @param {import('./hand-on.js').Made} entry @param {unknown} value */
const handedOn = ({ place, own }, entry, value) => handOn(entry, place.prefix, own, value)

/**
 * @param {Call} call
 * @param {number} revision
 * @param {Old | undefined} old
 * @returns {Promise<any>}
 */
function generate(call, revision, old) {
  const { own, key, plan, run } = call
  const under = flights.get(key)
  const isRenewal = old?.mayShow === true
  const isJoined =
    under && (isRenewal ? under.isRenewal : mayWaitFor(call, under) && isGood(call, under))
  if (isJoined) return settle(call, under, old, true)
  const stale = old && staleFor(plan, old)
  const began = /** @type {[number, number]} */ ([revision, present()[1]])
  const flight = new Flight({ key, own, began, plan, stale, isRenewal }).begin(run)
  if (isRenewal) behind(flight)
  return settle(call, flight, old, false)
}

/** What the function sees of the old value: it may change what it gets. @param {import('./plan.js').Plan} plan @param {Old} old */
function staleFor({ codec, isShared }, { entry, ageMs }) {
  const value = decode(entry.one, codec, isShared)
  return value === UNREADABLE ? undefined : { value, ageMs }
}

/**
 * The value of a generation, or the old one if that takes too long, or fails.
 * @param {Call} call
 * @param {InstanceType<typeof Flight>} flight
 * @param {Old | undefined} old
 * @param {boolean} isJoined whether another call has begun it
 */
async function settle(call, flight, old, isJoined) {
  const { plan } = call
  if (isJoined) call.waits?.()
  if (old?.mayShow && plan.softMs === 0) return shown(call, old)
  const mayFallBack = old !== undefined && (old.mayShow || plan.life.errorMs > 0)
  const isSoft = mayFallBack && plan.softMs > 0
  const wait = isJoined ? (plan.waitMs ?? USUAL_WAIT_MS) : undefined
  flight.join(plan.signal !== undefined)
  const outcome = await waitFor(flight, plan, isSoft ? plan.softMs : wait)
  if (outcome === LATE) {
    if (!isSoft) return pass(call, flight, old)
    if (!flight.isRenewal) behind(flight)
    return shown(call, old)
  }
  if (outcome.kind === 'failed') {
    if (mayFallBack) return shown(call, old)
    throw outcome.error
  }
  const value = given(outcome, plan)
  if (value !== UNREADABLE) return handedOn(call, made(outcome), value)
  if (old?.mayShow) return shown(call, old)
  // Another codec may have written it.
  if (isJoined) return pass(call, flight, old)
  if (mayFallBack) return shown(call, old)
  throw failure(
    'TIERCEL_CACHE_UNREADABLE',
    `${plan.what}: what the function returned could not be read again, or not be frozen`,
  )
}

/**
 * Goes on without a generation that is of no use.
 * @param {Call} call @param {InstanceType<typeof Flight>} flight @param {Old | undefined} old
 */
function pass(call, flight, old) {
  call.passed.add(flight)
  return generate(call, native.revision(), old)
}

/**
 * Waits for a generation that the call has joined: for so long at most, and until the caller gives up.
 * @param {InstanceType<typeof Flight>} flight
 * @param {import('./plan.js').Plan} plan
 * @param {number | undefined} most in ms
 * @returns {Promise<import('./flight.js').Outcome | typeof LATE>}
 */
async function waitFor(flight, { signal }, most) {
  if (signal?.aborted) {
    flight.leave(signal.reason)
    throw signal.reason
  }
  if (signal === undefined && most === undefined) return flight.done
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  let aborted = () => {}
  const limits = new Promise((resolve, reject) => {
    if (most !== undefined) timer = setTimeout(resolve, most, LATE)
    aborted = () => {
      flight.leave(signal?.reason)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', aborted)
  })
  try {
    return /** @type {any} */ (await Promise.race([flight.done, limits]))
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', aborted)
  }
}

module.exports = { getOrSet }
