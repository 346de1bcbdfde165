// @ts-check

const { native } = require('./native.js')

/**
 * @typedef {import('../index.js').Decision} Decision
 */

/** More than are remembered. */
const ALL = 2 ** 31

/**
 * The last decisions of this process, the newest first.
 * @param {{ key?: string, limit?: number }} [query]
 * @returns {Decision[]}
 */
function decisions({ key, limit } = {}) {
  const most = Number.isInteger(limit) && Number(limit) >= 0 ? Number(limit) : undefined
  const part = key === undefined ? undefined : String(key)
  /** @type {Decision[]} */
  const all = JSON.parse(native.decisions(part === undefined ? (most ?? ALL) : ALL))
  return part === undefined ? all : all.filter((one) => isAbout(one, part)).slice(0, most)
}

/** @param {Decision} decision @param {string} part */
function isAbout({ key, subject, tags }, part) {
  return key.includes(part) || subject?.includes(part) || tags?.some((tag) => tag.includes(part))
}

module.exports = { decisions }
