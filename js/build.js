// @ts-check

const { readFileSync, statSync } = require('node:fs')
const { dirname, join } = require('node:path')
const next = require('./next.js')

/**
 * What `next build` has left in a `.next`.
 *
 * @typedef {object} Build
 * @property {string} [name] what tells it from other builds
 * @property {number} beganMs when it began, or later, in ms since the epoch
 */

/**
 * The build whose output lies in a `.next/server`; none while it is being built.
 * @param {string} serverDir
 * @returns {Build | undefined}
 */
function of(serverDir) {
  if (next.isBuilding()) return undefined
  const file = join(dirname(serverDir), 'BUILD_ID')
  try {
    // With a deployment id the build id is a constant, without one it is all there is.
    const name = [process.env.NEXT_DEPLOYMENT_ID ?? '', readFileSync(file, 'utf8').trim()]
    return { name: JSON.stringify(name), beganMs: statSync(file).mtimeMs }
  } catch {
    return { beganMs: Number.POSITIVE_INFINITY }
  }
}

module.exports = { of }
