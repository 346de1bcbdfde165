// @ts-check

/** What edge and browser bundles get: there is nothing to show. */
const { kv: refusal } = require('../app/edge.js')

exports.dashboard = () => refusal()
exports.GET = () => refusal()
exports.POST = () => refusal()
