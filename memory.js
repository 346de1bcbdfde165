// @ts-check

const Tiercel = require('./index.js')
const { FLAG } = require('./js/abi.js')

/**
 * The cache of this process only, as a handler of its own: name it in addition to `tiercel`. Its
 * tags are those of the fleet.
 */
class TiercelMemory extends Tiercel {
  static flags = FLAG.LOCAL

  // Of its own, not inherited: only such can be imported by name from an ES module.
  static get = Tiercel.get.bind(TiercelMemory)
  static set = Tiercel.set.bind(TiercelMemory)
  static refreshTags = Tiercel.refreshTags
  static getExpiration = Tiercel.getExpiration
  static updateTags = Tiercel.updateTags
  static expireTags = Tiercel.expireTags
  static configure = Tiercel.configure
  static stats = Tiercel.stats
  static decisions = Tiercel.decisions
  static instances = Tiercel.instances
  static ready = Tiercel.ready
}

module.exports = TiercelMemory

if (process.env.NEXT_RUNTIME === 'traced') {
  // Never true. Node.js finds the names for `import { configure }` by reading this line, the last.
  module.exports = require('./index.js')
}
