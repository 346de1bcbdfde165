// @ts-check

/** What edge and browser bundles get: there is nothing to show. */

const refuse = require('../refusal.js').refusalOf('tiercel/dashboard')

exports.dashboard = refuse
exports.GET = refuse
exports.POST = refuse
