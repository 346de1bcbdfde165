// @ts-check

/** @typedef {import('../doctor.js').Finding} Finding */

/** As it should be. @param {string} area @param {string} text @returns {Finding} */
const fine = (area, text) => ({ level: 'fine', area, text })

/** @param {string} area @param {string} text @param {string} cure @returns {Finding} */
const hint = (area, text, cure) => ({ level: 'hint', area, text, cure })

/** Hurts in production. @param {string} area @param {string} text @param {string} cure @returns {Finding} */
const problem = (area, text, cure) => ({ level: 'problem', area, text, cure })

module.exports = { fine, hint, problem }
