import net from 'node:net'
import { Frames, Push } from './resp.mjs'

const MESSAGES = new Set(['message', 'pmessage', 'smessage'])
/** The interval at which a throttled lane writes. */
const STEP_MS = 10

/**
 * @typedef {'up' | 'down' | 'both'} Direction `up`: from client to server
 *
 * @typedef {object} Lane the faults of one direction
 * @property {number} delayMs
 * @property {boolean} isHeld
 * @property {number} bytesPerSecond
 */

/** A TCP proxy on loopback before `target`, whose faults are switched at run time. */
export async function startProxy(target, options = {}) {
  const proxy = new FaultyProxy(target, options)
  await proxy.accept()
  return proxy
}

class FaultyProxy {
  host = '127.0.0.1'
  port = 0
  /** Connections ever accepted. */
  connections = 0
  /** Bytes received so far. */
  bytes = { up: 0, down: 0 }
  /** Messages of pub/sub that were dropped. */
  dropped = 0
  /** @type {{ up: Lane, down: Lane }} */
  lanes = { up: sound(), down: sound() }
  dropRate = 0
  random
  #target
  #listener
  /** @type {Set<Connection>} */
  #open = new Set()

  /**
   * @param {{ host?: string, port?: number, socket?: string }} target
   * @param {{ random?: () => number }} options `random` decides which messages are dropped
   */
  constructor({ host = '127.0.0.1', port, socket }, { random = Math.random }) {
    this.#target = socket ? { path: socket } : { host, port }
    this.random = random
  }

  /** Connections open now. */
  get open() {
    return this.#open.size
  }

  /** The URL for a client, in place of the server's own `redis://` URL. */
  get url() {
    return `redis://${this.host}:${this.port}`
  }

  /** Ends all faults: held bytes go on their way, and new connections are accepted again. */
  async pass() {
    this.lanes = { up: sound(), down: sound() }
    this.dropRate = 0
    this.#wake()
    await this.accept()
  }

  /** Every byte arrives `ms` later, in order. */
  delay(ms, direction = 'both') {
    this.#change(direction, { delayMs: ms })
  }

  /** Limits the bytes per second of each connection and direction. */
  throttle(bytesPerSecond, direction = 'both') {
    this.#change(direction, { bytesPerSecond })
  }

  /**
   * Half-open, as with a dead link: accepts bytes and new connections, and passes nothing on, not
   * even the close of a side. `pass` delivers the held bytes, as TCP would have.
   */
  blackHole(direction = 'both') {
    this.#change(direction, { isHeld: true })
  }

  /** Drops messages of pub/sub with this probability; all other replies pass. TLS passes unread. */
  dropMessages(probability = 1) {
    this.dropRate = probability
  }

  /** New connections are refused from now on; open ones stay. */
  async refuse() {
    const listener = this.#listener
    this.#listener = undefined
    // It closes immediately for new connections; its end waits for the open ones.
    listener?.close()
    await new Promise((wake) => setImmediate(wake))
  }

