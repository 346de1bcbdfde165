import TiercelHandler = require('./index.js')

/** The cache of this process only, as a handler of its own, with the tags of the fleet. */
declare class TiercelMemory extends TiercelHandler {}

export = TiercelMemory
