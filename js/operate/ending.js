// @ts-check

/**
 * The result of some work, or nothing as soon as `signal` ends it: a server may take long to answer.
 * @template T
 * @param {AbortSignal} signal
 * @param {Promise<T>} work
 * @returns {Promise<T | undefined>}
 */
async function unlessEnded(signal, work) {
  let end = () => {}
  /** @type {Promise<undefined>} */
  const ended = new Promise((resolve) => {
    end = () => resolve(undefined)
  })
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  try {
    return await Promise.race([ended, work])
  } finally {
    signal.removeEventListener('abort', end)
  }
}

module.exports = { unlessEnded }
