// @ts-check

const { Figures } = require('../operate/fleet/figures.js')
const { Lane } = require('./lane.js')
const { seriesOf } = require('./series.js')

/**
 * Looks, for as long as somebody else does: one look serves all viewers, and each is told what has
 * changed since the one before. With the last viewer it ends, and with it the connection it made; what
 * was opened is kept, because a thread belongs to it.
 *
 * @typedef {import('./source.js').Source} Source
 * @typedef {'why' | 'preview' | 'purge'} Act
 * @typedef {{ send: (bytes: Uint8Array) => boolean, end: () => void }} Viewer
 */

/** How often what rarely changes is asked for. */
const HISTORY_MS = 10_000
const NODES_MS = 4_000
/** A connection without a word is ended by what lies between. */
const SILENCE_MS = 15_000
/** What a browser that lost the connection waits before it comes back. */
const RETRY_MS = 1_000
/** How long it is remembered what was told to somebody who is to come back. */
const RETURN_MS = 5_000
const MOST_LISTED = 12
const MOST_EVENTS = 60
/** As many as an instance tells of. */
const MOST_OWN = 5
const SAME_MS = 1_000

const text = new TextEncoder()

class Sampler {
  #open
  /** @type {Source | undefined} */
  #source
  #figures = new Figures()
  /** @type {Set<Viewer>} */
  #viewers = new Set()
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  #isLooking = false
  /** The last viewer is to come back until then. @type {NodeJS.Timeout | undefined} */
  #awaited
  /** Questions that are being answered, or wait for it. */
  #questions = 0
  /** A scan and a purge may take seconds, and nothing but another one waits for them. */
  #lanes = { why: new Lane(), preview: new Lane(), purge: new Lane() }
  /** @type {Promise<void> | undefined} */
  #resting
  /** The sections of the page as JSON. @type {Map<string, string>} */
  #told = new Map()
  #saidAt = 0
  #asked = { history: 0, nodes: 0 }
  /** @type {any[]} */
  #nodes = []
  /** Invalidations that were seen, the newest first. @type {any[]} */
  #events = []
  /** Those that were made here. No instance tells of them. @type {any[]} */
  #own = []
  #most

  /** @param {() => Source} open @param {number} most viewers */
  constructor(open, most) {
    this.#open = open
    this.#most = most
  }

  /** The viewers there are. */
  get count() {
    return this.#viewers.size
  }

  get isFull() {
    return this.#viewers.size >= this.#most
  }

  /**
   * Answers a question from where figures come from, once those before it are answered.
   * @template T
   * @param {(source: Source) => Promise<T>} question
   * @param {{ signal?: AbortSignal, lane?: Act }} [how] what tells that nobody waits any more, and
   *   with which others it waits
   */
  async ask(question, { signal, lane = 'why' } = {}) {
    this.#questions++
    try {
      return await this.#lanes[lane].run(async () => question(await this.#opened()), signal)
    } finally {
      this.#questions--
      this.#rest()
    }
  }

  /** Shows an invalidation that was made here. @param {any} invalidated */
  record(invalidated) {
    this.#own = [invalidated, ...this.#own].slice(0, MOST_OWN)
  }

  async #opened() {
    if (this.#resting) await this.#resting
    this.#source ??= this.#open()
    return this.#source
  }

