// @ts-check

const Tiercel = require('./index.js')

/** The cache of this process only, as a handler of its own: name it beside `tiercel`. */
module.exports = class TiercelMemory extends Tiercel {}
