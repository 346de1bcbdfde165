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
  return told(await taken(asked)).instances
}

/** What comes of a question, in the end. @param {number | any[] | undefined} asked */
async function taken(asked) {
  if (typeof asked !== 'number') return asked
  await waits.wait(asked, PATIENCE_MS)
  return native.answered(asked)
}

/**
 * What the instances of the fleet remember about something.
 * @param {string} about a path, a key, a tag, or a part of a URL or of the name of a function
 * @returns {Promise<import('../index.js').Recollection>}
 */
async function why(about) {
  if (typeof about !== 'string' || about === '') {
    throw Object.assign(
      new TypeError('tiercel: `why` takes a path, a key, a tag, a URL or a name'),
      {
        code: 'TIERCEL_INVALID_ARGUMENT',
      },
    )
  }
  return told(await taken(native.accounts(about)))
}

/** What came of it, if anything did. @param {any[] | undefined} row JSON in a row of one */
function told([text = UNKNOWN] = []) {
  const { trouble, ...answer } = JSON.parse(String(text))
  if (!trouble) return answer
  const { kind, detail } = trouble
  const where = kind === 'denied' || kind === 'failed' ? '' : 'Redis cannot be used: '
  throw Object.assign(new Error(`tiercel: ${where}${detail}`), { code: 'TIERCEL_TROUBLE' })
}

module.exports = { instances, why }
