// @ts-check

const { createHash, timingSafeEqual } = require('node:crypto')
const checks = require('../app/checks.js')
const { metrics } = require('./metrics.js')

const OPTIONS = /** @type {const} */ (['token', 'authorize'])

/**
 * A route handler that answers with the metrics of this process.
 * @param {{ token?: string, authorize?: (request: Request) => unknown }} [options]
 * @returns {(request: Request) => Promise<Response>}
 */
function route(options) {
  const { token, authorize } = checks.options('route', options, OPTIONS)
  if (authorize !== undefined) checks.callable('route: `authorize`', authorize)
  if (token !== undefined) checks.own('route: `token`', token)

  return async (request) => {
    // Read before anything else: this is what keeps `next build` from prerendering the answer.
    const accept = request.headers.get('accept') ?? ''
    const given = request.headers.get('authorization') ?? ''
    const wanted = token ?? process.env.TIERCEL_METRICS_TOKEN
    const isAllowed = authorize
      ? await authorize(request)
      : !wanted || isSame(given, `Bearer ${wanted}`)
    if (!isAllowed) {
      const headers = { 'www-authenticate': 'Bearer', 'cache-control': 'no-store' }
      return new Response('Unauthorized\n', { status: 401, headers })
    }
    const { text, contentType } = metrics({ openMetrics: prefersOpen(accept) })
    const headers = { 'content-type': contentType, 'cache-control': 'no-store' }
    return new Response(request.method === 'HEAD' ? null : text, { headers })
  }
}

/** Takes as long wherever they differ. @param {string} one @param {string} other */
function isSame(one, other) {
  const hash = (/** @type {string} */ text) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(one), hash(other))
}

/** Whether a reader likes OpenMetrics at least as much as the older text. @param {string} accept */
function prefersOpen(accept) {
  const liking = { open: 0, text: 0 }
  for (const part of accept.split(',')) {
    const [type, ...parameters] = part.split(';').map((one) => one.trim().toLowerCase())
    const of = (/** @type {string} */ name) =>
      parameters.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1)
    const weight = Number(of('q') ?? 1)
    if (type === 'application/openmetrics-text') {
      if ((of('version') ?? '1.0.0') === '1.0.0') liking.open = Math.max(liking.open, weight)
    } else if (['text/plain', 'text/*', '*/*'].includes(type)) {
      liking.text = Math.max(liking.text, weight)
    }
  }
  return liking.open > 0 && liking.open >= liking.text
}

module.exports = { route }
