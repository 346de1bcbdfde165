// @ts-check

const checks = require('../app/checks.js')
const { UsageError } = require('../command/usage.js')
const acts = require('./acts.js')
const assets = require('./assets.js')
const { Crowd } = require('./lane.js')
const { Gate, bearerOf, farewell, isSameOrigin } = require('./gate.js')
const page = require('./page.js')
const { Sampler } = require('./sampler.js')

/**
 * The route: a page, its script and style, a stream of figures, and what a viewer may have done.
 *
 * @typedef {import('./gate.js').Place} Place
 * @typedef {{ token?: string, authorize?: (request: Request) => unknown, viewers?: number }} Options
 */

const OPTIONS = /** @type {const} */ (['token', 'authorize', 'viewers'])
const MOST_VIEWERS = 100
/** Messages that a viewer may be behind. */
const MOST_BEHIND = 16
/** How long a stream lasts: whoever is let in no more sees no longer what there is. */
const STREAM_MS = 5 * 60_000
const MOST_BODY = 16_384

const HEADERS = {
  'cache-control': 'no-store, no-transform',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  // Not `no-referrer`: with that, browsers leave the origin out of what a form sends.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex',
}

/** What somebody without the token may have: the form looks like the page. */
const OPEN = new Set(['app.css', 'icon.svg'])

/**
 * @param {() => import('./source.js').Source} open
 * @param {Options} [given]
 */
function routes(open, given) {
  const options = checks.options('dashboard', given, OPTIONS)
  if (options.authorize !== undefined) checks.callable('dashboard: `authorize`', options.authorize)
  if (options.token !== undefined) checks.own('dashboard: `token`', options.token)
  const viewers = checks.whole('dashboard: `viewers`', options.viewers ?? MOST_VIEWERS, 1, 10_000)
  const gate = new Gate(options)
  const sampler = new Sampler(open, viewers)
  /** @type {Handler} */
  const handler = { gate, sampler }
  return {
    /** @param {Request} request @param {Context} [context] */
    GET: (request, context) => answer(handler, request, context, 'GET'),
    /** @param {Request} request @param {Context} [context] */
    POST: (request, context) => answer(handler, request, context, 'POST'),
    sampler,
  }
}

const ELSEWHERE = 'Not from this page'
/** Forms of the page. */
const FORMS = ['enter', 'leave']

/** @typedef {{ params?: unknown }} Context */
/** @typedef {InstanceType<typeof Gate>} Guard */
/** @typedef {InstanceType<typeof Sampler>} Looking */
/** @typedef {{ gate: Guard, sampler: Looking }} Handler */

/**
 * @param {Handler} handler
 * @param {Request} request
 * @param {Context | undefined} context
 * @param {'GET' | 'POST'} method
 */
async function answer({ gate, sampler }, request, context, method) {
  // Read before anything else: this is what keeps `next build` from prerendering the answer.
  request.headers.get('cookie')
  const place = await placeOf(request, context)
  const admission = await gate.admit(request)
  if (admission instanceof Response) return admission
  if (admission === 'hidden') return said(404, 'Not found')
  if (admission === 'token') return atTheDoor(gate, request, place, method)
  const isProgram = admission === 'program'
  if (method === 'POST' && !isSameOrigin(request, isProgram)) return said(403, ELSEWHERE)
  if (method === 'GET') return shown(sampler, request, place, gate.wanted() !== undefined)
  return done(sampler, request, place)
}

/**
 * What was asked below the folder of the route, which a segment of any name catches.
 * @param {Request} request
 * @param {Context | undefined} context
 * @returns {Promise<Place>}
 */
async function placeOf(request, context) {
  const params = /** @type {Record<string, unknown>} */ ((await context?.params) ?? {})
  const caught = Object.values(params).find(Array.isArray) ?? []
  const { pathname, searchParams } = new URL(request.url)
  const parts = pathname.split('/').filter((part) => part !== '')
  // By their number: the names may be spelled in other ways there.
  const folder = parts[parts.length - caught.length - 1] ?? ''
  const form = request.method === 'POST' && FORMS.find((name) => searchParams.has(name))
  const asked = caught.length === 0 && form ? form : caught.map(String).join('/')
  return { folder, asked }
}

