// @ts-check

const { withTiercel } = require('./js/config/with.js')

module.exports = { withTiercel }
