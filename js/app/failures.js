// @ts-check

const { textOf } = require('../thrown.js')

/**
 * Reports what a function of the app has thrown: to its `onError`, else, and if that fails too, as a
 * warning of the process at 1, 2, 4, 8 failures and so on. Never rejects.
 * @param {string} name of the hook
 * @param {number} count failures so far
 * @param {unknown} error
 * @param {(() => unknown) | undefined} tell
 */
async function reportFailure(name, count, error, tell) {
  try {
    if (tell) return void (await tell())
  } catch {
    // It is no reason to stop.
  }
  if ((count & (count - 1)) !== 0) return
  const text = `tiercel: the hook ${name} has failed ${count} times: ${textOf(error)}`
  process.emitWarning(text, { code: 'TIERCEL_HOOK_FAILED' })
}

module.exports = { reportFailure }
