// @ts-check

const { native } = require('./native.js')
const waits = require('./waits.js')

/** The addon answers by itself, also when the server is away: this is longer than it may take. */
const PATIENCE_MS = 60_000

const UNKNOWN = JSON.stringify({ trouble: { kind: 'unreachable', detail: 'no answer in time' } })

/**
 * What the instances of the fleet tell of themselves. The engine has to have started.
 * @returns {Promise<import('../index.js').Instance[]>}
 */
async function instances() {
  const asked = native.instances()
  const [told = UNKNOWN] = (typeof asked === 'number' ? await answer(asked) : asked) ?? []
  const { trouble, instances: all } = JSON.parse(String(told))
  if (trouble) {
    const { kind, detail } = trouble
    const where = kind === 'denied' || kind === 'failed' ? '' : 'Redis cannot be used: '
    throw Object.assign(new Error(`tiercel: ${where}${detail}`), { code: 'TIERCEL_TROUBLE' })
  }
  return all
}

/** @param {number} token */
async function answer(token) {
  await waits.wait(token, PATIENCE_MS)
  return native.answered(token)
}

module.exports = { instances }
