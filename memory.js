// @ts-check

const Tiercel = require('./index.js')

/** As in `src/binding/terms.rs`. */
const LOCAL = 4

/**
 * The cache of this process only, as a handler of its own: name it beside `tiercel`. Its tags are
 * those of the fleet.
 */
module.exports = class TiercelMemory extends Tiercel {
  static flags = LOCAL
}
