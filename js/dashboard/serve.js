// @ts-check

const { randomBytes } = require('node:crypto')
const { once } = require('node:events')
const { createServer } = require('node:http')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const { out } = require('../command/terminal.js')
const { UsageError } = require('../command/usage.js')
const { must } = require('../operate/operator.js')
const options = require('../operate/options.js')
const places = require('../operate/place.js')
const { routes } = require('./route.js')
const { ofServer } = require('./source.js')

const PORT = 4_280
const HOST = '127.0.0.1'

/**
 * `tiercel dashboard`: the page without an app, of a server alone.
 * @param {Record<string, any>} flags
 * @param {() => AbortSignal} endless from its call on, a signal ends it
 */
async function serve(flags, endless) {
  const port = options.count(flags.port, 'port', PORT, [0, 65_535])
  const host = flags.host ?? HOST
  // Node would listen on every address there is.
  if (host.trim() === '') throw new UsageError('--host takes a name or an address')
  const place = await places.find(flags)
  // What is wrong from the start is said here, and not on a page.
  const first = must(place, flags)
  await first.run('snapshots')
  const { namespace, place: server } = first.about()
  await first.close()
  // A port of this machine is open to all of its users.
  const given = process.env.TIERCEL_DASHBOARD_TOKEN
  const token = given || randomBytes(18).toString('base64url')
  const handlers = routes(() => ofServer(first), { token })
  const listener = createServer((asked, answer) => {
    void respond(handlers, asked, answer).catch(() => answer.destroy())
  })
  await listening(listener, port, host)
  const signal = endless()
  const { port: taken } = /** @type {import('node:net').AddressInfo} */ (listener.address())
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${taken}/`
  // Whoever gave it has it; logs need not.
  const told = given ? { url } : { url, token }
  if (flags.json) out(JSON.stringify({ ...told, namespace, place: server }))
  else {
    out(`${namespace} on ${server}`)
    out(url)
    out(given ? 'token: TIERCEL_DASHBOARD_TOKEN' : `token: ${token}`)
  }
  if (!signal.aborted) await once(signal, 'abort')
  listener.close()
  listener.closeAllConnections()
  return 0
}

/** @param {import('node:http').Server} listener @param {number} port @param {string} host */
async function listening(listener, port, host) {
  listener.listen(port, host)
  try {
    await once(listener, 'listening')
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    if (code === 'EADDRINUSE') throw new UsageError(`--port ${port} is taken`)
    throw new UsageError(`--host ${host} and --port ${port} cannot be listened on (${code})`)
  }
}

/**
 * @param {ReturnType<typeof routes>} handlers
 * @param {import('node:http').IncomingMessage} asked
 * @param {import('node:http').ServerResponse} answer
 */
async function respond(handlers, asked, answer) {
  const { method = 'GET' } = asked
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') {
    answer.writeHead(405, { allow: 'GET, HEAD, POST' }).end()
    return
  }
  const over = new AbortController()
  answer.on('close', () => over.abort())
  const url = new URL(asked.url ?? '/', 'http://dashboard')
  const request = new Request(url, {
    method,
    headers: headersOf(asked),
    signal: over.signal,
    ...(method === 'POST' && { body: /** @type {any} */ (Readable.toWeb(asked)), duplex: 'half' }),
  })
  const path = url.pathname.split('/').filter((part) => part !== '')
  const handle = method === 'POST' ? handlers.POST : handlers.GET
  const response = await handle(request, { params: { path } })
  answer.writeHead(response.status, Object.fromEntries(response.headers))
  if (!response.body) {
    answer.end()
    return
  }
  const body = Readable.fromWeb(/** @type {any} */ (response.body))
  // Whoever leaves in the middle of a stream is nobody's mistake.
  await pipeline(body, answer).catch(() => {})
}

/** @param {import('node:http').IncomingMessage} asked */
function headersOf({ headersDistinct }) {
  const headers = new Headers()
  for (const [name, values = []] of Object.entries(headersDistinct)) {
    for (const value of values) headers.append(name, value)
  }
  return headers
}

module.exports = { serve }
