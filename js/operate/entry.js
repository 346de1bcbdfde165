// @ts-check

const { inspect } = require('node:util')
const { KIND } = require('../abi.js')
const { UNREADABLE, readable } = require('../app/cache/codec.js')
const { NAMES } = require('./operator.js')
const { keysOfPath } = require('./routes.js')

/** Finds the entry that a path, a key or an address means, and says what is in it. */

/** @typedef {import('./operator.js').Asked} Operator */

/** Begins the tags that Next.js makes of paths: `NEXT_CACHE_IMPLICIT_TAG_ID` of 16. */
const IMPLICIT = '_N_T_'
const MOST_SHOWN = 1_200

/**
 * The tags that Next.js makes of a path: of the path itself, and of each folder above it. A page has
 * those that it was stored with; a get adds none, except for data.
 * `getImplicitTags` of 16.0 to 16.4.
 * @param {string} path
 */
function softTagsOf(path) {
  const tags = ['/layout']
  const parts = path.split('/')
  for (let end = 1; end <= parts.length; end++) {
    const at = parts.slice(0, end).join('/')
    if (at === '') continue
    tags.push(`${at}/layout`)
    if (end === parts.length) tags.push(`${at}/page`, at)
  }
  if (path === '/') tags.push('/page', '/', '/index')
  return [...new Set(tags)].map((tag) => IMPLICIT + tag)
}

/** @param {string} text */
const isAddress = (text) => /^[\da-f]{32}$/i.test(text)

/**
 * Where what is meant may lie, most likely place first.
 * @param {Operator} operator
 * @param {string} text
 */
function placesOf(operator, text) {
  if (isAddress(text)) return [{ address: text.toLowerCase() }]
  const { build } = operator
  /** @param {number} kind */
  const at = (kind, key = text) => ({ kind, key, build })
  if (text.startsWith('/')) {
    const keys = keysOfPath(operator.place, text)
    return [...keys.map((key) => at(KIND.APP_PAGE, key)), at(KIND.OWN)]
  }
  const others = [KIND.FETCH, KIND.USE_CACHE, KIND.IMAGE, KIND.OWN, KIND.APP_PAGE]
  return others.map((one) => at(one))
}

/**
 * The first entry that is there; else what is known of the most likely place.
 * @param {Operator} operator
 * @param {string} text
 */
async function read(operator, text) {
  /** @type {{ about: any, value: any } | undefined} */
  let first
  for (const place of placesOf(operator, text)) {
    const found = await operator.inspect(place)
    if (found.about.bytes !== undefined) return found
    // A lease alone says more than nothing.
    const isLikelier = first?.about.unknown && !('kind' in place && place.kind === KIND.OWN)
    if (!first || isLikelier || found.about.lease) first = found
  }
  return /** @type {{ about: any, value: any }} */ (first)
}

/**
 * The parts of a value, by name: text or bytes.
 * @param {number} kind
 * @param {any} found as a get of Next.js would receive it
 * @returns {Map<string, { type: string, bytes: Buffer }>}
 */
function partsOf(kind, found) {
  /** @type {Map<string, { type: string, bytes: Buffer }>} */
  const parts = new Map()
  /** @param {string} name @param {string} type @param {any} content */
  const add = (name, type, content) => {
    if (content === undefined || content === null) return
    parts.set(name, { type, bytes: Buffer.from(content) })
  }
  if (!found) return parts
  if (kind === KIND.USE_CACHE) {
    add('body', 'text', found.bytes)
    return parts
  }
  if (kind === KIND.OWN) {
    add('value', ...ownOf(found))
    return parts
  }
  const value = found.value
  if (!value) return parts
  const headers = value.headers ?? value.data?.headers
  if (headers) add('headers', 'json', JSON.stringify(headers, null, 2))
  add('html', 'text', value.html)
  add('rsc', 'text', value.rscData)
  for (const [name, content] of value.segmentData ?? []) add(`segment:${name}`, 'text', content)
  add('props', 'json', value.pageData && JSON.stringify(value.pageData, null, 2))
  add('props', 'json', value.props && JSON.stringify(value.props, null, 2))
  add('postponed', 'text', value.postponed)
  add('body', bodyType(headers), bodyOf(kind, value, headers))
  add('image', 'bytes', value.buffer)
  return parts
}

/**
 * A value of the app's own code: as text where it is none of bytes.
 * @param {any} found
 * @returns {[type: string, content: any]}
 */
function ownOf({ head, data }) {
  const value = readable(head.split(' ', 1)[0], data)
  if (value === UNREADABLE) return [typeof data === 'string' ? 'text' : 'bytes', data]
  if (value instanceof Uint8Array) return ['bytes', value]
  if (typeof value === 'string') return ['text', value]
  return ['text', inspect(value, { depth: 8, maxArrayLength: 1_000 })]
}

/** @param {number} kind @param {any} value @param {any} headers */
function bodyOf(kind, value, headers) {
  if (kind !== KIND.FETCH) return value.body
  const { body, url } = value.data
  // Next.js keeps the body of a response in base64, and what a function returned as it is.
  const isResponse =
    typeof body === 'string' && url !== '' && headers && Object.keys(headers).length > 0
  const isBase64 = isResponse && body.length % 4 === 0 && /^[A-Za-z\d+/]*={0,2}$/.test(body)
  return isBase64 ? Buffer.from(body, 'base64') : body
}

/** @param {any} headers */
function bodyType(headers) {
  const type = String(headers?.['content-type'] ?? 'text')
  return /text|json|xml|javascript|html|svg/.test(type) ? 'text' : 'bytes'
}

/** Whether bytes are text to the one who looks. @param {Buffer} bytes */
function isText(bytes) {
  const start = bytes.subarray(0, 4_096)
  return !start.includes(0) && !start.toString('utf8').slice(0, -4).includes('\ufffd')
}

/** @param {any} about */
const kindOf = (about) => NAMES[about.kind] ?? 'entry'

module.exports = {
  IMPLICIT,
  MOST_SHOWN,
  softTagsOf,
  isAddress,
  read,
  partsOf,
  isText,
  kindOf,
}
