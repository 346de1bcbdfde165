// @ts-check

const { createHmac, timingSafeEqual } = require('node:crypto')
const checks = require('./checks.js')
const { headerOf } = require('./client-ip.js')
const { invalid } = require('./errors.js')

const OPTIONS = /** @type {const} */ ([
  'secret',
  'header',
  'format',
  'encoding',
  'signed',
  'timestampHeader',
  'tolerance',
  'maxBytes',
])

/** More signatures in a header than any sender writes while it changes its secret. */
const MOST_SIGNATURES = 8
const MOST_SECRETS = 8
/** The bytes of an HMAC-SHA256. */
const LENGTH = 32
const MOST_HEADER = 4_096
const HOUR_MS = 3_600_000
const PLACEHOLDER = /\{([\w-]+)\}/

/**
 * Whether a webhook was signed by who knows the secret. Reads the body, and returns it.
 *
 * @typedef {import('../../app.js').SignatureOptions} Options
 * @typedef {import('../../app.js').VerifiedWebhook} Verified
 *
 * @param {any} request a `Request`, or Node's `IncomingMessage`
 * @param {Options} options
 * @returns {Promise<Verified>}
 */
async function verifySignature(request, options) {
  const scheme = schemeOf(options)
  if (request.bodyUsed || request.readableEnded) {
    throw invalid('verifySignature: the request', 'one whose body nobody has read', 'read')
  }
  // Whoever is refused by the headers has no body read.
  const header = headerOf(request, scheme.header)
  if (header === '') return { ok: false, reason: 'missing' }
  const signatures = scheme.signaturesOf(header)
  const timestamp = scheme.timestampOf?.(header, request)
  if (signatures.length === 0 || timestamp === '') return { ok: false, reason: 'malformed' }
  if (timestamp !== undefined && !isNear(timestamp, scheme.toleranceMs)) {
    return { ok: false, reason: 'expired' }
  }
  const signedOf = scheme.signed(request, timestamp)
  if (signedOf === undefined) return { ok: false, reason: 'missing' }
  const body = await bodyOf(request, scheme.maxBytes)
  if (body === undefined) return { ok: false, reason: 'too-large' }
  const parts = signedOf(body)
  let isSame = false
  for (const secret of scheme.secrets) {
    const hmac = createHmac('sha256', secret)
    for (const part of parts) hmac.update(part)
    const expected = hmac.digest()
    // All of them, whichever it is.
    for (const signature of signatures) isSame = timingSafeEqual(expected, signature) || isSame
  }
  return isSame ? { ok: true, body: body.toString() } : { ok: false, reason: 'mismatch' }
}

/** What the options say of a sender. @param {unknown} options */
function schemeOf(options) {
  const given = checks.options('verifySignature', options, OPTIONS)
  const text = (/** @type {string} */ name, /** @type {unknown} */ value) =>
    checks.own(`verifySignature: \`${name}\``, value)
  const format = text('format', given.format ?? '{signature}')
  const encoding = checks.word('verifySignature: `encoding`', given.encoding ?? 'hex', [
    'hex',
    'base64',
  ])
  const signature = elementOf(format, '{signature}')
  if (signature === undefined)
    throw invalid('verifySignature: `format`', 'a text with {signature}', format)
  const inHeader = elementOf(format, '{timestamp}')
  const timestampHeader =
    given.timestampHeader === undefined
      ? undefined
      : text('timestampHeader', given.timestampHeader).toLowerCase()
  const hasTimestamp = inHeader !== undefined || timestampHeader !== undefined
  return {
    secrets: secretsOf(given.secret),
    header: text('header', given.header).toLowerCase(),
    toleranceMs: checks.duration('verifySignature: `tolerance`', given.tolerance ?? '5m', {
      most: 24 * HOUR_MS,
    }),
    maxBytes: checks.whole('verifySignature: `maxBytes`', given.maxBytes ?? 1 << 20, 1, 1 << 30),
    signed: partsOf(given.signed ?? (hasTimestamp ? '{timestamp}.{body}' : '{body}'), hasTimestamp),
    signaturesOf: (/** @type {string} */ header) =>
      matchesOf(header, signature).flatMap((one) => decoded(one, encoding) ?? []),
    timestampOf: hasTimestamp
      ? (/** @type {string} */ header, /** @type {any} */ request) =>
          timestampHeader
            ? headerOf(request, timestampHeader)
            : (matchesOf(header, /** @type {string} */ (inHeader))[0] ?? '')
      : undefined,
  }
}

