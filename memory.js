// @ts-check

const Tiercel = require('./index.js')
const { FLAG } = require('./js/abi.js')

/**
 * The cache of this process only, as a handler of its own: name it beside `tiercel`. Its tags are
 * those of the fleet.
 */
module.exports = class TiercelMemory extends Tiercel {
  static flags = FLAG.LOCAL
}
