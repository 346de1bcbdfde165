// @ts-check

const { Bar, cut, note, out, outJson, size, span, table, width } = require('../command/terminal.js')
const { NAMES, must } = require('./operator.js')
const options = require('./options.js')
const places = require('./place.js')

/** From this width on there is room for tags. */
const WIDE = 120

/**
 * `tiercel keys`.
 * @param {Record<string, any>} flags
 */
async function keys(flags) {
  const rate = options.rate(flags.rate)
  const limit = options.count(flags.limit, 'limit', 1_000, [1, 10_000_000])
  const largest = options.count(flags.largest, 'largest', 0, [1, 100_000])
  const filter = filterOf(flags)
  const operator = must(await places.find(flags), flags)
  const bar = new Bar()
  const found = { count: 0, bytes: 0, looked: 0 }
  /** @type {any[]} */
  let rows = []
  const onProgress = (/** @type {number} */ done, /** @type {number} */ total) =>
    bar.show(done, total, `${done} of ${total} keys, ${found.count} entries`)
  try {
    for await (const entry of operator.entries({ rate, onProgress })) {
      found.looked++
      if (!filter(entry)) continue
      found.count++
      found.bytes += entry.bytes
      rows.push(entry)
      if (largest > 0 && rows.length >= 4 * largest) rows = top(rows, largest)
      if (largest === 0 && rows.length >= limit) break
    }
  } finally {
    bar.end()
  }
  if (largest > 0) rows = top(rows, largest)
  if (flags.json) {
    outJson({ ...found, entries: rows.map(named) })
    return 0
  }
  if (rows.length > 0) out(listed(rows))
  const what = found.count === 1 ? 'entry' : 'entries'
  const shown = rows.length < found.count ? `, ${rows.length} shown` : ''
  const more = largest === 0 && rows.length >= limit ? '; --limit shows more' : ''
  note(`${found.count} ${what}, ${size(found.bytes)}${shown}${more}`)
  return 0
}

/** @param {any[]} rows @param {number} count */
const top = (rows, count) => rows.sort((a, b) => b.bytes - a.bytes).slice(0, count)

/** An entry whose kind has its name. @param {any} entry */
const named = (entry) => ({ ...entry, kind: NAMES[entry.kind] })

/**
 * Which entries are meant.
 * @param {Record<string, any>} flags
 * @returns {(entry: any) => boolean}
 */
function filterOf(flags) {
  const kinds = new Set(options.kinds(flags.kind))
  const olderMs = options.age(flags['older-than'], 'older-than')
  const now = Date.now()
  const tag = flags.tag && canonical(flags.tag)
  return (entry) => {
    if (entry.broken) return kinds.size === 0 && !tag && olderMs === undefined && !flags.path
    if (kinds.size > 0 && !kinds.has(entry.kind)) return false
    if (tag && !entry.tags.includes(tag)) return false
    if (flags.path && !entry.key.includes(flags.path)) return false
    return olderMs === undefined || entry.createdMs < now - olderMs
  }
}

/** A tag as it is stored: what is not printable ASCII is percent-encoded. @param {string} tag */
function canonical(tag) {
  return Buffer.from(tag)
    .toString('latin1')
    .replace(/[^\t -~]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** @param {any[]} rows */
function listed(rows) {
  const now = Date.now()
  const isWide = width() >= WIDE
  const head = ['kind', 'age', 'left', 'size', 'key']
  const keyWidth = isWide ? Math.floor((width() - 40) * 0.6) : Number.POSITIVE_INFINITY
  const lines = rows.map((entry) => {
    const left = entry.ttlMs >= 0 ? span(entry.ttlMs) : '-'
    if (entry.broken) {
      const row = ['?', '-', left, size(entry.bytes), `${entry.address} ${entry.broken}`]
      return isWide ? [...row, ''] : row
    }
    const other = entry.isOfBuild === false ? ' (another build)' : ''
    const key = `${entry.key}${other}`
    const cells = [
      NAMES[entry.kind] ?? '?',
      span(Math.max(0, now - entry.createdMs)),
      left,
      size(entry.bytes),
    ]
    if (!isWide) return [...cells, key]
    const tags = entry.tags.filter((/** @type {string} */ tag) => !tag.startsWith('tiercel:'))
    return [...cells, cut(key, keyWidth), tags.join(' ')]
  })
  return table(isWide ? [...head, 'tags'] : head, lines, { right: [1, 2, 3] })
}

module.exports = { keys, canonical }
