// @ts-check

/** What edge and browser bundles get: there is nothing that is counted. */
const refuse = require('../refusal.js').refusalOf('tiercel/metrics')

exports.metrics = refuse
exports.collect = refuse
exports.route = refuse
exports.GET = refuse
