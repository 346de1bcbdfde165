// @ts-check

const { native } = require('./native.js')

/**
 * What the instances of the fleet tell of themselves.
 * @returns {Promise<import('../index.js').Instance[]>}
 */
async function instances() {
  const { trouble, instances: told } = JSON.parse(await native.instances())
  if (trouble) {
    const { kind, detail } = trouble
    const where = kind === 'denied' || kind === 'failed' ? '' : 'Redis cannot be used: '
    throw Object.assign(new Error(`tiercel: ${where}${detail}`), { code: 'TIERCEL_TROUBLE' })
  }
  return told
}

module.exports = { instances }
