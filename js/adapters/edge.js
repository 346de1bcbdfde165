// @ts-check

/** What edge and browser bundles get of the adapters: every call says that there is no addon. */
const { refusalOf } = require('../refusal.js')

exports.KeyvTiercel = class {
  constructor() {
    refusalOf('tiercel/keyv')()
  }
}
exports.secondaryStorage = refusalOf('tiercel/better-auth')
