// @ts-check

/** What edge and browser bundles get: there is nothing that is counted. */
const { kv: refusal } = require('../app/edge.js')

exports.metrics = () => refusal()
exports.collect = () => refusal()
exports.route = () => refusal()
exports.GET = () => refusal()
