// @ts-check
/** One address in front of several instances: a reverse proxy that takes them in turns. */
import { Agent, createServer, request } from 'node:http'
import { pipeline } from 'node:stream'
import { DemoError } from './child.mjs'

/** Headers about one connection, which is not the next one's. */
const OF_THE_CONNECTION = ['connection', 'keep-alive', 'transfer-encoding', 'upgrade']

/** @typedef {{ place: string, port: number, isAlive: () => boolean }} Target `place`: `2 of 3` */

/** @typedef {import('node:http').IncomingMessage} Incoming */
/** @typedef {import('node:http').ServerResponse} Outgoing */

/**
 * Listens and passes on. Bodies are streamed, both ways; `x-demo-instance` says who answered.
 *
 * @param {number} port
 * @param {Target[]} targets
 * @returns {Promise<{ stop: () => void }>}
 */
export async function startFront(port, targets) {
  const agent = new Agent({ keepAlive: true })
  const turns = { document: 0, other: 0 }
  const server = createServer((incoming, outgoing) => {
    const alive = targets.filter((target) => target.isAlive())
    // Documents have turns of their own: else the number of files of a page would decide, and
    // every reload could meet the same instance.
    const turn = incoming.headers.accept?.includes('text/html') ? 'document' : 'other'
    const first = turns[turn]++ % Math.max(1, alive.length)
    pass(incoming, outgoing, [...alive.slice(first), ...alive.slice(0, first)], agent)
  })
  await new Promise((done, failed) => {
    server.once('error', ({ message }) => failed(new DemoError(message)))
    server.listen(port, () => done(undefined))
  })
  const stop = () => {
    server.close()
    server.closeAllConnections()
    agent.destroy()
  }
  return { stop }
}

/**
 * @param {Incoming} incoming
 * @param {Outgoing} outgoing
 * @param {Target[]} targets in the order to try them
 * @param {Agent} agent
 */
function pass(incoming, outgoing, [target, ...others], agent) {
  if (!target) return outgoing.writeHead(502).end('No instance answers.\n')
  const { method, url: path } = incoming
  const to = { host: 'localhost', port: target.port, method, path, agent }
  const asked = request({ ...to, headers: forwarded(incoming) })
  asked.on('response', (answer) => {
    const headers = { ...withoutConnection(answer.headers), 'x-demo-instance': target.place }
    outgoing.writeHead(answer.statusCode ?? 502, headers)
    pipeline(answer, outgoing, () => {})
  })
  asked.on('error', () => {
    if (outgoing.headersSent || outgoing.destroyed) return outgoing.destroy()
    // A body is sent once only.
    const isRepeatable = method === 'GET' || method === 'HEAD'
    pass(incoming, outgoing, isRepeatable ? others : [], agent)
  })
  outgoing.on('close', () => asked.destroy())
  incoming.pipe(asked)
}

/**
 * `host` stays as it is: Next.js takes a server action from its own origin only.
 * @param {Incoming} incoming
 */
function forwarded({ headers, socket }) {
  return {
    ...withoutConnection(headers),
    'x-forwarded-host': headers.host,
    'x-forwarded-proto': 'http',
    'x-forwarded-for': socket.remoteAddress,
  }
}

/** @param {import('node:http').IncomingHttpHeaders} headers */
function withoutConnection(headers) {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.includes(name)),
  )
}
