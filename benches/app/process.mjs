// @ts-check
/** The process of one subject of one case: carries out one request at a time. */
import { answersWith } from '../handlers/answers.mjs'
import { costs } from '../shared/costs.mjs'
import { KEYS } from './own.mjs'
import { cases } from './subjects.mjs'

const [name, what, url] = process.argv.slice(2)
/** @type {import('./subjects.mjs').Subject} */
let under
let turn = 0

/** `calls` of them, `width` under way at any time. @param {number} width @param {number} calls @param {(nth: number) => Promise<any>} call */
async function inParallel(width, calls, call) {
  let left = calls
  const lane = async () => {
    while (left-- > 0) await call(turn++ % KEYS)
  }
  await Promise.all(Array.from({ length: Math.min(width, calls) }, lane))
}

answersWith({
  /** Why there is none, if so. */
  async prepare() {
    try {
      under = await cases[what].subjects[name](url)
    } catch (error) {
      return String(/** @type {any} */ (error)?.message ?? error)
    }
  },
  run: (width, calls) => costs(() => inParallel(width, calls, under.call)),
  /** How long each call took, in us. */
  async delays(width, calls) {
    /** @type {number[]} */
    const took = []
    await inParallel(width, calls, async (nth) => {
      const begun = performance.now()
      await under.call(nth)
      took.push((performance.now() - begun) * 1e3)
    })
    return took
  },
})
