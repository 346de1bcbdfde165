// @ts-check

const { FLAG, KEY_TAG, KIND, KIND_BITS, MARK } = require('./abi.js')
const apps = require('./apps.js')
const { boot, refuse } = require('./boot.js')
const build = require('./build.js')
const { configure } = require('./configure.js')
const { decisions } = require('./decisions.js')
const { instances, why } = require('./instances.js')
const { debug, tell } = require('./debug.js')
const at = require('./native.js')
const next = require('./next.js')
const place = require('./place.js')
const readiness = require('./ready.js')
const shells = require('./shells.js')
const { Starts } = require('./starts.js')
const subjects = require('./subjects.js')
const telemetry = require('./telemetry.js')
const plural = require('./use-cache.js')
const visits = require('./visits.js')
const { KINDS, stampOf, disassemble } = require('./values.js')

const { native, left, known, start, objectOf, isFresh, now, outlast, MEANWHILE_SECS } = at
const { FETCH, IMAGE, PAGES } = KIND

/** With these flags a get that misses, or receives a stale value, does not become a leader. */
const UNLED_MISS = FLAG.ASIDE | FLAG.PPR | FLAG.FALLBACK
const UNLED_STALE = FLAG.ASIDE | FLAG.PREFETCH | FLAG.KEPT

const { flagsOf } = plural
const IS_BUILDING = next.isBuilding()

/**
 * Both cache handler interfaces of Next.js in one class: its instances serve as `cacheHandler`, the
 * class itself as one of `cacheHandlers`.
 */
class TiercelHandler {
  /** The app it is made for. */
  #app
  /** The revision at the beginning of this request, and the time.
   * @type {import('./starts.js').Start} */
  #start
  /** When generations of this request began.
   * @type {InstanceType<typeof Starts> | undefined} */
  #starts
  /** Whether this request renews a page because `res.revalidate` asks for it. */
  #isOnDemand
  /** The headers of the request. */
  #headers

  /** @param {any} [ctx] */
  constructor(ctx) {
    start(ctx?.serverDistDir)
    this.#app = apps.of(ctx)
    // A page of the Pages Router has a handler made for its render.
    visits.current()?.renders()
    this.#start = [native.revision(), now()]
    this.#isOnDemand = next.isOnDemand(ctx)
    this.#headers = ctx?._requestHeaders
  }

  /**
   * Not an async function: one that awaits makes a hit a sixth slower, and one that returns a
   * promise makes a miss wait two turns longer.
   * @param {string} key
   * @param {any} ctx
   * @returns {Promise<any>}
   */
  get(key, ctx) {
    const hot = this.#app.ready.get(key)
    const isPlain = hot !== undefined && !known.mustRemember && debug.sink === undefined
    const isReady = isPlain && !this.#isOnDemand && hot.kind === ctx?.kind && !shells.isShell(ctx)
    if (isReady && isFresh(hot, ctx.tags, ctx.softTags)) return Promise.resolve(hot.found)
    return this.#find(key, ctx)
  }

