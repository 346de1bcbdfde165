// @ts-check
/** The other side of `Contestant.ask`, in the process of a subject. */

/**
 * Carries out requests, and sends back their results.
 * @param {Record<string, (...args: any[]) => any>} acts
 */
export function answersWith(acts) {
  process.on('message', async (/** @type {[string, ...any[]]} */ [act, ...args]) => {
    try {
      process.send?.({ result: await acts[act](...args) })
    } catch (error) {
      process.send?.({ error: String(/** @type {Error} */ (error)?.stack) })
    }
  })
}
