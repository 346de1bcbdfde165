// @ts-check

const { shown } = require('./shown.js')

/** @typedef {import('../../warm.d.ts').WarmProgress} WarmProgress */
/** @typedef {import('../../warm.d.ts').WarmResult} WarmResult */

/** The least time between two draws of a bar, in ms. */
const FRAME_MS = 50
const BAR = 24
/** Failures that the summary names. */
const MOST_SHOWN = 20

/** The progress of a run: a bar on a terminal, else a line after each tenth. */
class Display {
  #stream
  #isTerminal
  #drawn = Number.NEGATIVE_INFINITY
  #tenth = 0
  #isOpen = false

  /** @param {NodeJS.WriteStream} stream */
  constructor(stream) {
    this.#stream = stream
    this.#isTerminal = stream.isTTY === true
  }

  /** @param {number} [waitMs] */
  begin(waitMs = 0) {
    const patience = waitMs > 0 ? `, for ${seconds(waitMs)} at most` : ''
    if (this.#isTerminal) this.#draw(`waiting for the first answer${patience}`)
  }

  /** @param {WarmProgress} progress */
  show({ done, failed, total, path }) {
    const count = `${done} of ${total}${failed > 0 ? `, ${failed} failed` : ''}`
    if (this.#isTerminal) {
      if (performance.now() - this.#drawn < FRAME_MS && done < total) return
      const filled = Math.round((done / total) * BAR)
      this.#draw(`${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${count}  ${shown(path)}`)
      return
    }
    const tenth = Math.floor((done / total) * 10)
    if (tenth > this.#tenth) this.#stream.write(`${count}\n`)
    this.#tenth = tenth
  }

  /** Clears the bar. */
  end() {
    if (this.#isOpen) this.#stream.write('\r\x1b[K')
    this.#isOpen = false
  }

  /** @param {string} line */
  #draw(line) {
    this.#drawn = performance.now()
    this.#isOpen = true
    this.#stream.write(`\r\x1b[K${line.slice(0, (this.#stream.columns || 80) - 1)}`)
  }
}

/**
 * The figures of a run, for a reader.
 * @param {WarmResult} result
 */
function summary(result) {
  const { total, done, ok, failed, failures, statuses, cache, latencyMs } = result
  const paths = total === 1 ? 'path' : 'paths'
  const how = result.isAborted ? `stopped after ${done} of ${total} ${paths}` : `${total} ${paths}`
  const named = failures.slice(0, MOST_SHOWN)
  const width = Math.max(0, ...named.map(({ path }) => shown(path).length))
  return [
    `${how} in ${seconds(result.elapsedMs)}: ${ok} fine, ${failed} failed`,
    '',
    `  status   ${counts(statuses, (name) => name)}`,
    `  cache    ${counts(cache, (name) => (name === 'other' ? name : name.toUpperCase()))}`,
    `  time     p50 ${ms(latencyMs.p50)}, p95 ${ms(latencyMs.p95)}, max ${ms(latencyMs.max)}`,
    `  bytes    ${size(result.bytes)}`,
    ...(failed > 0 ? ['', '  failed'] : []),
    ...named.map((one) => `    ${shown(one.path).padEnd(width)}  ${one.status ?? one.reason}`),
    ...(failed > named.length ? [`    and ${failed - named.length} more`] : []),
  ].join('\n')
}

/** @param {Record<string, number>} of @param {(name: string) => string} written */
function counts(of, written) {
  const some = Object.entries(of).filter(([, count]) => count > 0)
  return some.map(([name, count]) => `${count} ${written(name)}`).join(', ') || 'none'
}

/** @param {number} n */
const ms = (n) => `${n < 10 ? n.toFixed(1) : Math.round(n)} ms`

/** @param {number} n */
const seconds = (n) => `${(n / 1_000).toFixed(n < 9_950 ? 1 : 0)} s`

/** @param {number} bytes */
function size(bytes) {
  if (bytes < 1_000) return `${bytes} B`
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
}

module.exports = { Display, summary }
