// @ts-check

/** The same for `tiercel/unstorage`, which is a function itself. */
const { kv: refusal } = require('../app/edge.js')

module.exports = () => refusal()
