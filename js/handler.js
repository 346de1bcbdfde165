// @ts-check

const apps = require('./apps.js')
const build = require('./build.js')
const { configure } = require('./configure.js')
const { debug, tell } = require('./debug.js')
const at = require('./native.js')
const next = require('./next.js')
const place = require('./place.js')
const readiness = require('./ready.js')
const shells = require('./shells.js')
const { Starts } = require('./starts.js')
const plural = require('./use-cache.js')
const visits = require('./visits.js')
const { KINDS, FETCH, KEY_TAG, stampOf, disassemble } = require('./values.js')

const {
  native,
  mailbox,
  known,
  start,
  objectOf,
  isFresh,
  MARK,
  DETAIL,
  REVISION,
  FRESH,
  STALE,
  MODIFIED,
  MEANWHILE,
  MEANWHILE_SECS,
} = at
const { FALLBACK, PPR, LOCAL, ASIDE, PREFETCH, KEPT, SHIFT, now, outlast } = at

/** With these a get that misses, or is told that something is stale, is nobody's leader. */
const UNLED_MISS = ASIDE | PPR | FALLBACK
const UNLED_STALE = ASIDE | PREFETCH | KEPT

const { flagsOf } = plural
const { IMAGE, PAGES } = KINDS
const IS_BUILDING = next.isBuilding()

/**
 * Both cache handler interfaces of Next.js in one class: instances are `cacheHandler`, the class
 * itself is one of `cacheHandlers`.
 */
class TiercelHandler {
  /** The app it is made for. */
  #app
  /** What was known when this request began, and when that was.
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
   * Not an async function: one that awaits costs a hit a sixth more, and one that returns a promise
   * makes a miss wait two turns longer.
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
   * Everything but a plain hit: first hits, waits, misses, what is stale. A kind that is not known,
   * or arguments of no use, are a miss.
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
    // What a page is made of is asked for by its render.
    if (kind === FETCH) visits.current()?.renders()
    const { id } = this.#app
    if (shells.isShell(ctx)) shells.stands(this.#headers, (page) => native.abandon(kind, page, id))
    let flags = flagsOf(this.constructor) | (ctx.isFallback ? FALLBACK : 0)
    if (ctx.isRoutePPREnabled) flags |= PPR
    if (this.#isOnDemand) flags |= ASIDE
    flags |= kind === FETCH ? place.ofPart() : place.ofPage(this.#headers)
    const ask = (/** @type {number} */ flags) => this.#ask(kind, flags, key, ctx)
    let since
    if (this.#isOnDemand && !this.#starts?.has(key)) {
      since = performance.now()
      await this.#supersede(kind, key)
    }
    const answer = ask(flags)
    return typeof answer === 'number' ? outlast(answer, ask, since) : answer
  }

  /**
   * A token to wait with, or what `get` returns: made at once, since the mailbox is everybody's.
   * @param {number} kind
   * @param {number} flags
   * @param {string} key
   * @param {any} ctx
   */
  #ask(kind, flags, key, ctx) {
    const { id, ready } = this.#app
    const answer = native.find(kind | (flags << SHIFT), key, ctx.tags, ctx.softTags, id)
    if (typeof answer === 'number') return answer
    const found = answer && objectOf(ready, ctx.kind, key, answer)
    // Before anybody is told: who listens may call a handler, too.
    const [mark, lastModified, revision] = [mailbox[MARK], mailbox[DETAIL], mailbox[REVISION]]
    if (debug.sink) tell('get', ctx.kind, key, native.why())
    if (found === undefined) {
      if (kind === PAGES) shells.miss(this.#headers, key)
      if (!(flags & UNLED_MISS)) visits.current()?.lead(kind, key, false, this.#app.id)
      this.#begins(kind, key, revision)
      return null
    }
    const isMeanwhile = mark === MEANWHILE
    const cacheControl = isMeanwhile
      ? { ...found.cacheControl, revalidate: MEANWHILE_SECS }
      : found.cacheControl
    if (known.mustRemember && kind !== FETCH && kind !== IMAGE)
      next.rememberLifetime(key, cacheControl)
    if (mark === FRESH) return found
    // No generation begins, and no CDN keeps it for long.
    if (isMeanwhile) return meanwhile(kind, found, cacheControl)
    if (!(flags & UNLED_STALE)) visits.current()?.lead(kind, key, true, this.#app.id)
    this.#begins(kind, key, revision)
    if (mark === STALE) return found
    if (mark === MODIFIED) return { ...found, lastModified }
    return { ...found, lastModified, cacheControl: { ...found.cacheControl, revalidate: 1 } }
  }

  /** @param {string} key @param {any} value @param {any} ctx */
  async set(key, value, ctx) {
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
        // What a build caches only for itself is of no use to others.
        const flags = flagsOf(this.constructor) | (ctx?.isImplicitBuildTimeCache ? LOCAL : 0)
        const kindAndFlags = kind | (flags << SHIFT)
        const expire = ctx?.cacheControl?.expire
        native.put(kindAndFlags, key, stamp, tags, revalidate, expire, parts, this.#app.id)
        if (debug.sink) tell('set', value?.kind ?? 'PAGES', key, native.why())
        // Others ask the server for what replaces a page on demand.
        if (IS_BUILDING || this.#isOnDemand) await at.drained()
        if (IS_BUILDING && kind === FETCH) await build.keepFetch(this.#app.dir, key, value, ctx)
        return
      }
    } catch {
      // A value that cannot be written down is not stored.
    }
    // Whoever waits for it is told.
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
   * What others hold of a page is stale before it is generated anew, and not gone: if that fails,
   * Next.js goes on with the last page there was.
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
    configure(options)
    // biome-ignore lint/complexity/noThisInStatic: a subclass is to remain what it is
    return this ?? TiercelHandler
  }

  static stats() {
    return JSON.parse(native.stats())
  }

  /** @param {{ timeoutMs?: number, giveUpMs?: number }} [options] */
  static ready(options) {
    return readiness.ready(options)
  }
}

/**
 * What looks fresh while another generates.
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

configure()
at.learn()

// One class of a realm answers for all copies of this module, as `index.js` has it: of two that
// attach in turns, each would wait in vain for what the other one is told.
const one = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (globalThis))
one[Symbol.for('tiercel.handler')] ??= TiercelHandler

module.exports = /** @type {typeof TiercelHandler} */ (one[Symbol.for('tiercel.handler')])