  /** Ends the connections of what was opened, unless somebody looks or waits for an answer. */
  #rest() {
    if (this.#viewers.size > 0 || this.#awaited || this.#questions > 0 || this.#isLooking) return
    if (!this.#source) return
    const source = this.#source
    const ended = (this.#resting ?? Promise.resolve()).then(() => source.rest()).catch(() => {})
    this.#resting = ended
    void ended.then(() => {
      if (this.#resting === ended) this.#resting = undefined
    })
  }

  /** @param {Viewer} viewer */
  join(viewer) {
    clearTimeout(this.#awaited)
    this.#awaited = undefined
    this.#viewers.add(viewer)
    viewer.send(text.encode(`retry: ${RETRY_MS}\n\n`))
    if (this.#told.size > 0) viewer.send(message('figures', this.#told))
    if (this.#timer !== undefined || this.#isLooking) return
    void this.#look()
  }

  /** @param {Viewer} viewer */
  leave(viewer) {
    if (this.#isLast(viewer)) this.#forget()
  }

  /** Ends what a viewer is told; it comes back at once, and finds all as it was. @param {Viewer} viewer */
  dismiss(viewer) {
    if (!this.#viewers.has(viewer)) return
    viewer.send(message('again', new Map()))
    if (this.#isLast(viewer)) {
      this.#awaited = setTimeout(() => {
        this.#awaited = undefined
        this.#forget()
      }, RETURN_MS)
      this.#awaited.unref()
    }
    viewer.end()
  }

  /** Lets go of a viewer, and stops if there is none after it. @param {Viewer} viewer */
  #isLast(viewer) {
    if (!this.#viewers.delete(viewer) || this.#viewers.size > 0) return false
    clearTimeout(this.#timer)
    this.#timer = undefined
    return true
  }

  #forget() {
    this.#figures = new Figures()
    this.#told = new Map()
    this.#asked = { history: 0, nodes: 0 }
    this.#events = []
    // A look that is under way ends first.
    this.#rest()
  }

  async #look() {
    this.#isLooking = true
    const began = performance.now()
    const next = await this.#sections().catch((error) => troubled(error))
    this.#isLooking = false
    // Nobody will be told, so that whoever comes is told all of it.
    if (this.#viewers.size === 0 && !this.#awaited) return this.#forget()
    const changed = new Map()
    for (const [name, value] of Object.entries(next)) {
      const json = JSON.stringify(value ?? null)
      if (this.#told.get(name) === json) continue
      this.#told.set(name, json)
      changed.set(name, json)
    }
    if (this.#viewers.size > 0) this.#say(changed)
    // The last one is to come back, or was let go of.
    if (this.#viewers.size === 0) return
    const everyMs = this.#source?.everyMs ?? RETRY_MS
    const pause = Math.max(100, everyMs - (performance.now() - began))
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.#look()
    }, pause)
    // It keeps no process alive.
    this.#timer.unref()
  }

  /** @param {Map<string, string>} changed */
  #say(changed) {
    const now = performance.now()
    if (changed.size === 0 && now - this.#saidAt < SILENCE_MS) return
    this.#saidAt = now
    const bytes = message(changed.size === 0 ? 'alive' : 'figures', changed)
    for (const viewer of this.#viewers) {
      // One that does not read is let go of; it comes back by itself.
      if (viewer.send(bytes)) continue
      this.leave(viewer)
      viewer.end()
    }
  }

  /** @returns {Promise<Record<string, unknown>>} */
  async #sections() {
    const source = await this.#opened()
    const now = performance.now()
    const fleet = await source.fleet()
    if (now >= this.#asked.nodes) {
      this.#nodes = await source.nodes()
      this.#asked.nodes = now + NODES_MS
    }
    const shown = this.#figures.take({ fleet, nodes: this.#nodes })
    /** @type {Record<string, unknown>} */
    const sections = {
      about: source.about,
      trouble: null,
      now: nowOf(shown),
      rows: shown.rows.map(rowOf),
      busiest: {
        keys: busiest(shown.busiest),
        tags: busiest(shown.busiestTags),
        slow: slowest(fleet),
      },
      events: this.#remembered([...this.#own, ...shown.invalidated]),
    }
    if (source.isFleet) sections.redis = redisOf(shown.redis)
    if (now >= this.#asked.history) {
      sections.series = seriesOf(await source.history(), source.isFleet ? fleet.instances : [])
      this.#asked.history = now + HISTORY_MS
    }
    return sections
  }

  /** Instances tell their last few only: more are known the longer somebody looks. @param {any[]} invalidated */
  #remembered(invalidated) {
    const all = [...this.#events]
    for (const one of invalidated) if (!all.some((known) => isSame(known, one))) all.push(one)
    this.#events = all.sort((one, other) => other.at - one.at).slice(0, MOST_EVENTS)
    return this.#events
  }
}

/**
 * Whether an instance tells of the same invalidation again: what it knows of the clock of the server
 * changes a little from time to time.
 * @param {any} one @param {any} other
 */
function isSame(one, other) {
  const isAlike = ['by', 'tags', 'isSoft', 'ms'].every((name) => one[name] === other[name])
  return isAlike && Math.abs(one.at - other.at) < SAME_MS
}

/** @param {string} event @param {Map<string, string>} sections */
function message(event, sections) {
  const fields = [...sections].map(([name, json]) => `${JSON.stringify(name)}:${json}`)
  return text.encode(`event: ${event}\ndata: {${fields.join(',')}}\n\n`)
}

/** What failed; the figures stay as they were. @param {unknown} error */
function troubled(error) {
  const { message: said = 'it failed' } = /** @type {Partial<Error>} */ (error)
  return { trouble: said.replace(/^tiercel: /, '') }
}

/** What is shown of an instance. How long it runs the page knows itself. @param {any} row */
function rowOf({ id, name, state, instance, ...row }) {
  const { version, next, node, build, startedAt, memory } = instance
  const { hitPercent, getsPerSec, p50Micros, p99Micros, memoryBytes, memoryPercent } = row
  return {
    id,
    name,
    state,
    hitPercent,
    getsPerSec,
    p50Micros,
    p99Micros,
    memoryBytes,
    memoryPercent,
    lagMs: row.lagMs,
    leases: row.leases,
    evictions: memory.evictions,
    startedAt,
    versions: { tiercel: version, next, node, build },
  }
}

/** @param {any} shown */
function nowOf({ nowMs, total, silent }) {
  const { getsPerSec, hitPercent, memoryBytes, capacityBytes, lagMs, leases } = total
  return { at: nowMs, getsPerSec, hitPercent, memoryBytes, capacityBytes, lagMs, leases, silent }
}

/** @param {any} redis */
const redisOf = ({ commandsPerSec, cpuPercent }) => ({ commandsPerSec, cpuPercent })

/** @param {any[]} list */
const busiest = (list) => few(list).map(({ name, kind, perSec }) => ({ name, kind, perSec }))

/** @template T @param {T[]} list */
const few = (list) => list.slice(0, MOST_LISTED)

/** The longest generation of each key, whoever made it. @param {import('./source.js').Fleet} fleet */
function slowest({ instances }) {
  /** @type {Map<string, any>} */
  const all = new Map()
  for (const one of instances.flatMap((/** @type {any} */ { slowest: own = [] }) => own)) {
    const known = all.get(`${one.kind} ${one.name}`)
    if (!known || known.ms < one.ms) all.set(`${one.kind} ${one.name}`, one)
  }
  return few([...all.values()].sort((one, other) => other.ms - one.ms))
}

module.exports = { Sampler }
