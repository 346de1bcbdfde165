// @ts-check

/**
 * @typedef {import('../index.js').Decision} Decision
 * @typedef {(decision: Decision) => void} Sink
 */

/** @type {{ sink: Sink | undefined }} */
const debug = { sink: undefined }

/** @type {Sink} */
function print({ call, kind, key, tier, outcome, reason }) {
  const line = ['tiercel:', call, kind, key, tier === 'none' ? '' : tier, outcome, reason]
  // One line, whatever characters keys and tags hold.
  process.stderr.write(
    `${line
      .filter(Boolean)
      .join(' ')
      .replace(/\p{Cc}/gu, '·')}\n`,
  )
}

/** @param {string} key */
function shortened(key) {
  const path = key.startsWith('/route-cache/') ? key.slice(key.indexOf('/$') + 2) : key
  return path.length > 40 ? `${path.slice(0, 20)}…${path.slice(-12)}` : path
}

/**
 * @param {Decision['call']} call
 * @param {string} kind
 * @param {string} key
 * @param {string} why tier, outcome and reason
 */
function tell(call, kind, key, why) {
  const [tier, outcome, ...reason] = why.split(' ')
  try {
    debug.sink?.(
      /** @type {Decision} */ ({
        call,
        kind,
        key: shortened(String(key)),
        tier,
        outcome,
        reason: reason.join(' '),
      }),
    )
  } catch {
    // A listener that throws must not break the cache.
  }
}

module.exports = { debug, print, tell }
