// @ts-check

const { UsageError } = require('../command/usage.js')
const { moment, note, out, outJson, paint, size, span } = require('../command/terminal.js')
const { shown } = require('../command/shown.js')
const { MOST_SHOWN, isText, kindOf, partsOf, read } = require('./entry.js')
const { must } = require('./operator.js')
const places = require('./place.js')
const { sentence } = require('./sentence.js')

/**
 * `tiercel inspect`.
 * @param {Record<string, any>} flags
 * @param {string[]} given
 */
async function inspect(flags, given) {
  const [text] = given
  if (given.length !== 1) throw new UsageError('a path, a key or an address is missing')
  const operator = must(await places.find(flags), flags)
  const { about, value } = await read(operator, text)
  if (about.bytes === undefined) {
    note(`tiercel: ${sentence(about, text, operator)}`)
    return 1
  }
  const parts = partsOf(about.kind, value)
  if (flags.part !== undefined) return one(parts, flags.part)
  if (flags.json) {
    outJson(asJson(about, parts, flags.full))
    return 0
  }
  out(described(about))
  for (const [name, { type, bytes }] of parts) {
    out(`\n${paint('bold', shown(name))} ${paint('dim', size(bytes.length))}`)
    if (bytes.length > 0) out(beginning(type, bytes, flags.full))
  }
  return about.broken ? 1 : 0
}

/** @param {ReturnType<typeof partsOf>} parts @param {string} name */
function one(parts, name) {
  const part = parts.get(name)
  if (!part) {
    const names = [...parts.keys()].join(', ')
    throw new UsageError(`this entry has no part of that name; it has ${names || 'none'}`)
  }
  process.stdout.write(part.bytes)
  return 0
}

/** What is known of an entry, for programs. @param {any} about */
function facts(about) {
  const { kind, table: _, ...rest } = about
  return { kind: kindOf({ kind }), ...rest }
}

/** @param {any} about @param {ReturnType<typeof partsOf>} parts @param {boolean} isFull */
function asJson(about, parts, isFull) {
  const contents = [...parts].map(([name, { type, bytes }]) => {
    const isPlain = type !== 'bytes' && isText(bytes)
    const some = isFull ? bytes : bytes.subarray(0, MOST_SHOWN)
    const content = isPlain ? some.toString('utf8') : some.toString('base64')
    const encoding = isPlain ? 'utf8' : 'base64'
    return [name, { bytes: bytes.length, encoding, isWhole: some.length === bytes.length, content }]
  })
  return { ...facts(about), parts: Object.fromEntries(contents) }
}

/** @param {any} about */
function described(about) {
  const lines = [
    ['kind', kindOf(about)],
    ['key', about.key && shown(about.key, 2_000)],
    ['address', about.address],
    [
      'size',
      `${size(about.bytes)} in the server${about.rawBytes ? `, ${size(about.rawBytes)} decoded` : ''}`,
    ],
    ['broken', about.broken],
    [
      'generated',
      about.createdMs && `${moment(about.createdMs)}, ${span(about.judged.ageSecs * 1e3)} ago`,
    ],
    ['revalidate', about.createdMs && lifetime(about.revalidateSecs)],
    ['expire', about.createdMs && lifetime(about.expireSecs)],
    ['left', about.ttlMs >= 0 && `${span(about.ttlMs)} until the server drops it`],
    [
      'tags',
      about.tags &&
        (about.tags.map((/** @type {string} */ tag) => shown(tag)).join('\n              ') ||
          'none'),
    ],
    ['now', about.judged?.verdict],
    [
      'lease',
      about.lease && `${about.lease.instance} generates it since ${span(about.lease.ageMs)}`,
    ],
  ]
  const some = lines.filter(([, value]) => value)
  return some
    .map(([name, value]) => `${paint('dim', String(name).padEnd(12))}  ${value}`)
    .join('\n')
}

/** @param {number | null} secs */
const lifetime = (secs) =>
  secs === null || secs === undefined ? 'never' : `after ${span(secs * 1e3)}`

/** @param {string} type @param {Buffer} bytes @param {boolean} isFull */
function beginning(type, bytes, isFull) {
  if (type === 'bytes' || !isText(bytes)) {
    return paint('dim', `bytes, beginning with ${bytes.subarray(0, 16).toString('hex')}`)
  }
  const text = bytes.toString('utf8')
  const plain = text
    .split('\n')
    .map((line) => shown(line, Number.POSITIVE_INFINITY))
    .join('\n')
  if (isFull || plain.length <= MOST_SHOWN) return plain
  return `${plain.slice(0, MOST_SHOWN)}…\n${paint('dim', `${size(bytes.length)} in all; --full shows the rest`)}`
}

module.exports = { inspect, facts }
