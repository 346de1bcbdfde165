import net from 'node:net'
import tls from 'node:tls'
import { encode, Frames, Push, ReplyError } from './resp.mjs'

const MESSAGES = new Set(['message', 'pmessage', 'smessage'])
const CONFIRMATION = /^[ps]?(un)?subscribe$/

/**
 * @typedef {object} Target
 * @property {string} [host]
 * @property {number} [port]
 * @property {string} [socket] path of a unix socket, instead of host and port
 * @property {string} [username]
 * @property {string} [password]
 * @property {number} [database]
 * @property {tls.ConnectionOptions} [tls] `ca`, `cert` and `key` as PEM texts
 *
 * @typedef {object} Manner
 * @property {2 | 3} [protocol] 3 says HELLO 3 first
 * @property {boolean} [binary] bulk strings come as Buffers
 * @property {number} [patience] ms until a reply has to be there
 */

/**
 * Connects to one server. Follows no redirection and never reconnects by itself: a test sees
 * exactly the replies of the server.
 *
 * @param {string | Target} target `redis://user:password@host:port/database`, `rediss://`,
 *   `unix:///path?db=1`, or its parts
 * @param {Target & Manner} [more]
 */
export async function connect(target, more = {}) {
  const all = { ...(typeof target === 'string' ? parseUrl(target) : target), ...more }
  const { username, password, database, protocol = 2 } = all
  const client = new Client(await open(all), all)
  try {
    if (password !== undefined) {
      await client.command('AUTH', ...(username ? [username] : []), password)
    }
    if (protocol === 3) await client.command('HELLO', 3)
    if (database) await client.command('SELECT', database)
  } catch (error) {
    client.close()
    throw error
  }
  return client
}

function parseUrl(text) {
  const url = new URL(text)
  if (url.protocol === 'unix:') {
    return { socket: url.pathname, database: Number(url.searchParams.get('db')) }
  }
  return {
    host: url.hostname,
    port: Number(url.port || 6379),
    database: Number(url.pathname.slice(1)),
    username: decodeURIComponent(url.username),
    password: url.password ? decodeURIComponent(url.password) : undefined,
    tls: url.protocol === 'rediss:' ? {} : undefined,
  }
}

/** A connected socket. A server without TLS never answers a TLS greeting, hence the bound. */
function open({ host = '127.0.0.1', port, socket: path, tls: secure, patience = 5_000 }) {
  const where = path ? { path } : { host, port }
  const servername = net.isIP(host) ? '' : host
  const socket = secure ? tls.connect({ ...where, servername, ...secure }) : net.connect(where)
  return new Promise((resolve, reject) => {
    socket.setTimeout(patience, () => socket.destroy(new Error(`no connection in ${patience} ms`)))
    socket.once('error', reject)
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      socket.setTimeout(0).off('error', reject).setNoDelay()
      resolve(socket)
    })
  })
}

export class Client {
  #socket
  #frames
  #patience
  /** Waiters for replies, in order. @type {Waiter[]} */
  #waiting = []
  #closed
  #isSubscriber = false
  #hear = () => {}

  constructor(socket, { binary, patience = 5_000 }) {
    this.#socket = socket
    this.#frames = new Frames({ binary })
    this.#patience = patience
    this.#closed = new Promise((resolve) => socket.once('close', resolve))
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', () => {})
    socket.on('close', () => this.#fail(new Error('the connection was closed')))
  }

  get isOpen() {
    return !this.#socket.destroyed
  }

  /** Resolves when the connection is gone, whichever side closed it. */
  get closed() {
    return this.#closed
  }

  /** The reply. An error reply rejects, with a `ReplyError`. */
  async command(...args) {
    const [reply] = await this.pipeline([args])
    if (reply instanceof ReplyError) throw reply
    return reply
  }

  /** The replies of several commands sent together; an error reply is one of them. */
  pipeline(commands) {
    const replies = commands.map((args) => this.#expect(args))
    this.#socket.write(Buffer.concat(commands.map(encode)))
    return Promise.all(replies)
  }

  /**
   * Subscribes; resolves when the server has confirmed all. `hear` gets every message of this
   * connection: `hear(channel, payload)`. A channel with a `*` is a pattern.
   */
  subscribe(channels, hear) {
    return this.#subscribe('SUBSCRIBE', 'PSUBSCRIBE', channels, hear)
  }

  /** Subscribes to channels of one slot of a cluster. */
  subscribeSharded(channels, hear) {
    return this.#subscribe('SSUBSCRIBE', 'SSUBSCRIBE', channels, hear)
  }

  async #subscribe(plain, pattern, channels, hear) {
    this.#isSubscriber = true
    this.#hear = (message) => hear(...message.slice(-2))
    const asked = channels.map((channel) => [channel.includes('*') ? pattern : plain, channel])
    for (const reply of await this.pipeline(asked)) if (reply instanceof ReplyError) throw reply
  }

  /** `hear(line)` gets each command that the server carries out, scripts' own included. */
  async monitor(hear) {
    this.#hear = hear
    await this.command('MONITOR')
  }

  close() {
    this.#socket.destroy()
  }

  /** Lets this process end although the connection is open, unless a reply is due. */
  unref() {
    this.#socket.unref()
    return this
  }

  #expect(args) {
    if (!this.isOpen) return Promise.reject(new Error('the connection was closed'))
    return new Promise((resolve, reject) => {
      const late = () => this.#socket.destroy(this.#fail(new Error(`no reply: ${args[0]}`)))
      const timer = setTimeout(late, this.#patience)
      this.#waiting.push({ resolve, reject, timer })
    })
  }

  #receive(chunk) {
    try {
      for (const { value } of this.#frames.feed(chunk)) this.#take(value)
    } catch (error) {
      this.#socket.destroy(this.#fail(error))
    }
  }

  #take(value) {
    // In RESP3 a confirmation comes as a push, too, in the place of the reply.
    const isUnasked =
      value instanceof Push
        ? !CONFIRMATION.test(String(value[0]))
        : this.#isSubscriber && Array.isArray(value) && MESSAGES.has(String(value[0]))
    const waiter = isUnasked ? undefined : this.#waiting.shift()
    if (!waiter) return this.#hear(value)
    clearTimeout(waiter.timer)
    waiter.resolve(value)
  }

  #fail(error) {
    for (const { reject, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer)
      reject(error)
    }
    return error
  }
}

/** @typedef {{ resolve: (reply: any) => void, reject: (error: Error) => void, timer: any }} Waiter */
