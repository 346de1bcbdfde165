// @ts-check

/**
 * Lines for the operator, on their way out: to the function that `onNotice` names, else to standard
 * error.
 *
 * @typedef {import('../index.js').Notice} Notice
 * @typedef {(notice: Notice) => void} Listener
 */

/** Shared by all copies of this module in a realm.
 * @type {{ listener: Listener | undefined }} */
const shared = of(globalThis)

/** @param {any} global */
function of(global) {
  global[Symbol.for('tiercel.notices')] ??= { listener: undefined }
  return global[Symbol.for('tiercel.notices')]
}

/** Said by one worker of a build for all of them, and by no worker of a server. */
const SAID_ONCE = ['started', 'unknown-variable']
const { IS_NEXT_WORKER, JEST_WORKER_ID, __NEXT_DEV_SERVER } = process.env
const IS_FURTHER = IS_NEXT_WORKER && (__NEXT_DEV_SERVER || JEST_WORKER_ID !== '1')

/** @param {Listener | undefined} listener */
function listen(listener) {
  shared.listener = listener
}

/**
 * The addon calls this for each line.
 * @param {Notice['level']} level
 * @param {string} code
 * @param {string} text
 * @param {string} line
 */
function tell(level, code, text, line) {
  if (IS_FURTHER && SAID_ONCE.includes(code)) return
  try {
    if (shared.listener) return hear(shared.listener({ level, code, text }), line)
  } catch {
    // A listener that throws must not keep the operator from knowing.
  }
  process.stderr.write(`${line}\n`)
}

/** A listener that rejects must not either, and ends no process. @param {unknown} heard @param {string} line */
function hear(heard, line) {
  Promise.resolve(heard).catch(() => process.stderr.write(`${line}\n`))
}

module.exports = { listen, tell }
