// @ts-check

const { FLAG, KIND, MARK } = require('../../abi.js')
const { native, now } = require('../../native.js')
const next = require('../../next.js')
const { UNREADABLE, decode } = require('./codec.js')
const { look, opened, present } = require('./entry.js')
const { Flight, behind, flights, given } = require('./flight.js')
const { handOn } = require('./hand-on.js')

/** How long calls of one thread wait for each other, in ms: a function may never return. */
const USUAL_WAIT_MS = 30_000
/** A call has waited long enough. */
const LATE = Symbol('late')

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
  const call = { place, own, key: place.prefix + own, run, plan, isKept }
  /** Generations that took too long. */
  const passed = new Set()
  const join = () => {
    if (plan.waitMs === 0 || passed.size > 1) return undefined
    const flight = flights.get(call.key)
    return flight?.isRenewal || passed.has(flight) ? undefined : flight
  }
  const take = (/** @type {import('./entry.js').Answer} */ answer) => ({
    taken: answered(call, answer),
  })
  for (;;) {
    const answer = await look(place, own, { flags, waitMs: plan.waitMs, join, waits, take })
    if (!(answer instanceof Flight)) return answer.taken
    waits?.()
    const outcome = await waitFor(answer, plan, plan.waitMs ?? USUAL_WAIT_MS)
    if (outcome === LATE) {
      // One of those who waited generates, and the others wait for that one.
      passed.add(answer)
      continue
    }
    if (outcome.kind === 'failed') throw outcome.error
    // Unless something was invalidated since it began: then the engine judges.
    if (answer.began[0] === native.revision()) {
      const value = given(outcome, plan)
      if (value !== UNREADABLE) {
        return outcome.kind === 'stored' ? handedOn(call, made(answer), value) : value
      }
    }
  }
}

/** @typedef {{ place: import('./place.js').Place, own: string, key: string, run: Function, plan: import('./plan.js').Plan, isKept: boolean }} Call */

/** @param {Call} call @param {import('./entry.js').Answer} answer */
function answered(call, { found, mark, revision }) {
  const { plan } = call
  if (plan.signal?.aborted) {
    // It was to generate, perhaps.
    native.idle(KIND.OWN, call.key, 0)
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
  const flight = flights.get(call.key)
  return flight === undefined ? shown(call, old) : settle(call, flight, old)
}

/** @typedef {{ entry: import('./entry.js').Entry, value: unknown, ageMs: number, mayShow: boolean }} Old */

/** @param {Call} call @param {Old} old */
const shown = (call, { entry, value }) => handedOn(call, entry, value)

/** @param {Call} call @param {{ tags: string[], revalidateMs: number, servedMs: number }} entry @param {unknown} value */
const handedOn = ({ place, own }, entry, value) => handOn(entry, place.prefix, own, value)

/**
 * @param {Call} call
 * @param {number} revision
 * @param {Old | undefined} old
 */
function generate(call, revision, old) {
  const { key, plan, run } = call
  const under = flights.get(key)
  const isRenewal = old?.mayShow === true
  const isJoined = under?.isRenewal && (isRenewal || under.began[0] === revision)
  if (isJoined) return settle(call, under, old)
  // The caller may change what it gets.
  const stale = old && {
    value: decode(old.entry.one, plan.codec, plan.isShared),
    ageMs: old.ageMs,
  }
  const began = /** @type {[number, number]} */ ([revision, present()[1]])
  const flight = new Flight(key, began, plan, stale, isRenewal).begin(run)
  if (isRenewal) behind(flight)
  return settle(call, flight, old)
}

/**
 * The value of a generation, or the old one if that takes too long, or fails.
 * @param {Call} call
 * @param {InstanceType<typeof Flight>} flight
 * @param {Old | undefined} old
 */
async function settle(call, flight, old) {
  const { plan } = call
  if (old?.mayShow && plan.softMs === 0) return shown(call, old)
  const mayFallBack = old !== undefined && (old.mayShow || plan.life.errorMs > 0)
  const most = mayFallBack && plan.softMs > 0 ? plan.softMs : undefined
  const outcome = await waitFor(flight, plan, most)
  if (outcome === LATE) {
    if (!flight.isRenewal) behind(flight)
    return shown(call, /** @type {Old} */ (old))
  }
  if (outcome.kind === 'failed') {
    if (mayFallBack) return shown(call, old)
    throw outcome.error
  }
  const value = given(outcome, plan)
  return outcome.kind === 'stored' ? handedOn(call, made(flight), value) : value
}

/** What was stored, as an entry. @param {InstanceType<typeof Flight>} flight */
function made({ plan }) {
  return { tags: plan.tags, revalidateMs: plan.life.revalidateMs, servedMs: plan.life.expireMs }
}

/**
 * Waits for a generation: for so long at most, and until the caller gives up.
 * @param {InstanceType<typeof Flight>} flight
 * @param {import('./plan.js').Plan} plan
 * @param {number | undefined} most in ms
 * @returns {Promise<import('./flight.js').Outcome | typeof LATE>}
 */
async function waitFor(flight, { signal }, most) {
  flight.join(signal !== undefined)
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