  /** Accepts connections, at the same port as before. */
  async accept() {
    if (this.#listener) return
    // The stream hands a close on, not Node.
    const listener = net.createServer({ allowHalfOpen: true, noDelay: true })
    listener.on('connection', (client) => this.#connect(client))
    await new Promise((resolve, reject) => {
      listener.once('error', reject)
      listener.listen(this.port, this.host, resolve)
    })
    this.#listener = listener
    this.port = listener.address().port
  }

  /** Ends every open connection with a reset, towards both sides. */
  reset() {
    for (const connection of this.#open) connection.reset()
  }

  async stop() {
    await this.refuse()
    this.reset()
  }

  #connect(client) {
    this.connections++
    const server = net.connect({ ...this.#target, allowHalfOpen: true, noDelay: true })
    const connection = new Connection(this, client, server)
    this.#open.add(connection)
    connection.ended.then(() => this.#open.delete(connection))
  }

  #change(direction, faults) {
    const names = direction === 'both' ? ['up', 'down'] : [direction]
    for (const name of names) Object.assign(this.lanes[name], faults)
    this.#wake()
  }

  #wake() {
    for (const connection of this.#open) connection.wake()
  }
}

/** @returns {Lane} */
const sound = () => ({ delayMs: 0, isHeld: false, bytesPerSecond: Infinity })

class Connection {
  #sockets
  #streams
  /** Resolves when both sides are gone. */
  ended

  constructor(proxy, client, server) {
    this.#sockets = [client, server]
    this.#streams = [
      new Stream(proxy, 'up', client, server),
      new Stream(proxy, 'down', server, client),
    ]
    const closed = (socket) => new Promise((resolve) => socket.once('close', resolve))
    this.ended = Promise.all(this.#sockets.map(closed))
  }

  wake() {
    for (const stream of this.#streams) stream.flow()
  }

  reset() {
    for (const socket of this.#sockets) if (!socket.destroyed) socket.resetAndDestroy()
  }
}

/**
 * Bytes, or how the stream ends.
 *
 * @typedef {{ bytes?: Buffer, act?: 'end' | 'reset', due: number }} Part
 */

/** One direction of a connection: parts that have arrived and not left yet, in order. */
class Stream {
  #proxy
  #direction
  #to
  #filter
  /** @type {Part[]} */
  #queue = []
  #timer
  /** When a throttled lane may write again. */
  #freeAt = 0

  constructor(proxy, direction, from, to) {
    this.#proxy = proxy
    this.#direction = direction
    this.#to = to
    this.#filter = direction === 'down' ? new MessageFilter(proxy) : undefined
    from.on('data', (chunk) => {
      proxy.bytes[direction] += chunk.length
      for (const bytes of this.#filter?.feed(chunk) ?? [chunk]) this.#accept({ bytes })
      // Only a lane without faults slows its sender down.
      if (to.writableNeedDrain && !this.#lane.isHeld) {
        from.pause()
        to.once('drain', () => from.resume())
      }
    })
    from.on('end', () => {
      for (const bytes of this.#filter?.end() ?? []) this.#accept({ bytes })
      this.#accept({ act: 'end' })
    })
    // The client of a server that refuses or resets sees a reset, too.
    from.on('error', () => this.#accept({ act: 'reset' }))
    to.on('close', () => clearTimeout(this.#timer))
  }

  get #lane() {
    return this.#proxy.lanes[this.#direction]
  }

  #accept(part) {
    this.#queue.push({ ...part, due: performance.now() + this.#lane.delayMs })
    this.flow()
  }

  /** Sends the parts that are due; comes back by itself for the rest, unless that is held. */
  flow() {
    clearTimeout(this.#timer)
    while (this.#queue.length && !this.#lane.isHeld && !this.#to.destroyed) {
      const now = performance.now()
      const wait = Math.max(this.#queue[0].due, this.#freeAt) - now
      if (wait > 0) {
        this.#timer = setTimeout(() => this.flow(), Math.ceil(wait))
        return
      }
      this.#send(now)
    }
  }

  #send(now) {
    const [{ bytes, act }] = this.#queue
    if (!bytes) {
      this.#queue.shift()
      if (act === 'end') this.#to.end()
      else this.#to.resetAndDestroy()
      return
    }
    const rate = this.#lane.bytesPerSecond
    const most = Math.max(1, Math.floor((rate * STEP_MS) / 1000))
    const step = bytes.subarray(0, most)
    if (step.length === bytes.length) this.#queue.shift()
    else this.#queue[0].bytes = bytes.subarray(most)
    this.#freeAt = rate === Infinity ? 0 : now + (step.length / rate) * 1000
    this.#to.write(step)
  }
}

/** Removes pub/sub messages from a server's stream. Always parses, to know where frames begin. */
class MessageFilter {
  #proxy
  #frames = new Frames()
  #isReadable = true

  constructor(proxy) {
    this.#proxy = proxy
  }

  feed(chunk) {
    if (!this.#isReadable) return [chunk]
    try {
      const frames = this.#frames.feed(chunk)
      return frames.filter((frame) => !this.#isDropped(frame)).map(({ bytes }) => bytes)
    } catch {
      // TLS, say. The bytes so far are still in there.
      this.#isReadable = false
      return [this.#frames.rest]
    }
  }

  /** The frame that the end of the stream has cut off. */
  end() {
    return this.#isReadable ? [this.#frames.rest] : []
  }

  #isDropped({ value }) {
    // In RESP2 a message is an array like any other; no reply of ours begins with these words.
    const isMessage =
      (value instanceof Push || Array.isArray(value)) && MESSAGES.has(String(value[0]))
    if (!isMessage || this.#proxy.random() >= this.#proxy.dropRate) return false
    this.#proxy.dropped++
    return true
  }
}
