// @ts-check

const { once } = require('node:events')
const { createInterface } = require('node:readline/promises')
const { jsonOf, shown } = require('./shown.js')

/** Where output goes, and what may be written there: colours and bars belong on terminals. */

/** The least time between two draws of a bar, in ms. */
const FRAME_MS = 50
const BAR = 24

const STYLES = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 }

/** @param {NodeJS.WriteStream} stream */
const isTerminal = (stream) => stream.isTTY === true && process.env.TERM !== 'dumb'

/**
 * Colours a text, where colours are wanted: <https://no-color.org>.
 * @param {keyof typeof STYLES} style
 * @param {string} text
 * @param {NodeJS.WriteStream} [stream]
 */
function paint(style, text, stream = process.stdout) {
  if (!isTerminal(stream) || process.env.NO_COLOR) return text
  return `\x1b[${STYLES[style]}m${text}\x1b[0m`
}

/** Characters in a line; without a terminal as many as there are. @param {NodeJS.WriteStream} [stream] */
const width = (stream = process.stdout) =>
  stream.isTTY === true ? stream.columns || 80 : Number.POSITIVE_INFINITY

/** @param {string} text */
function out(text) {
  process.stdout.write(`${text}\n`)
}

/** A result as JSON; without an indent in one line. @param {unknown} value @param {number} [indent] */
function outJson(value, indent = 2) {
  out(jsonOf(value, indent))
}

/** A line for the reader that is not part of the result. @param {string} text */
function note(text) {
  process.stderr.write(`${text}\n`)
}

/**
 * Foreign text, cut to what fits into a line.
 * @param {string} text
 * @param {number} most
 */
function cut(text, most) {
  const plain = shown(text, Number.POSITIVE_INFINITY)
  if (plain.length <= most) return plain
  return most < 2 ? '' : `${plain.slice(0, most - 1)}…`
}

/** Lines of at most `most` characters. @param {string} text @param {number} most */
function folded(text, most) {
  if (!Number.isFinite(most)) return [text]
  /** @type {string[]} */
  const lines = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > Math.max(20, most)) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/**
 * A table: columns as wide as needed, the last one as wide as is left.
 * @param {string[]} head
 * @param {string[][]} rows
 * @param {{ right?: number[] }} [options] columns of numbers
 */
function table(head, rows, { right = [] } = {}) {
  const last = head.length - 1
  const widths = head.map((title, at) =>
    rows.reduce((most, row) => Math.max(most, row[at].length), title.length),
  )
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + 2, 0)
  const left = Math.max(10, width() - before - 1)
  /** @param {string[]} row */
  const line = (row) =>
    row
      .map((cell, at) => {
        if (at === last) return cut(cell, left)
        return right.includes(at) ? cell.padStart(widths[at]) : cell.padEnd(widths[at])
      })
      .join('  ')
      .trimEnd()
  return [paint('dim', line(head)), ...rows.map(line)].join('\n')
}

/** A bar of progress, on a terminal only. */
class Bar {
  #stream
  #drawn = Number.NEGATIVE_INFINITY
  #isOpen = false

  /** @param {NodeJS.WriteStream} [stream] */
  constructor(stream = process.stderr) {
    this.#stream = stream
  }

  /** @param {number} done @param {number} total @param {string} what */
  show(done, total, what) {
    // The whole is always shown.
    if (performance.now() - this.#drawn < FRAME_MS && done < total) return
    const filled = total > 0 ? Math.min(BAR, Math.round((done / total) * BAR)) : 0
    this.say(`${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${what}`)
  }

  /** Shows a line in place of the bar. @param {string} line */
  say(line) {
    if (!isTerminal(this.#stream)) return
    this.#drawn = performance.now()
    this.#isOpen = true
    this.#stream.write(`\r\x1b[K${line.slice(0, (this.#stream.columns || 80) - 1)}`)
  }

  /** Clears it. */
  end() {
    if (this.#isOpen) this.#stream.write('\r\x1b[K')
    this.#isOpen = false
  }
}

/** Asks a question that only `yes` affirms; nobody is asked without a terminal. @param {string} question */
async function agrees(question) {
  if (!process.stdin.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-D closes it, and then the question has no answer, or fails in newer Node.js.
  const closed = once(terminal, 'close').then(() => '')
  const asked = terminal.question(`${question} [y/N] `).catch(() => '')
  try {
    return /^y(?:es)?$/i.test((await Promise.race([asked, closed])).trim())
  } finally {
    terminal.close()
  }
}

/** @param {number} bytes */
function size(bytes) {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
}

/** A duration. @param {number} ms */
function span(ms) {
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  const secs = ms / 1_000
  if (secs < 120) return `${secs < 10 ? secs.toFixed(1) : Math.round(secs)} s`
  if (secs < 7_200) return `${Math.round(secs / 60)} min`
  return secs < 172_800 ? `${Math.round(secs / 3_600)} h` : `${Math.round(secs / 86_400)} d`
}

/** A moment: of today its time alone. @param {number} ms since the epoch */
function moment(ms) {
  const at = new Date(ms)
  const pad = (/** @type {number} */ n) => String(n).padStart(2, '0')
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(pad).join(':')
  if (at.toDateString() === new Date().toDateString()) return time
  return `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${time}`
}

module.exports = {
  isTerminal,
  paint,
  width,
  out,
  outJson,
  note,
  cut,
  folded,
  table,
  Bar,
  agrees,
  size,
  span,
  moment,
}
