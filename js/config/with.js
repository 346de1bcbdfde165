// @ts-check

// What `withTiercel` does to a next.config.
//
//   with.js      objects, functions, promises        settings.js   settings of the config
//   place.js     which app, and on which Next.js     routes.js     edge routes of the app
//   carried.js   how options reach the servers       say.js        lines about it
//   awaken.js    loads the handler at the start

const carried = require('./carried.js')
const { awaken } = require('./awaken.js')
const place = require('./place.js')
const { settled } = require('./settings.js')

/**
 * @param {any} [nextConfig] an object, a function of Next.js' phase, or a promise of one
 * @param {Record<string, unknown>} [options]
 * @returns {any} of the same shape
 */
function withTiercel(nextConfig = {}, options = {}) {
  // Now, since the stack names next.config only during this call.
  const at = place.ofConfig()
  carried.hand(options)
  awaken()
  return wrapped(nextConfig, (config) => settled(config, options, at))
}

/**
 * @param {any} shape
 * @param {(config: Record<string, any>) => Record<string, any>} settle
 * @returns {any}
 */
function wrapped(shape, settle) {
  if (typeof shape === 'function') {
    /** @this {unknown} @param {unknown[]} args */
    return function (...args) {
      return wrapped(shape.apply(this, args), settle)
    }
  }
  if (typeof shape?.then === 'function') {
    return Promise.resolve(shape).then((config) => wrapped(config, settle))
  }
  return settle(shape ?? {})
}

module.exports = { withTiercel }