  /**
   * Everything but a plain hit: first hits, waits, misses, stale values. An unknown kind or useless
   * arguments are a miss.
   * @param {string} key
   * @param {any} ctx
   */
  async #find(key, ctx) {
    try {
      start()
      return await this.#read(key, ctx)
    } catch {
      return null
    }
  }

  /** @param {string} key @param {any} ctx */
  async #read(key, ctx) {
    const kind = KINDS[ctx.kind]
    if (kind === undefined) return null
    // The render of a page asks for its parts.
    if (kind === FETCH) visits.current()?.renders()
    const { id } = this.#app
    if (shells.isShell(ctx)) shells.stands(this.#headers, (page) => native.abandon(kind, page, id))
    let flags = flagsOf(this.constructor) | (ctx.isFallback ? FLAG.FALLBACK : 0)
    if (ctx.isRoutePPREnabled) flags |= FLAG.PPR
    if (this.#isOnDemand) flags |= FLAG.ASIDE
    flags |= kind === FETCH ? place.ofPart() : place.ofPage(this.#headers)
    /** @type {(flags: number, span?: import('@opentelemetry/api').Span) => any} */
    const ask = (flags, span) => this.#ask(kind, flags, key, ctx, span)
    let since
    if (this.#isOnDemand && !this.#starts?.has(key)) {
      since = performance.now()
      await this.#supersede(kind, key)
    }
    const answer = ask(flags)
    return typeof answer === 'number' ? outlast(answer, ask, since) : answer
  }

  /**
   * A token to wait with, or the answer of `get`, which is built right here because every call
   * writes into the one mailbox.
   * @param {number} kind
   * @param {number} flags
   * @param {string} key
   * @param {any} ctx
   * @param {import('@opentelemetry/api').Span} [span]
   */
  #ask(kind, flags, key, ctx, span) {
    visits.glance()
    const { id, ready } = this.#app
    const answer = native.find(kind | (flags << KIND_BITS), key, ctx.tags, ctx.softTags, id)
    if (typeof answer === 'number') return answer
    const why = telemetry.taken(span)
    const found = answer && objectOf(ready, ctx.kind, key, answer)
    // Before the listener is called: it may call a handler, too.
    const [mark, lastModified, revision] = left()
    if (kind === FETCH) subjects.note(key, ctx.fetchUrl)
    if (debug.sink) tell(key, why)
    if (found === undefined) {
      if (kind === PAGES) shells.miss(this.#headers, key)
      if (!(flags & UNLED_MISS)) visits.current()?.lead(kind, key, false, this.#app.id)
      this.#begins(kind, key, revision)
      return null
    }
    const isMeanwhile = mark === MARK.MEANWHILE
    const cacheControl = isMeanwhile
      ? { ...found.cacheControl, revalidate: MEANWHILE_SECS }
      : found.cacheControl
    if (known.mustRemember && kind !== FETCH && kind !== IMAGE)
      next.rememberLifetime(key, cacheControl)
    if (mark === MARK.FRESH) return found
    // No generation begins, and no CDN keeps it for long.
    if (isMeanwhile) return meanwhile(kind, found, cacheControl)
    if (!(flags & UNLED_STALE)) visits.current()?.lead(kind, key, true, this.#app.id)
    this.#begins(kind, key, revision)
    if (mark === MARK.STALE) return found
    if (mark === MARK.MODIFIED) return { ...found, lastModified }
    return { ...found, lastModified, cacheControl: { ...found.cacheControl, revalidate: 1 } }
  }

  /** @param {string} key @param {any} value @param {any} ctx */
  async set(key, value, ctx) {
    /** @type {number | undefined} */
    let kind = ctx?.fetchCache ? FETCH : undefined
    visits.current()?.ended(key)
    try {
      const began = this.#starts?.take(key) ?? this.#start
      const taken = disassemble(value, ctx)
      if (taken) {
        const { tags, parts } = taken
        kind = taken.kind
        const revalidate = kind === FETCH ? value.revalidate : ctx?.cacheControl?.revalidate
        // Images have no tags, and their handler lives as long as the process.
        const stamp = kind === IMAGE ? native.revision() : (stampOf(value) ?? began)
        // A build caches some data only for itself.
        const flags = flagsOf(this.constructor) | (ctx?.isImplicitBuildTimeCache ? FLAG.LOCAL : 0)
        const kindAndFlags = kind | (flags << KIND_BITS)
        const expire = ctx?.cacheControl?.expire
        if (kind === FETCH) subjects.note(key, ctx.fetchUrl ?? value.data.url)
        const { id } = this.#app
        const why = telemetry.generated(began[1], () =>
          native.put(kindAndFlags, key, stamp, tags, revalidate, expire, parts, id),
        )
        if (debug.sink) tell(key, why)
        // Other instances read the replacement of an on-demand page from the server.
        if (IS_BUILDING || this.#isOnDemand) await at.drained()
        if (IS_BUILDING && kind === FETCH) await build.keepFetch(this.#app.dir, key, value, ctx)
        return
      }
    } catch {
      // A value that cannot be serialized is not stored.
    }
    // Wakes the requests that wait for it.
    if (kind !== undefined) native.abandon(kind, key, this.#app.id)
  }

  /** @param {string | string[]} tags @param {{ expire?: number }} [durations] */
  async revalidateTag(tags, durations) {
    await plural.invalidateOnce(tags, durations, true)
  }

  /** Next.js calls this as a request begins, and again as it begins to render its page. */
  resetRequestCache() {
    this.#starts = undefined
    visits.current()?.renders()
  }

  /**
   * Other instances hold the page as stale, not gone, before it is regenerated: if that fails, Next.js
   * goes on with the last page.
   * @param {number} kind
   * @param {string} key
   */
  async #supersede(kind, key) {
    if (kind !== FETCH && kind !== IMAGE)
      await plural.updateTags([KEY_TAG + this.#app.label + key], {})
  }

  /** @param {number} kind @param {string} key @param {number} revision */
  #begins(kind, key, revision) {
    if (kind === IMAGE) return
    this.#starts ??= new Starts()
    this.#starts.add(key, [revision, now()])
  }

  /** Flags of every call: {@link plural.flagsOf}. */
  static flags = 0
  static get = plural.get
  static set = plural.set
  static refreshTags = plural.refreshTags
  static getExpiration = plural.getExpiration
  static updateTags = plural.updateTags
  static expireTags = plural.updateTags

  /** @this {any} @param {Record<string, unknown>} [options] */
  static configure(options) {
    orRefuse(() => configure(options))
    // biome-ignore lint/complexity/noThisInStatic: a subclass is to remain what it is
    return this ?? TiercelHandler
  }

  static stats() {
    start()
    return JSON.parse(native.stats())
  }

  /** @param {{ key?: string, limit?: number }} [query] */
  static decisions(query) {
    start()
    return decisions(query)
  }

  static async instances() {
    start()
    return instances()
  }

  /** @param {string} about */
  static async why(about) {
    start()
    return why(about)
  }

  /** @param {{ timeoutMs?: number, giveUpMs?: number }} [options] */
  static ready(options) {
    return readiness.ready(options)
  }
}

/** @param {() => void} choose */
function orRefuse(choose) {
  try {
    choose()
  } catch (error) {
    refuse(error)
    throw error
  }
}

/**
 * A stale value that looks fresh while another instance generates.
 * @param {number} kind
 * @param {any} found
 * @param {any} cacheControl
 */
function meanwhile(kind, found, cacheControl) {
  if (kind !== IMAGE) return { ...found, lastModified: now(), cacheControl }
  // The optimizer has a clock of its own, and takes the lifetime from the value.
  const value = { ...found.value, revalidate: MEANWHILE_SECS }
  return { ...found, value, lastModified: Date.now(), cacheControl }
}

orRefuse(() => configure())
at.learn()
boot()

// One class of a realm answers for all copies of this module, as `index.js` has it: two
// that attach in turns would each miss the wake-ups that the other one receives.
const one = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (globalThis))
one[Symbol.for('tiercel.handler')] ??= TiercelHandler

module.exports = /** @type {typeof TiercelHandler} */ (one[Symbol.for('tiercel.handler')])
