// @ts-check

const { shown } = require('./shown.js')
const { Bar, isTerminal, size } = require('./terminal.js')

/** @typedef {import('../../warm.d.ts').WarmProgress} WarmProgress */
/** @typedef {import('../../warm.d.ts').WarmResult} WarmResult */

/** Failures that the summary names. */
const MOST_SHOWN = 20

/** The progress of a run: a bar on a terminal, else a line after each tenth. */
class Display {
  #stream
  #bar
  #tenth = 0

  /** @param {NodeJS.WriteStream} stream */
  constructor(stream) {
    this.#stream = stream
    this.#bar = new Bar(stream)
  }

  /** @param {number} [waitMs] */
  begin(waitMs = 0) {
    const patience = waitMs > 0 ? `, for ${seconds(waitMs)} at most` : ''
    this.#bar.say(`waiting for the first answer${patience}`)
  }

  /** @param {WarmProgress} progress */
  show({ done, failed, total, path }) {
    const count = `${done} of ${total}${failed > 0 ? `, ${failed} failed` : ''}`
    if (isTerminal(this.#stream)) return this.#bar.show(done, total, `${count}  ${shown(path)}`)
    const tenth = Math.floor((done / total) * 10)
    if (tenth > this.#tenth) this.#stream.write(`${count}\n`)
    this.#tenth = tenth
  }

  /** Clears the bar. */
  end() {
    this.#bar.end()
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

module.exports = { Display, summary }
