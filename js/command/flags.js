// @ts-check

const { readFile } = require('node:fs/promises')
const { text } = require('node:stream/consumers')
const { resolve } = require('../warm/options.js')
const { UsageError, parsed } = require('./usage.js')

/** The flag of each option, and the values of the flag where they differ from the option's. */
const FLAG_OF = /** @type {Record<string, { flag: string, takes?: string }>} */ ({
  base: { flag: '--base' },
  basePath: { flag: '--base-path' },
  concurrency: { flag: '--concurrency' },
  dir: { flag: '--dir' },
  headers: { flag: '--header', takes: 'name:value' },
  timeoutMs: { flag: '--timeout', takes: 'a number of seconds from 0.001 to 3600' },
  waitMs: { flag: '--wait', takes: 'a number of seconds from 0 to 3600' },
})

/**
 * Reads the arguments of `tiercel warm`.
 * @param {string[]} args
 * @throws {UsageError}
 */
async function parse(args) {
  const { values, positionals } = parsed('warm', args)
  const files = [...(values.file ?? []), ...positionals.filter((path) => path === '-')]
  const given = positionals.filter((path) => path !== '-')
  /** @type {import('../../warm.d.ts').WarmOptions} */
  const options = {
    base: values.base,
    basePath: values['base-path'],
    concurrency: numberOf(values.concurrency),
    dir: values.dir,
    headers: values.header && headersOf(values.header),
    timeoutMs: milliseconds(values.timeout),
    waitMs: milliseconds(values.wait),
  }
  const flags = { isHelp: values.help, isJson: values.json, isQuiet: values.quiet }
  if (values.help) return { ...flags, options }
  check(options)
  given.forEach((path, n) => {
    checkPath(path, `the path at place ${n + 1}`)
  })
  const listed = await Promise.all([...new Set(files)].map(readPaths))
  const isListed = given.length + files.length > 0
  return { ...flags, options: isListed ? { ...options, paths: [given, listed].flat(2) } : options }
}

/**
 * Names the flag of an option that `warm` would refuse.
 * @param {import('../../warm.d.ts').WarmOptions} options
 */
function check(options) {
  try {
    resolve(options)
  } catch (error) {
    const { option, allowed } = /** @type {{ option: string, allowed: string }} */ (error)
    const { flag, takes = allowed } = FLAG_OF[option]
    throw new UsageError(`${flag} takes ${takes}`)
  }
}

/**
 * The message does not repeat the value: it may be half of a header that was not quoted.
 * @param {string} path
 * @param {string} what
 */
function checkPath(path, what) {
  if (!path.startsWith('/')) throw new UsageError(`${what} does not begin with /`)
}

/**
 * The paths of a file, one a line; `-` is the standard input.
 * @param {string} file
 */
async function readPaths(file) {
  const content = file === '-' ? await text(process.stdin) : await contentOf(file)
  const lines = content.split('\n').map((line) => line.trim())
  return lines.filter((path, n) => {
    if (path === '' || path.startsWith('#')) return false
    checkPath(path, `line ${n + 1} of ${file === '-' ? 'standard input' : file}`)
    return true
  })
}

/** @param {string} file */
async function contentOf(file) {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    throw new UsageError(`--file ${file} cannot be read (${code})`)
  }
}

/** Nothing but spaces is no number, either. @param {string | undefined} given */
function numberOf(given) {
  if (given === undefined) return undefined
  return given.trim() === '' ? Number.NaN : Number(given)
}

/** @param {string | undefined} seconds */
function milliseconds(seconds) {
  const number = numberOf(seconds)
  return number === undefined ? undefined : number * 1_000
}

/** @param {string[]} lines `name:value` */
function headersOf(lines) {
  /** @type {Record<string, string[]>} */
  const headers = {}
  for (const line of lines) {
    const [, name, value] = /^([^:]*):(.*)$/s.exec(line) ?? ['', '', '']
    const known = headers[name.trim().toLowerCase()] ?? []
    headers[name.trim().toLowerCase()] = [...known, value.trim()]
  }
  // `host` and some others take one value only.
  return Object.fromEntries(
    Object.entries(headers).map(([name, all]) => [name, all.length > 1 ? all : all[0]]),
  )
}

module.exports = { parse }
