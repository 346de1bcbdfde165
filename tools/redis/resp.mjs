/** RESP2 and RESP3: arguments to bytes, bytes to values. */

const CRLF = Buffer.from('\r\n')
const INCOMPLETE = Symbol('the frame goes on in bytes that have not come yet')

/** An error that a server replied; `code` is its first word, such as `NOAUTH`. */
export class ReplyError extends Error {
  constructor(text) {
    super(text)
    this.code = text.split(' ', 1)[0]
  }
}

/** A message that a RESP3 server sends of its own accord. */
export class Push extends Array {}

/** One command as the bytes that a client sends. */
export function encode(args) {
  const parts = [`*${args.length}\r\n`]
  for (const arg of args) {
    const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg))
    parts.push(`$${bytes.length}\r\n`, bytes, CRLF)
  }
  return Buffer.concat(parts.map((part) => (Buffer.isBuffer(part) ? part : Buffer.from(part))))
}

/** Cuts a stream of bytes into frames. */
export class Frames {
  #chunks = []
  #size = 0
  /** Below this size nothing is parsed, so that a large body is not parsed with every chunk. */
  #wanted = 1
  #binary

  /** @param {{ binary?: boolean }} [options] `binary`: bulk strings become Buffers */
  constructor({ binary = false } = {}) {
    this.#binary = binary
  }

  /** The bytes of the frame that is not complete yet. */
  get rest() {
    return Buffer.concat(this.#chunks)
  }

  /**
   * The frames that `chunk` completes.
   *
   * @param {Buffer} chunk
   * @returns {{ value: any, bytes: Buffer }[]}
   * @throws {Error} for bytes that are no RESP; the rest of the stream is unreadable
   */
  feed(chunk) {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#wanted) return []
    const bytes = this.#chunks.length === 1 ? chunk : this.rest
    const reader = new Reader(bytes, this.#binary)
    const frames = []
    let begin = 0
    try {
      while (begin < bytes.length) {
        const value = reader.value()
        frames.push({ value, bytes: bytes.subarray(begin, reader.at) })
        begin = reader.at
      }
    } catch (error) {
      if (error !== INCOMPLETE) throw error
    }
    this.#chunks = begin < bytes.length ? [bytes.subarray(begin)] : []
    this.#size = bytes.length - begin
    this.#wanted = Math.max(reader.wanted - begin, this.#size + 1)
    return frames
  }
}

class Reader {
  at = 0
  /** The end of the body that is not complete yet. */
  wanted = 0
  #bytes
  #binary

  constructor(bytes, binary) {
    this.#bytes = bytes
    this.#binary = binary
  }

  value() {
    const line = this.#line()
    const text = line.slice(1)
    switch (line[0]) {
      case '+':
        return text
      case '-':
        return new ReplyError(text)
      case ':':
      case ',':
        return text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text)
      case '(':
        return BigInt(text)
      case '#':
        return text === 't'
      case '_':
        return null
      case '$':
        return this.#bulk(text)
      case '=':
        return this.#bulk(text).slice(4)
      case '!':
        return new ReplyError(String(this.#bulk(text)))
      case '*':
      case '~':
        return text === '-1' ? null : this.#values(text, [])
      case '>':
        return this.#values(text, new Push())
      case '%':
        return this.#map(text)
      case '|':
        // Attributes describe the value that follows.
        this.#map(text)
        return this.value()
      default:
        throw new Error(`not RESP: ${JSON.stringify(line.slice(0, 40))}`)
    }
  }

  #line() {
    const end = this.#bytes.indexOf(CRLF, this.at)
    if (end < 0) {
      // A stream of another protocol may have no line end for long.
      if (!'+-:,(#_$=!*~>%|'.includes(String.fromCharCode(this.#bytes[this.at] ?? 0x2b))) {
        throw new Error('not RESP')
      }
      throw INCOMPLETE
    }
    const line = this.#bytes.toString('utf8', this.at, end)
    this.at = end + 2
    return line
  }

  #bulk(text) {
    if (text === '-1') return null
    const end = this.at + this.#count(text)
    if (end + 2 > this.#bytes.length) {
      this.wanted = end + 2
      throw INCOMPLETE
    }
    const body = this.#bytes.subarray(this.at, end)
    this.at = end + 2
    return this.#binary ? body : body.toString()
  }

  #values(text, into) {
    for (let left = this.#count(text); left > 0; left--) into.push(this.value())
    return into
  }

  #map(text) {
    const pairs = []
    for (let left = this.#count(text); left > 0; left--) pairs.push([this.value(), this.value()])
    return Object.fromEntries(pairs)
  }

  #count(text) {
    if (!/^\d+$/.test(text)) throw new Error(`not a length: ${JSON.stringify(text)}`)
    return Number(text)
  }
}
