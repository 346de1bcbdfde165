// @ts-check
/**
 * The least that a handler in JavaScript can do: a raw socket, one binary value per entry, the states
 * of tags held in this process. It judges what Next.js leaves to a handler, and nothing else: no
 * deadline, no fleet, no other server. Its cost is that of a Redis hit.
 */
import net from 'node:net'
import { streamOf } from '../handlers/values.mjs'

/** First bytes of replies. */
const BULK = 0x24
const ERROR = 0x2d
const CR = 0x0d

/** Commands leave together, once per tick; replies come in order. */
class Wire {
  /** @type {((reply: Buffer | null) => void)[]} */
  #waiting = []
  #next = 0
  /** @type {(string | Uint8Array)[]} */
  #out = []
  /** @type {Buffer | undefined} */
  #rest

  /** @param {string} url */
  constructor(url) {
    const { hostname, port } = new URL(url)
    this.socket = net.connect({ host: hostname, port: Number(port), noDelay: true })
    this.socket.on('data', (chunk) => this.#read(chunk))
  }

  /** @param {string} key @returns {Promise<Buffer | null>} */
  get(key) {
    this.#write(`*2\r\n$3\r\nGET\r\n$${key.length}\r\n${key}\r\n`)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** @param {string} key @param {Uint8Array} value @returns {Promise<Buffer | null>} */
  set(key, value) {
    this.#write(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n`)
    this.#write(value)
    this.#write('\r\n')
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** @param {string | Uint8Array} part */
  #write(part) {
    if (this.#out.length === 0) queueMicrotask(() => this.#flush())
    this.#out.push(part)
  }

  #flush() {
    const out = this.#out
    this.#out = []
    if (out.every((part) => typeof part === 'string')) {
      this.socket.write(out.join(''), 'latin1')
      return
    }
    this.socket.cork()
    for (const part of out) {
      if (typeof part === 'string') this.socket.write(part, 'latin1')
      else this.socket.write(part)
    }
    this.socket.uncork()
  }

  /** @param {Buffer} chunk */
  #read(chunk) {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk
    this.#rest = undefined
    let at = 0
    while (at < bytes.length) {
      const end = bytes.indexOf(CR, at)
      if (end < 0 || end + 1 >= bytes.length) break
      if (bytes[at] === ERROR) throw new Error(bytes.toString('latin1', at, end))
      if (bytes[at] !== BULK) {
        at = end + 2
        this.#answer(null)
        continue
      }
      const length = Number(bytes.latin1Slice(at + 1, end))
      if (length < 0) {
        at = end + 2
        this.#answer(null)
        continue
      }
      const from = end + 2
      if (from + length + 2 > bytes.length) break
      at = from + length + 2
      this.#answer(bytes.subarray(from, from + length))
    }
    if (at < bytes.length) this.#rest = at === 0 ? bytes : bytes.subarray(at)
  }

  /** @param {Buffer | null} reply */
  #answer(reply) {
    this.#waiting[this.#next++](reply)
    if (this.#next < 1_024) return
    this.#waiting.splice(0, this.#next)
    this.#next = 0
  }
}

/**
 * An entry in bytes: the size of its head, the head as JSON, then its parts one behind the other.
 * @param {any} head with the sizes of `parts`
 * @param {Uint8Array[]} parts
 */
function packed(head, parts) {
  const text = Buffer.from(JSON.stringify({ ...head, sizes: parts.map((part) => part.length) }))
  const size = Buffer.alloc(4)
  size.writeUInt32LE(text.length)
  return Buffer.concat([size, text, ...parts])
}

/** @param {Buffer} bytes */
function unpacked(bytes) {
  const start = 4 + bytes.readUInt32LE(0)
  const head = JSON.parse(bytes.utf8Slice(4, start))
  let at = start
  const parts = head.sizes.map((/** @type {number} */ size) => {
    at += size
    return bytes.subarray(at - size, at)
  })
  return { head, parts }
}

/** @type {Record<string, { encode: (value: any) => [any, Uint8Array[]], decode: (head: any, parts: Buffer[]) => any }>} */
const kinds = {
  FETCH: {
    encode: ({ data: { body, ...data }, ...value }) => [{ data, value }, [Buffer.from(body)]],
    decode: ({ data, value }, [body]) => ({
      ...value,
      data: { ...data, body: body.utf8Slice(0, body.length) },
    }),
  },
  APP_PAGE: {
    encode: ({ html, rscData, segmentData, ...value }) => [
      { value, names: [...segmentData.keys()] },
      [Buffer.from(html), rscData, ...segmentData.values()],
    ],
    decode: ({ value, names }, [html, rscData, ...segments]) => ({
      ...value,
      html: html.utf8Slice(0, html.length),
      rscData,
      segmentData: new Map(segments.map((bytes, nth) => [names[nth], bytes])),
    }),
  },
}

/** When each tag was last invalidated, in ms. @type {Map<string, number>} */
const tagsAt = new Map()

/** @param {string[]} tags @param {number} since */
const isCurrent = (tags, since) => {
  for (const tag of tags) if ((tagsAt.get(tag) ?? 0) >= since) return false
  return true
}

/** @param {string} url @returns {Promise<import('./subjects.mjs').Subject>} */
export async function ideal(url) {
  const wire = new Wire(url)
  const incremental = {
    /** @param {string} key @param {any} ctx */
    async get(key, ctx) {
      const bytes = await wire.get(`ideal:${key}`)
      if (bytes === null) return null
      const { head, parts } = unpacked(bytes)
      if (!isCurrent(head.tags, head.lastModified)) return null
      if (ctx.softTags && !isCurrent(ctx.softTags, head.lastModified)) return null
      const value = kinds[head.kind].decode(head.rest, parts)
      return { value, lastModified: head.lastModified, cacheControl: head.cacheControl }
    },
    /** @param {string} key @param {any} value @param {any} ctx */
    async set(key, value, ctx) {
      const [rest, parts] = kinds[value.kind].encode(value)
      const tags = ctx.tags ?? value.headers['x-next-cache-tags'].split(',')
      const { kind } = value
      const head = { kind, rest, tags, lastModified: Date.now(), cacheControl: ctx.cacheControl }
      await wire.set(`ideal:${key}`, packed(head, parts))
    },
  }
  const use = {
    /** @param {string} key @param {string[]} softTags */
    async get(key, softTags) {
      const bytes = await wire.get(`ideal:${key}`)
      if (bytes === null) return undefined
      const { head, parts } = unpacked(bytes)
      const now = performance.timeOrigin + performance.now()
      if (now > head.timestamp + head.expire * 1_000) return undefined
      if (!isCurrent(head.tags, head.timestamp) || !isCurrent(softTags, head.timestamp)) return
      const { sizes: _, ...entry } = head
      return { ...entry, value: streamOf(parts[0]) }
    },
    /** @param {string} key @param {Promise<any>} pending */
    async set(key, pending) {
      const { value, ...entry } = await pending
      const chunks = []
      for await (const chunk of value) chunks.push(chunk)
      await wire.set(`ideal:${key}`, packed(entry, [Buffer.concat(chunks)]))
    },
  }
  return { incremental, use, settled: async () => {}, close: () => wire.socket.destroy() }
}
