// @ts-check

const { native } = require('./native.js')

/**
 * What the instances of the fleet tell of themselves.
 * @returns {Promise<import('../index.js').Instance[]>}
 */
async function instances() {
  return told(await native.instances()).instances
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
  return told(await native.accounts(about))
}

/** What came of a question, if anything did. @param {string} text JSON */
function told(text) {
  const { trouble, ...answer } = JSON.parse(text)
  if (!trouble) return answer
  const { kind, detail } = trouble
  const where = kind === 'denied' || kind === 'failed' ? '' : 'Redis cannot be used: '
  throw Object.assign(new Error(`tiercel: ${where}${detail}`), { code: 'TIERCEL_TROUBLE' })
}

module.exports = { instances, why }
