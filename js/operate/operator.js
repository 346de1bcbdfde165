// @ts-check

const { KIND, KIND_OF } = require('../abi.js')
const build = require('../build.js')
const { VARIABLE } = require('../config/carried.js')

/**
 * Asks the addon about the shared tier, for the app of a place.
 *
 * @typedef {import('./place.js').Place} Place
 * @typedef {import('./place.js').Where} Where
 * @typedef {InstanceType<typeof Operator>} Asked
 */

/** The names of kinds, by number.
 * @type {Record<number, string>} */
const NAMES = Object.fromEntries(Object.entries(KIND_OF).map(([name, kind]) => [kind, name]))

/** The server cannot be used, or not for this. */
class Trouble extends Error {
  /** @param {{ kind: string, detail: string }} trouble */
  constructor({ kind, detail }) {
    super(kind === 'login' || kind === 'unreachable' ? `Redis cannot be used: ${detail}` : detail)
    this.kind = kind
    this.code = kind === 'none' ? 'TIERCEL_NO_REDIS' : 'TIERCEL_TROUBLE'
  }
}

/** Those that may have been asked something, none of which is kept for that. @type {Set<WeakRef<any>>} */
const asked = new Set()
const gone = new FinalizationRegistry((/** @type {WeakRef<any>} */ one) => asked.delete(one))

/** Nobody waits for an answer any more: a process that ends would wait for the threads that do. */
function endAll() {
  for (const one of asked) one.deref()?.end()
}

class Operator {
  #native
  /** @type {any} */
  #asked
  /** @param {Place} place @param {any} asked */
  constructor(place, asked) {
    this.place = place
    this.#native = place.native
    this.#asked = asked
    const { buildName } = /** @type {any} */ (JSON.parse(asked.about()))
    /** The name of the build here; none where there is no build. */
    this.build = buildName ? `${place.label}${buildName}` : build.of(place.serverDir)?.name
  }

  /** What is known without the server. @returns {any} */
  about() {
    return JSON.parse(this.#asked.about())
  }

  /**
   * @param {string} what
   * @param {object} [details]
   * @returns {Promise<any>}
   */
  async run(what, details) {
    const answer = JSON.parse(await this.#asked.run(JSON.stringify({ do: what, ...details })))
    if (answer?.trouble) throw new Trouble(answer.trouble)
    return answer
  }

  /** Ends its connections, until something is asked again. @returns {Promise<void>} */
  close() {
    return this.#asked.close()
  }

  /**
   * Reads an entry.
   * @param {object} place
   * @returns {Promise<{ about: any, value: any }>}
   */
  async inspect(place) {
    const read = await this.#asked.inspect(JSON.stringify(place))
    const about = JSON.parse(read.about)
    if (about.trouble) throw new Trouble(about.trouble)
    return { about, value: decoded(about.kind, read) }
  }

  /**
   * All entries, as they are found; of the first `most` keys at least.
   * @param {{ rate: number, most?: number, onProgress?: (scanned: number, total: number) => void, signal?: AbortSignal }} options
   */
  async *entries(options) {
    for await (const entries of this.pages(options)) yield* entries
  }

  /**
   * The same, as many together as the server finds in one look.
   * @param {Parameters<Operator['entries']>[0]} options
   * @returns {AsyncGenerator<any[]>}
   */
  async *pages({ rate, most = Number.POSITIVE_INFINITY, onProgress, signal }) {
    const { total } = await this.run('scan', { rate })
    for (;;) {
      signal?.throwIfAborted()
      const page = await this.run('page', { build: this.build })
      onProgress?.(page.scanned, total)
      yield page.entries
      if (page.isDone || page.scanned >= most) return
    }
  }

  /** The tag of all entries of a kind. @param {number} kind @returns {string} */
  kindTag(kind) {
    return this.#native.kindTag(kind)
  }

  /**
   * The tags that the entry of a key may have: a key does not say what kind it is of, and handlers
   * without an app have no label.
   * @param {string} key
   * @returns {string[]}
   */
  keyTags(key) {
    const labels = [this.place.label, '']
    const kinds = key.startsWith('/')
      ? [KIND.APP_PAGE, KIND.OWN]
      : [KIND.FETCH, KIND.USE_CACHE, KIND.IMAGE, KIND.OWN, KIND.APP_PAGE]
    return labels.flatMap((label) => kinds.map((kind) => this.#native.keyTag(kind, label, key)))
  }
}

/** @param {number} kind @param {any} read */
function decoded(kind, { json, body, parts, createdMs }) {
  if (!json) return undefined
  const { assemble } = require('../values.js')
  // Offsets count from the start of the body, which may begin anywhere in its memory.
  const memory = new Uint8Array(body).buffer
  const given = parts.map((/** @type {any} */ part) => part ?? undefined)
  return assemble(kind, createdMs, 0, 0, 0, json, memory, ...given)
}

/**
 * An operator of the server that a place names. None where the app has no shared tier.
 * @param {Place} place
 * @param {Where} where
 * @returns {Operator | undefined}
 */
function open(place, where) {
  /** @type {Record<string, string>} */
  const given = {}
  if (where['redis-url'] !== undefined) given.redisUrl = where['redis-url']
  if (where.namespace !== undefined) given.namespace = where.namespace
  /** @type {Record<string, unknown>} */
  const variables = {}
  for (const name of place.native.envNames()) variables[name] = process.env[name]
  const texts = [given, variables].map((one) => JSON.stringify(one))
  const opened = place.native.operator(texts[0], texts[1], place.namespace)
  if (!opened) return undefined
  const one = new WeakRef(opened)
  asked.add(one)
  gone.register(opened, one)
  return new Operator(place, opened)
}

/** The operator of a place that needs one. @param {Place} place @param {Where} where */
function must(place, where) {
  const operator = open(place, where)
  if (operator) return operator
  const looked = process.env[VARIABLE] ? 'next.config, ' : ''
  throw new Trouble({
    kind: 'none',
    detail: `this app has no Redis: ${looked}the .env files and the environment name none; --redis-url names one`,
  })
}

module.exports = { open, must, endAll, Operator, Trouble, NAMES }