/**
 * For somebody without the token.
 * @param {Guard} gate
 * @param {Request} request
 * @param {Place} place
 * @param {'GET' | 'POST'} method
 */
async function atTheDoor(gate, request, { folder, asked }, method) {
  if (method === 'GET' && OPEN.has(asked)) return asset(asked)
  if (method === 'POST' && asked === 'enter') {
    if (!isSameOrigin(request, false)) return said(403, ELSEWHERE)
    const form = new URLSearchParams(await bodyOf(request).catch(() => ''))
    const tried = gate.try(form.get('token') ?? '')
    if (tried === 'right') return home(request, folder, gate.cookie(request))
    return html(tried === 'crowded' ? 429 : 403, page.door(beside(request), tried))
  }
  const bearer = bearerOf(request)
  const tried = bearer !== undefined && gate.try(bearer)
  const isReader = request.headers.get('accept')?.includes('text/html')
  // A proxy may add a token of its own to what people ask for.
  if (method === 'GET' && asked === '' && isReader)
    return html(200, page.door(here(request, folder)))
  if (tried === 'crowded') {
    return said(429, 'Too many wrong tokens', { 'retry-after': '60' })
  }
  return said(401, 'Unauthorized', { 'www-authenticate': 'Bearer' })
}

/** @param {Looking} sampler @param {Request} request @param {Place} place @param {boolean} isGuarded */
function shown(sampler, request, { folder, asked }, isGuarded) {
  if (asked === '') return html(200, page.whole(here(request, folder), isGuarded))
  if (asked === 'events') return stream(sampler, request)
  return Object.hasOwn(assets, asked) ? asset(asked) : said(404, 'Not found')
}

/**
 * What addresses on the page begin with: its own last part. A proxy may have changed what is before.
 * Where addresses end with a slash, forms are sent to the page itself: the folder of an address below
 * it, which the cookie is for, would be another.
 * @param {Request} request
 * @param {string} folder
 * @returns {import('./page.js').Addresses}
 */
function here(request, folder) {
  if (isFolder(request)) return { files: '', forms: './?' }
  const files = folder === '' ? '' : `${folder}/`
  return { files, forms: files }
}

/** The same for an answer to a form. @param {Request} request @returns {import('./page.js').Addresses} */
const beside = (request) =>
  isFolder(request) ? { files: '', forms: './?' } : { files: '', forms: '' }

/** Whether the app ends its addresses with a slash. @param {Request} request */
const isFolder = (request) => new URL(request.url).pathname.endsWith('/')

/** From a form back to the page. @param {Request} request @param {string} folder @param {string} [cookie] */
function home(request, folder, cookie) {
  const location = isFolder(request) || folder === '' ? './' : `../${folder}`
  const headers = { ...HEADERS, location, ...(cookie && { 'set-cookie': cookie }) }
  return new Response(null, { status: 303, headers })
}

/**
 * @param {Looking} sampler
 * @param {Request} request
 * @param {Place} place
 */
async function done(sampler, request, { folder, asked }) {
  if (asked === 'leave') return home(request, folder, farewell(request))
  if (asked === 'enter') return home(request, folder)
  if (!Object.hasOwn(ACTS, asked)) return said(404, 'Not found')
  const lane = /** @type {import('./sampler.js').Act} */ (asked)
  const act = ACTS[lane]
  const { signal } = request
  try {
    const given = JSON.parse(await bodyOf(request))
    const how = { signal, record: (/** @type {any} */ one) => sampler.record(one) }
    return json(200, await sampler.ask((source) => act(source, given, how), { signal, lane }))
  } catch (error) {
    if (signal?.aborted) return said(499, 'Nobody waits for it')
    return failed(error)
  }
}

