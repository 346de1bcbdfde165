// @ts-check

/** What edge and browser bundles get of the adapters: every call says that there is no addon. */
const { kv: refusal } = require('../app/edge.js')

exports.KeyvTiercel = class {
  constructor() {
    refusal()
  }
}
exports.secondaryStorage = () => refusal()
