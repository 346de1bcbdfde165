// @ts-check

const { isIP } = require('node:net')
const checks = require('./checks.js')

const OPTIONS = /** @type {const} */ (['trustedHops', 'header', 'ipv6Prefix'])

/**
 * The address of the client, as the outermost proxy that is trusted saw it. Whatever else a client
 * wrote into the header lies further left, and is not looked at.
 * @param {any} request a `Request`, `Headers`, or Node's `IncomingMessage`
 * @param {{ trustedHops?: number, header?: string, ipv6Prefix?: number }} [options]
 * @returns {string | undefined}
 */
function clientIp(request, options) {
  const given = checks.options('clientIp', options, OPTIONS)
  const hops = checks.whole('clientIp: `trustedHops`', given.trustedHops ?? 1, 0, 16)
  const header = checks.own('clientIp: `header`', given.header ?? 'x-forwarded-for')
  const prefix = checks.whole('clientIp: `ipv6Prefix`', given.ipv6Prefix ?? 64, 16, 128)
  // Whom the first of our proxies is seen to be tells nothing.
  if (hops === 0) return plain(request?.socket?.remoteAddress, prefix)
  const list = headerOf(request, header.toLowerCase()).split(',')
  return plain(list.at(-hops), prefix)
}

/** @param {any} request @param {string} name @returns {string} */
function headerOf(request, name) {
  const headers = request?.headers ?? request
  const value = typeof headers?.get === 'function' ? headers.get(name) : headers?.[name]
  return Array.isArray(value) ? value.join(',') : typeof value === 'string' ? value : ''
}

/**
 * An address in one spelling, of an IPv6 network the part that one customer has; `undefined` if it is
 * none.
 * @param {unknown} given
 * @param {number} prefix
 */
function plain(given, prefix) {
  if (typeof given !== 'string' || given.length > 64) return undefined
  const text = given
    .trim()
    .replace(/^\[(.*)\](?::\d+)?$/, '$1')
    .replace(/%.*$/, '')
  const address = /^[\d.]+:\d+$/.test(text) ? text.slice(0, text.indexOf(':')) : text
  if (isIP(address) === 4) return address
  return isIP(address) === 6 ? network(address, prefix) : undefined
}

/** @param {string} address @param {number} prefix */
function network(address, prefix) {
  // In one spelling: `[2001:db8::1]`.
  const [head, tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const parts = (/** @type {string} */ text) => (text === '' ? [] : text.split(':'))
  const missing = 8 - parts(head).length - parts(tail).length
  const all = [...parts(head), ...Array(missing).fill('0'), ...parts(tail)]
  const words = all.map((part) => Number.parseInt(part, 16))
  if (words.slice(0, 5).every((word) => word === 0) && words[5] === 0xffff) {
    return [words[6] >> 8, words[6] & 255, words[7] >> 8, words[7] & 255].join('.')
  }
  if (prefix === 128) return words.map((word) => word.toString(16)).join(':')
  const kept = words.map((word, at) => {
    const bits = Math.min(16, Math.max(0, prefix - at * 16))
    return (word & (0xffff << (16 - bits)) & 0xffff).toString(16)
  })
  return `${kept.slice(0, Math.ceil(prefix / 16)).join(':')}::/${prefix}`
}

module.exports = { clientIp, headerOf }