/** @param {unknown} error */
function failed(error) {
  if (error instanceof Crowd) return json(503, { error: error.message }, { 'retry-after': '5' })
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
  const isKnown =
    error instanceof acts.Refusal ||
    error instanceof UsageError ||
    error instanceof SyntaxError ||
    code?.startsWith('TIERCEL_')
  if (!isKnown) throw error
  const why = error instanceof SyntaxError ? 'the body is no JSON' : message
  return json(code ? 503 : 400, { error: why.replace(/^tiercel: /, '') })
}

/**
 * @typedef {{ signal: AbortSignal, record: (invalidated: unknown) => void }} How
 * @type {Record<import('./sampler.js').Act, (source: import('./source.js').Source, given: unknown, how: How) => Promise<unknown>>}
 */
const ACTS = {
  why: (source, given) => acts.why(source, given),
  preview: (source, given, { signal }) => acts.preview(source, acts.aimOf(given), signal),
  purge: (source, given, { record }) => acts.purge(source, acts.aimOf(given), record),
}

/** @param {Looking} sampler @param {Request} request */
function stream(sampler, request) {
  if (sampler.isFull) return said(503, 'Too many viewers', { 'retry-after': '30' })
  const headers = {
    ...HEADERS,
    'content-type': 'text/event-stream; charset=utf-8',
    'x-accel-buffering': 'no',
  }
  // Nobody reads the body of an answer to these, so nobody would end it.
  if (request.method === 'HEAD') return new Response(null, { headers })
  if (request.signal?.aborted) return said(499, 'Nobody waits for it')
  /** @type {() => void} */
  let gone = () => {}
  const body = new ReadableStream(
    {
      start(controller) {
        const viewer = viewerOf(controller, () => clearTimeout(timer))
        // The browser comes back, and is admitted anew.
        const timer = setTimeout(() => sampler.dismiss(viewer), STREAM_MS)
        timer.unref()
        gone = () => {
          sampler.leave(viewer)
          viewer.end()
        }
        request.signal?.addEventListener('abort', () => gone())
        sampler.join(viewer)
      },
      cancel: () => gone(),
    },
    { highWaterMark: MOST_BEHIND },
  )
  return new Response(body, { headers })
}

/**
 * @param {ReadableStreamDefaultController} controller
 * @param {() => void} ended
 * @returns {import('./sampler.js').Viewer}
 */
const viewerOf = (controller, ended) => ({
  send: (bytes) => {
    if ((controller.desiredSize ?? 0) <= 0) return false
    controller.enqueue(bytes)
    return true
  },
  end: () => {
    ended()
    try {
      controller.close()
    } catch {
      // The other side has closed it.
    }
  },
})

/** A body of a sensible length. @param {Request} request */
async function bodyOf(request) {
  /** @type {Uint8Array[]} */
  const parts = []
  let length = 0
  for await (const part of /** @type {any} */ (request.body ?? [])) {
    length += part.length
    if (length > MOST_BODY) throw new acts.Refusal('the body is too long')
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** @param {string} name */
function asset(name) {
  const { type, content } = assets[/** @type {keyof typeof assets} */ (name)]
  return new Response(content, { headers: { ...HEADERS, 'content-type': type } })
}

/** @param {number} status @param {string} content */
const html = (status, content) =>
  new Response(content, {
    status,
    headers: { ...HEADERS, 'content-type': 'text/html; charset=utf-8' },
  })

/** @param {number} status @param {unknown} value @param {Record<string, string>} [more] */
const json = (status, value, more) =>
  new Response(JSON.stringify(value), {
    status,
    headers: { ...HEADERS, 'content-type': 'application/json; charset=utf-8', ...more },
  })

/** @param {number} status @param {string} text @param {Record<string, string>} [more] */
const said = (status, text, more) =>
  new Response(`${text}\n`, {
    status,
    headers: { ...HEADERS, 'content-type': 'text/plain; charset=utf-8', ...more },
  })

module.exports = { routes }
