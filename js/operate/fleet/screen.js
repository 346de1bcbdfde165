// @ts-check

/**
 * The whole screen of a terminal, as it was once it is given back.
 *
 * The alternate screen keeps what was there; lines are drawn over those of the frame before, so that
 * nothing flickers; and no line is wrapped, however wide the terminal takes a character to be.
 */

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l'

/** Sequences that terminals send, by the key. @type {Record<string, string>} */
const NAMED = {
  '\x1b[A': 'up',
  '\x1bOA': 'up',
  '\x1b[B': 'down',
  '\x1bOB': 'down',
  '\x1b': 'escape',
  '\r': 'enter',
  '\n': 'enter',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x03': 'interrupt',
  '\x04': 'interrupt',
}

class Screen {
  #input = process.stdin
  #output = process.stdout
  #isOpen = false
  /** @type {(key: string) => void} */
  #onKey
  /** @type {() => void} */
  #onResize
  #leave = () => this.close()

  /** @param {{ onKey: (key: string) => void, onResize: () => void }} told */
  constructor({ onKey, onResize }) {
    this.#onKey = onKey
    this.#onResize = onResize
  }

  open() {
    this.#isOpen = true
    this.#output.write(ENTER)
    this.#input.setRawMode(true).setEncoding('utf8').on('data', this.#read).resume()
    this.#output.on('resize', this.#onResize)
    // However the process ends, the terminal is left as it was.
    process.on('exit', this.#leave)
  }

  close() {
    if (!this.#isOpen) return
    this.#isOpen = false
    process.off('exit', this.#leave)
    this.#output.off('resize', this.#onResize)
    this.#input.off('data', this.#read).pause()
    this.#input.setRawMode(false)
    this.#output.write(LEAVE)
  }

  get width() {
    return this.#output.columns || 80
  }

  get height() {
    return this.#output.rows || 24
  }

  /** @param {string[]} lines */
  draw(lines) {
    if (this.#isOpen) this.#output.write(`\x1b[H${lines.join('\x1b[K\r\n')}\x1b[K\x1b[J`)
  }

  /** @param {string | Buffer} chunk */
  #read = (chunk) => {
    for (const key of keysOf(String(chunk))) this.#onKey(key)
  }
}

/** The keys in what a terminal sent. @param {string} text */
function keysOf(text) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what keys send
  const sent = text.match(/\x1b[[O][0-9;]*[A-Za-z~]|[\s\S]/gu) ?? []
  return sent.map((one) => NAMED[one] ?? one)
}

module.exports = { Screen, keysOf }
