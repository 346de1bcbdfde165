// @ts-check

/** The same for `tiercel/unstorage`, which is a function itself. */
module.exports = require('../refusal.js').refusalOf('tiercel/unstorage')
