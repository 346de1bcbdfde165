// @ts-check

const { KIND } = require('./abi.js')
const { hasViews } = require('./rows.js')
const { untraced, withoutTraces } = require('./traces.js')

/**
 * Values taken apart for the addon, and put together again. A value is a JSON text of everything
 * short, and parts that are long text or bytes; `src/next/value.rs` lays them out.
 */

const { USE_CACHE, APP_PAGE, APP_ROUTE, PAGES, FETCH, IMAGE, REDIRECT, NOTHING, OWN } = KIND

/** The kinds that have a name in Next.js, by that.
 * @type {any} */
const KINDS = { __proto__: null, APP_PAGE, APP_ROUTE, PAGES, FETCH, IMAGE, REDIRECT }

const TAGS_HEADER = 'x-next-cache-tags'

/** @typedef {[epoch: number, position: number, local: number]} Stamp */

/** Returns what it is given, as the `this` of a class that extends it. */
class Given {
  /** @param {object} value */
  constructor(value) {
    // biome-ignore lint/correctness/noConstructorReturn: this is how a field gets into `value`.
    return value
  }
}

/**
 * Values that a get returned have a stamp: when a regeneration fails, Next.js sets the same value
 * again, which is no younger for that. The stamp is a private field, invisible and never copied. A
 * WeakMap would do the same, at a tenth of a get in garbage collection.
 */
class Stamped extends Given {
  /** @type {Stamp} */
  #stamp

  /** @param {object} value new, and not frozen @param {Stamp} stamp */
  constructor(value, stamp) {
    super(value)
    this.#stamp = stamp
  }

  /** @param {any} value @returns {Stamp | undefined} */
  static of(value) {
    return typeof value === 'object' && value !== null && #stamp in value ? value.#stamp : undefined
  }
}

/**
 * @param {any} value
 * @param {any} ctx
 * @returns {{ kind: number, tags: unknown, parts: unknown[] } | undefined} nothing for a kind this
 *   version does not know
 */
function disassemble(value, ctx) {
  const c = ctx?.cacheControl
  if (value === null) return { kind: NOTHING, tags: undefined, parts: [JSON.stringify({ c })] }
  const number = KINDS[value?.kind]
  switch (number) {
    case APP_PAGE: {
      const { kind, html, rscData, segmentData, ...v } = value
      v.headers = withoutTraces(v.headers, TAGS_HEADER)
      const s = segmentData ? [...segmentData.keys()] : undefined
      const parts = [JSON.stringify({ c, v, s }), html, rscData]
      if (segmentData) parts.push(...segmentData.values())
      return { kind: number, tags: value.headers?.[TAGS_HEADER], parts }
    }
    case APP_ROUTE: {
      const { kind, body, ...v } = value
      v.headers = withoutTraces(v.headers, TAGS_HEADER)
      return {
        kind: number,
        tags: value.headers?.[TAGS_HEADER],
        parts: [JSON.stringify({ c, v }), body],
      }
    }
    case PAGES: {
      const { kind, html, ...v } = value
      return { kind: number, tags: undefined, parts: [JSON.stringify({ c, v }), html] }
    }
    case FETCH: {
      const { kind, data, ...v } = value
      const { body, ...d } = data
      return { kind: number, tags: ctx?.tags, parts: [JSON.stringify({ v, d }), body] }
    }
    case IMAGE: {
      const { kind, buffer, ...v } = value
      return { kind: number, tags: undefined, parts: [JSON.stringify({ c, v }), buffer] }
    }
    case REDIRECT: {
      const { kind, ...v } = value
      return { kind: number, tags: undefined, parts: [JSON.stringify({ c, v })] }
    }
    default:
      return undefined
  }
}

/**
 * The text of a `'use cache'` entry: three numbers, one of which may be infinite, and its tags.
 * @param {any} entry
 */
function describe({ tags, stale, expire, revalidate }) {
  return `${stale} ${expire} ${revalidate} ${JSON.stringify(untraced(tags))}`
}

/**
 * Builds the answer of a get. Called by the addon, once per entry; the result is kept and returned
 * again.
 * @param {number} kind
 * @param {number} told the timestamp of the entry on Next's clock, in ms
 * @param {number} epoch of its stamp, as are the next two
 * @param {number} position
 * @param {number} local
 * @param {string} json
 * @param {ArrayBuffer | undefined} memory the bytes of all parts of bytes
 * @param {any[]} parts two by two: a string and nothing, or an offset and a length in bytes
 */
function assemble(kind, told, epoch, position, local, json, memory, ...parts) {
  /** @param {number} index @returns {any} */
  const part = (index) => {
    const first = parts[index * 2]
    if (typeof first !== 'number') return first
    return Buffer.from(/** @type {ArrayBuffer} */ (memory), first, parts[index * 2 + 1])
  }
  if (kind === USE_CACHE) {
    const [stale, expire, revalidate] = json.split(' ', 3)
    const bytes = part(0)
    return {
      bytes,
      hasViews: hasViews(bytes),
      tags: JSON.parse(json.slice(stale.length + expire.length + revalidate.length + 3)),
      stale: Number(stale),
      timestamp: told,
      expire: Number(expire),
      revalidate: Number(revalidate),
    }
  }
  // `js/app/cache/entry.js` takes it apart.
  if (kind === OWN) return { told, head: json, data: part(0), entry: undefined }
  const { c, v, d, s } = JSON.parse(json)
  const value = valueFrom(kind, v, d, s, part)
  if (value) new Stamped(value, [epoch, position, local])
  if (kind === IMAGE) return dated({ value, cacheControl: c }, told)
  return { lastModified: told, value, cacheControl: c }
}

/**
 * An image that is fresh, with a `lastModified` that is as long ago as it is old: Next's optimizer
 * compares it with `Date.now()` (`ImageOptimizerCache.get` of 16.2 to 16.4), which may be set, and
 * runs on while the machine sleeps. The addon decides whether it is stale.
 * @param {{ value: any, cacheControl: any }} found
 * @param {number} told
 */
function dated(found, told) {
  const get = () => Date.now() - Math.max(0, performance.timeOrigin + performance.now() - told)
  return Object.defineProperty(found, 'lastModified', { get, enumerable: true })
}

/**
 * The value whose parts `v` lacks: `v` itself, which was made for it.
 * @param {number} kind
 * @param {any} v
 * @param {any} d
 * @param {string[] | undefined} s
 * @param {(index: number) => any} part
 */
function valueFrom(kind, v, d, s, part) {
  switch (kind) {
    case APP_PAGE:
      v.kind = 'APP_PAGE'
      v.html = part(0)
      v.rscData = part(1)
      v.segmentData = s && new Map(s.map((name, index) => [name, part(index + 2)]))
      return v
    case APP_ROUTE:
      v.kind = 'APP_ROUTE'
      v.body = part(0)
      return v
    case PAGES:
      v.kind = 'PAGES'
      v.html = part(0)
      return v
    case FETCH: {
      const body = part(0)
      if (body !== undefined) d.body = body
      v.kind = 'FETCH'
      v.data = d
      return v
    }
    case IMAGE:
      v.kind = 'IMAGE'
      v.buffer = part(0)
      return v
    case REDIRECT:
      v.kind = 'REDIRECT'
      return v
    default:
      return null
  }
}

module.exports = {
  KINDS,
  stampOf: Stamped.of,
  disassemble,
  describe,
  assemble,
}