/** @param {unknown} given @returns {(string | Uint8Array)[]} */
function secretsOf(given) {
  const all = Array.isArray(given) ? given : [given]
  const isOne = (/** @type {any} */ one) =>
    (typeof one === 'string' || one instanceof Uint8Array) && one.length > 0
  if (all.length > 0 && all.length <= MOST_SECRETS && all.every(isOne)) return all
  // A variable that is not set must not let everybody in.
  throw invalid('verifySignature: `secret`', 'a text or bytes, or a few of them', undefined)
}

/** What stands before a placeholder in its part of the header: `v1=`. @param {string} format @param {string} placeholder */
function elementOf(format, placeholder) {
  const at = format.indexOf(placeholder)
  if (at < 0) return undefined
  const before = format.slice(0, at).split('}').at(-1) ?? ''
  return before.replace(/^[,;\s]+/, '')
}

/** What follows a prefix in the parts of a header. @param {string} header @param {string} prefix */
function matchesOf(header, prefix) {
  const found = []
  const text = header.slice(0, MOST_HEADER)
  for (let at = text.indexOf(prefix); at >= 0; at = text.indexOf(prefix, at + 1)) {
    const isStart = at === 0 || /[,;\s]/.test(text[at - 1])
    const value = isStart && /^[\w+/=-]+/.exec(text.slice(at + prefix.length))?.[0]
    if (value) found.push(value)
    if (prefix === '' || found.length === MOST_SIGNATURES) break
  }
  return found
}

/** The bytes of a signature; `undefined` if it is none. @param {string} text @param {'hex' | 'base64'} encoding */
function decoded(text, encoding) {
  const isWhole = encoding === 'hex' ? /^[0-9a-f]{64}$/i : /^[\w+/-]{43}=?$/
  const bytes = isWhole.test(text) ? Buffer.from(text, encoding) : undefined
  return bytes?.length === LENGTH ? bytes : undefined
}

/**
 * What is signed: a template, whose placeholders are the body, the timestamp and headers, or a function
 * of the app. Whether a header is missing is known before the body is.
 * @param {unknown} given
 * @param {boolean} hasTimestamp
 * @returns {(request: any, timestamp: string | undefined) => ((body: Buffer) => (string | Uint8Array)[]) | undefined}
 */
function partsOf(given, hasTimestamp) {
  if (typeof given === 'function') {
    return (request, timestamp) => (body) => {
      const header = (/** @type {string} */ name) => headerOf(request, name.toLowerCase())
      return [given({ body: body.toString(), timestamp, header })]
    }
  }
  // Texts, and in between the names of placeholders.
  const pieces = templateOf(given, hasTimestamp).split(PLACEHOLDER)
  return (request, timestamp) => {
    const parts = pieces.map((piece, n) => {
      if (n % 2 === 0 || piece === 'body') return piece
      return piece === 'timestamp' ? (timestamp ?? '') : headerOf(request, piece.toLowerCase())
    })
    if (parts.some((part, n) => n % 2 === 1 && part === '')) return undefined
    return (body) => parts.map((part, n) => (n % 2 === 1 && pieces[n] === 'body' ? body : part))
  }
}

/** @param {unknown} given @param {boolean} hasTimestamp @returns {string} */
function templateOf(given, hasTimestamp) {
  const template = checks.own('verifySignature: `signed`', given)
  // A timestamp that is not signed proves nothing, and one that nobody sends is never there.
  const isBound = hasTimestamp === template.includes('{timestamp}')
  if (template.includes('{body}') && isBound) return template
  const what = hasTimestamp
    ? 'a text with {body} and {timestamp}'
    : 'a text with {body}, and with {timestamp} if `timestampHeader` or `format` say where that is'
  throw invalid('verifySignature: `signed`', what, template)
}

/** Whether a time, in seconds or milliseconds, is about now. @param {string} text @param {number} toleranceMs */
function isNear(text, toleranceMs) {
  if (!/^\d{1,16}$/.test(text)) return false
  const time = Number(text)
  // Seconds have eleven digits from the year 5138 on.
  const ms = time < 1e11 ? time * 1_000 : time
  return Math.abs(Date.now() - ms) <= toleranceMs
}

/** All bytes of a body; `undefined` if they are too many. @param {any} request @param {number} most */
async function bodyOf(request, most) {
  if (Number(headerOf(request, 'content-length')) > most) return undefined
  const stream = typeof request.arrayBuffer === 'function' ? (request.body ?? []) : request
  const chunks = []
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    if (length > most) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

module.exports = { verifySignature }
