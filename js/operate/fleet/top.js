// @ts-check

const { setTimeout: pause } = require('node:timers/promises')
const { UsageError } = require('../../command/usage.js')
const { isTerminal, out, outJson } = require('../../command/terminal.js')
const { unlessEnded } = require('../ending.js')
const { must } = require('../operator.js')
const options = require('../options.js')
const places = require('../place.js')
const { Figures } = require('./figures.js')
const { Screen } = require('./screen.js')
const { SORTS, sorted, view } = require('./view.js')

/** Columns of what is printed once where there is no terminal. */
const PLAIN_WIDTH = 120

/**
 * `tiercel top`.
 * @param {Record<string, any>} flags
 * @param {() => AbortSignal} endless
 */
async function top(flags, endless) {
  const intervalMs = options.seconds(flags.interval, 'interval', 2, [0.5, 3_600]) * 1e3
  const most = options.count(flags.count, 'count', Number.POSITIVE_INFINITY, [1, 1e9])
  const sort = flags.sort ?? SORTS[0].name
  if (!SORTS.some(({ name }) => name === sort)) {
    throw new UsageError(`--sort takes one of ${SORTS.map(({ name }) => name).join(', ')}`)
  }
  if (flags.count !== undefined && !flags.json) throw new UsageError('--count goes with --json')
  const source = new Source(await places.find(flags), flags)
  const state = { ...STATE, sort, filter: flags.filter ?? '' }
  if (flags.json) {
    if (flags.once) return lines(source, 1, intervalMs, new AbortController().signal)
    return lines(source, most, intervalMs, endless())
  }
  if (flags.once || !isTerminal(process.stdout) || !process.stdin.isTTY) {
    const width = process.stdout.columns || PLAIN_WIDTH
    const frame = { about: source.about, width, height: Number.POSITIVE_INFINITY }
    out(view(await source.take(), state, frame).join('\n'))
    return 0
  }
  return new Live(source, state, intervalMs).run(endless())
}

/** @type {import('./view.js').State} */
const STATE = {
  sort: '',
  filter: '',
  isTyping: false,
  isPaused: false,
  chosen: undefined,
  opened: undefined,
  trouble: undefined,
}

/** Where figures come from. */
class Source {
  #figures = new Figures()

  /** @param {import('../place.js').Place} place @param {Record<string, any>} flags */
  constructor(place, flags) {
    this.operator = must(place, flags)
    this.about = this.operator.about()
  }

  async take() {
    const fleet = await this.operator.run('snapshots')
    const nodes = await this.operator.run('nodes')
    return this.#figures.take({ fleet, nodes })
  }
}

/**
 * A line of JSON for each interval.
 * @param {Source} source
 * @param {number} most
 * @param {number} intervalMs
 * @param {AbortSignal} signal
 */
async function lines(source, most, intervalMs, signal) {
  for (let line = 0; line < most && !signal.aborted; line++) {
    const taken = await unlessEnded(signal, source.take())
    if (!taken) break
    const { nowMs, rows, silent, ...more } = taken
    const instances = rows.map(({ instance, hitPercent, getsPerSec }) => ({
      ...instance,
      hitPercent,
      getsPerSec,
    }))
    outJson({ nowMs, instances, silent, ...more }, 0)
    if (line + 1 < most) await pause(intervalMs, undefined, { signal }).catch(() => {})
  }
  return 0
}

/** On a terminal, until it is ended. */
class Live {
  #source
  #state
  #intervalMs
  #screen = new Screen({ onKey: (key) => this.#press(key), onResize: () => this.#draw() })
  /** @type {import('./figures.js').Shown | undefined} */
  #shown
  #over = new AbortController()

  /** @param {Source} source @param {import('./view.js').State} state @param {number} intervalMs */
  constructor(source, state, intervalMs) {
    this.#source = source
    this.#state = state
    this.#intervalMs = intervalMs
  }

  /** @param {AbortSignal} signal */
  async run(signal) {
    const over = AbortSignal.any([signal, this.#over.signal])
    // What is wrong from the start is said where it stays.
    const first = await unlessEnded(over, this.#source.take())
    if (!first) return 0
    this.#shown = first
    const stop = () => this.#over.abort()
    process.on('SIGTERM', stop)
    this.#screen.open()
    try {
      while (!over.aborted) {
        this.#draw()
        await pause(this.#intervalMs, undefined, { signal: over }).catch(() => {})
        if (!this.#state.isPaused && !over.aborted) await unlessEnded(over, this.#renew())
      }
    } finally {
      this.#screen.close()
      process.off('SIGTERM', stop)
    }
    return 0
  }

  async #renew() {
    try {
      const shown = await this.#source.take()
      // Somebody may have paused it meanwhile.
      if (!this.#state.isPaused) this.#shown = shown
      this.#state.trouble = undefined
    } catch (error) {
      const { message } = /** @type {Error} */ (error)
      this.#state.trouble = `${message}; what is shown is from before`
    }
  }

  #draw() {
    if (!this.#shown) return
    const { width, height } = this.#screen
    const frame = { about: this.#source.about, width, height }
    this.#screen.draw(view(this.#shown, this.#state, frame))
  }

  /** @param {string} key */
  #press(key) {
    if (key === 'interrupt') this.#over.abort()
    else if (this.#state.isTyping) this.#type(key)
    else (ACTS[key] ?? (() => {}))(this.#state, this.#shown, () => this.#over.abort())
    this.#draw()
  }

  /** @param {string} key */
  #type(key) {
    const state = this.#state
    if (key === 'enter') state.isTyping = false
    else if (key === 'escape') Object.assign(state, { isTyping: false, filter: '' })
    else if (key === 'backspace') state.filter = [...state.filter].slice(0, -1).join('')
    else if ([...key].length === 1 && key >= ' ') state.filter += key
  }
}

/**
 * What keys do.
 * @typedef {import('./view.js').State} State
 * @typedef {import('./figures.js').Shown | undefined} Given
 * @type {Record<string, (state: State, shown: Given, quit: () => void) => void>}
 */
const ACTS = {
  q: (_state, _shown, quit) => quit(),
  s: (state) => turn(state, 1),
  S: (state) => turn(state, -1),
  p: (state) => pauses(state),
  ' ': (state) => pauses(state),
  '/': (state) => {
    state.isTyping = true
  },
  up: (state, shown) => choose(state, shown, -1),
  k: (state, shown) => choose(state, shown, -1),
  down: (state, shown) => choose(state, shown, 1),
  j: (state, shown) => choose(state, shown, 1),
  enter: (state, shown) => {
    if (!state.chosen) choose(state, shown, 1)
    state.opened = state.chosen
  },
  escape: (state) => {
    if (state.opened) state.opened = undefined
    else state.filter = ''
  },
}

/** @param {State} state */
function pauses(state) {
  state.isPaused = !state.isPaused
}

/** Sorts by another column. @param {State} state @param {number} by */
function turn(state, by) {
  const at = SORTS.findIndex(({ name }) => name === state.sort)
  state.sort = SORTS[(at + by + SORTS.length) % SORTS.length].name
}

/** Points at another instance. @param {State} state @param {Given} shown @param {number} by */
function choose(state, shown, by) {
  if (!shown) return
  const ids = sorted(shown, state).map(({ id }) => id)
  const at = state.chosen === undefined ? -1 : ids.indexOf(state.chosen)
  const next = at < 0 ? 0 : Math.max(0, Math.min(ids.length - 1, at + by))
  state.chosen = ids[next]
  if (state.opened) state.opened = state.chosen
}

module.exports = { top, ACTS }
