// @ts-check

/** Errors with a `code`, for programs, and a message that says what is allowed, for people. */

/**
 * What a caller gave is of no use.
 * @param {string} what
 * @param {string} allowed
 * @param {unknown} given
 */
function invalid(what, allowed, given) {
  const error = new TypeError(`tiercel/app: ${what} must be ${allowed}, but is ${shown(given)}`)
  return Object.assign(error, { code: 'TIERCEL_INVALID_ARGUMENT' })
}

/** A value in a few words: it may be a secret, and is not repeated. @param {unknown} given */
function shown(given) {
  if (typeof given === 'string') return `a text of ${given.length} characters`
  if (typeof given === 'number' || typeof given === 'boolean') return String(given)
  if (given === null || given === undefined) return String(given)
  return Array.isArray(given) ? 'an array' : `of the type ${typeof given}`
}

/**
 * @param {string} code
 * @param {string} message
 * @param {Record<string, unknown>} [more]
 */
function failure(code, message, more) {
  return Object.assign(new Error(`tiercel/app: ${message}`), { code, ...more })
}

/**
 * The store did not do it.
 * @param {string} why as in `src/app/store.rs`
 * @param {string} detail
 */
function notDone(why, detail) {
  switch (why) {
    case 'away':
      return failure('TIERCEL_STORE_AWAY', 'the store is away; nothing was done', {
        maybeDone: false,
      })
    case 'unknown':
      return failure('TIERCEL_STORE_AWAY', 'the store did not answer; it may have been done', {
        maybeDone: true,
      })
    case 'busy':
      return failure('TIERCEL_STORE_BUSY', 'too many calls wait for the store; nothing was done')
    case 'full':
      return failure('TIERCEL_STORE_FULL', 'there is no room for it in the memory of this process')
    default:
      return failure('TIERCEL_STORE_REFUSED', `the store refuses it: ${detail || why}`, {
        reason: detail || why,
      })
  }
}

module.exports = { invalid, failure, notDone }
