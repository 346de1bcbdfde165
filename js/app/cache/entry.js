// @ts-check

const { FIELD, FLAG, KIND, KIND_BITS, MARK } = require('../../abi.js')
const { debug, tell } = require('../../debug.js')
const at = require('../../native.js')
const next = require('../../next.js')
const telemetry = require('../../telemetry.js')
const { stored } = require('./codec.js')

const { native, mailbox, left, objectOf, now, outlast } = at

/**
 * Entries in the engine: looked for, stored, ended. What is fresh, stale or gone, who generates and
 * who waits is decided there.
 *
 * @typedef {object} Entry
 * @property {number} told when it was generated, on Next's clock in ms
 * @property {import('./codec.js').Stored} one
 * @property {string[]} tags
 * @property {number} revalidateMs
 * @property {number} servedMs
 *
 * @typedef {{ found: any, mark: number, revision: number }} Answer
 */

/** A build keeps to itself what it makes. */
const SCOPE = next.isBuilding() ? FLAG.LOCAL : 0
/** Who only looks takes no part in generations. */
const LOOKS = FLAG.ASIDE

/**
 * What the addon found, as an entry.
 * @param {any} found as `assemble` of `js/values.js` makes it
 * @returns {Entry}
 */
function opened(found) {
  return found.entry ?? open(found)
}

/** @param {any} found @returns {Entry} */
function open(found) {
  try {
    const words = found.head.split(' ', 5)
    const [mark, , , served, revalidate] = words
    const tags = JSON.parse(found.head.slice(words.join(' ').length + 1))
    if (!Array.isArray(tags)) throw new TypeError('no tags')
    const life = { revalidateMs: Number(revalidate), servedMs: Number(served) }
    found.entry = { told: found.told, one: stored(mark, found.data), tags, ...life }
  } catch {
    // Whoever may write to the server may have written it.
    const none = { tags: [], revalidateMs: 0, servedMs: 0 }
    found.entry = { told: found.told, one: stored('', undefined), ...none }
  }
  return found.entry
}

/**
 * Whether the object that is ready may be returned. One crossing.
 * @param {import('../../hot.js').Hot} hot
 */
function isFresh(hot) {
  native.check(hot.handle)
  const mark = mailbox[FIELD.MARK]
  // No caller has tags of its own.
  return mark === MARK.FRESH || mark === MARK.ASKED
}

/**
 * @param {import('./place.js').Place} place
 * @param {string} own
 * @param {{ flags: number, waitMs: number | undefined, join?: () => any, waits?: () => void, take?: (answer: Answer) => object }} how
 *   `join` is asked first, and again after each wait; `waits` hears that another generates; `take` gets
 *   the answer at once, before other calls learn who generates
 * @returns {Promise<any> | any} an {@link Answer}, or what `join` or `take` gives: no number
 */
function look(place, own, { flags, waitMs, join, waits, take }) {
  const key = place.prefix + own
  /** @type {(flags: number, span?: import('@opentelemetry/api').Span) => any} */
  const ask = (flags, span) => {
    const joined = join?.()
    if (joined !== undefined) return joined
    const answer = native.findOwn(key, flags, waitMs)
    if (typeof answer === 'number') {
      if (mailbox[FIELD.REVISION] === 1) waits?.()
      return answer
    }
    const why = telemetry.taken(span)
    const found = answer && objectOf(place.ready, 'OWN', own, answer)
    const [mark, , revision] = left()
    if (debug.sink) tell(key, why)
    const answered = { found, mark, revision }
    return take === undefined ? answered : take(answered)
  }
  const answer = ask(flags | SCOPE)
  return typeof answer === 'number' ? outlast(answer, ask) : answer
}

/**
 * Stores what was generated from `began` on.
 * @param {string} key
 * @param {[revision: number, ms: number]} began
 * @param {import('./codec.js').Stored} one
 * @param {import('./plan.js').Plan} plan
 */
function put(key, began, { mark, data }, plan) {
  const { revalidateMs, expireMs, errorMs } = plan.life
  const percent = (/** @type {number | undefined} */ given) => given ?? '-'
  const head = [mark, percent(plan.jitter), percent(plan.ahead), expireMs, revalidateMs]
  const parts = [`${head.join(' ')} ${ascii(JSON.stringify(plan.tags))}`, data]
  const flags = SCOPE | (plan.isLocal ? FLAG.LOCAL : 0)
  const [revalidate, keep] = [revalidateMs / 1_000, (expireMs + errorMs) / 1_000]
  const kindAndFlags = KIND.OWN | (flags << KIND_BITS)
  const why = telemetry.generated(began[1], () =>
    native.put(kindAndFlags, key, began, plan.tags, revalidate, keep, parts, 0),
  )
  if (debug.sink) tell(key, why)
}

/** JSON in ASCII: the engine reads the head, as bytes. @param {string} json */
function ascii(json) {
  const escaped = (/** @type {string} */ unit) =>
    `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  return json.replace(/[^\0-\x7f]/g, escaped)
}

/** The revision of this moment, and the time. @returns {[number, number]} */
function present() {
  return [native.revision(), now()]
}

/** The tag of a key; of a long one it is a digest. @param {string} key */
const tagOf = (key) => native.keyTag(KIND.OWN, '', key)

module.exports = { LOOKS, opened, isFresh, look, put, present, tagOf }
