// @ts-check
/**
 * NOTICE: whose code is linked into the binary, and on what terms. `npm run notices` writes
 * it, `-- --check` says whether it is up to date, without network.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from '../tools/run.mjs'

const file = join(root, 'NOTICE')
const RUN = 'run `npm run notices`'

/** What is taken where a crate leaves the choice; `deny.toml` allows these. */
const CHOICE = ['MIT', 'ISC', 'Zlib', 'BSL-1.0', 'BSD-3-Clause', 'Unicode-3.0', 'Apache-2.0']
/** How a file of each is called, where a crate has several. */
const NAMED = /** @type {Record<string, RegExp>} */ ({
  MIT: /mit(?!-?0)/i,
  ISC: /isc/i,
  'BSD-3-Clause': /bsd/i,
  'Apache-2.0': /apache(?!.*llvm)|_a2$/i,
})
/** C code that crates carry with them. */
const WITHIN = /** @type {Record<string, string[]>} */ ({
  'libmimalloc-sys': ['c_src/mimalloc/v2/LICENSE', 'c_src/mimalloc/LICENSE'],
  'zstd-sys': ['zstd/LICENSE'],
})

/**
 * @typedef {object} Crate
 * @property {string} name
 * @property {string} version
 * @property {string} license
 * @property {string[]} authors
 * @property {string} manifest_path
 */

/**
 * Crates that are linked in for a platform: no build scripts, no macros, nothing of tests.
 * @param {string} platform
 * @returns {Crate[]}
 */
function linked(platform) {
  const args = ['metadata', '--locked', '--format-version', '1', '--filter-platform', platform]
  const options = { cwd: root, maxBuffer: 1 << 28, encoding: /** @type {const} */ ('utf8') }
  const offline = process.argv.includes('--check') ? ['--offline'] : []
  const { packages, resolve } = JSON.parse(execFileSync('cargo', [...args, ...offline], options))
  const crates = new Map(packages.map((/** @type {any} */ one) => [one.id, one]))
  const nodes = new Map(resolve.nodes.map((/** @type {any} */ one) => [one.id, one]))
  const found = new Set()
  const open = [resolve.root]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const isMacro = crates
      .get(id)
      .targets.some((/** @type {any} */ target) => target.kind.includes('proc-macro'))
    if (found.has(id) || isMacro) continue
    found.add(id)
    for (const { pkg, dep_kinds } of nodes.get(id).deps) {
      if (dep_kinds.some((/** @type {any} */ one) => one.kind === null)) open.push(pkg)
    }
  }
  found.delete(resolve.root)
  return [...found].map((id) => crates.get(id))
}

/** Crates of all platforms there are binaries for, by name. */
function linkedAnywhere() {
  const { napi } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  /** @type {Map<string, Crate>} */
  const all = new Map()
  for (const platform of napi.targets) {
    for (const crate of linked(platform)) all.set(titleOf(crate), crate)
  }
  return [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, crate]) => crate)
}

const titleOf = (/** @type {Crate} */ { name, version }) => `${name} ${version}`

/** The licenses that hold for a crate: all that are joined by AND, the first choice of others. */
function chosen(/** @type {Crate} */ { name, license }) {
  const terms = license.split(' AND ').map((all) => all.replace(/[()]/g, '').split(/ OR |\//))
  return terms.map((offered) => {
    const [best] = CHOICE.filter((one) => offered.includes(one))
    if (best === undefined)
      throw new Error(`${name} has ${license}, which deny.toml does not allow`)
    return best
  })
}

/** Texts of the licenses of a crate. @param {Crate} crate */
function textsOf(crate) {
  const dir = dirname(crate.manifest_path)
  const files = readdirSync(dir).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name))
  const licenses = chosen(crate)
  const named = files.filter((name) => licenses.some((one) => NAMED[one]?.test(name)))
  const own = named.length > 0 && licenses.length === 1 ? named : files
  const within = (WITHIN[crate.name] ?? []).filter((path) => existsSync(join(dir, path)))
  return [...own, ...within].map((path) => readFileSync(join(dir, path), 'utf8'))
}

/** A line that says whose it is; (c) is also how conditions are counted. */
const COPYRIGHT = /^[\s*]*(?:copyright\b.*(?:\d{4}|©|\(c\))|(?:©|\(c\))\s*\d{4}).*$/gim

/** A text without whose it is, and how its lines break: so the same ones are recognised. */
function bodyOf(/** @type {string} */ text) {
  const plain = text.replace(/\r/g, '').replace(COPYRIGHT, '')
  const from = plain.search(/Permission is hereby granted|Redistribution and use in source/)
  return plain.slice(Math.max(from, 0)).trim()
}

const normalized = (/** @type {string} */ text) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()

function notice() {
  /** @type {Map<string, { body: string, crates: Map<string, Set<string>> }>} */
  const terms = new Map()
  for (const crate of linkedAnywhere()) {
    const texts = textsOf(crate)
    // Those that come without any file are MIT, as their manifest says.
    if (texts.length === 0)
      texts.push(readFileSync(join(root, 'LICENSE'), 'utf8').replace(COPYRIGHT, ''))
    for (const text of texts) {
      const body = bodyOf(text)
      const term = terms.get(normalized(body)) ?? { body, crates: new Map() }
      terms.set(normalized(body), term)
      const lines = [...text.matchAll(COPYRIGHT)].map(([line]) =>
        line.replace(/^[\s*]+/, '').trim(),
      )
      const known = term.crates.get(titleOf(crate)) ?? new Set()
      for (const line of lines.length > 0 ? lines : crate.authors) known.add(line)
      term.crates.set(titleOf(crate), known)
    }
  }
  return [
    'Tiercel is under the MIT license, see LICENSE. Its binary holds code of others, on the terms',
    'below, and the standard library of Rust (MIT or Apache-2.0, https://www.rust-lang.org).',
    ...[...terms.values()].map(({ body, crates }) => section(body, crates)),
  ].join('\n')
}

/** @param {string} body @param {Map<string, Set<string>>} crates */
function section(body, crates) {
  const whose = [...crates].map(([title, lines]) =>
    [title, ...[...lines].map((line) => `    ${line}`)].join('\n'),
  )
  return ['', '='.repeat(80), ...whose, '', body, ''].join('\n')
}

/** Says what is not up to date: a crate of this platform that is missing, or one that is gone. */
function check() {
  const listed = new Set(readFileSync(file, 'utf8').match(/^[\w-]+ \d+\.\d+\.\d+\S*$/gm))
  const lock = readFileSync(join(root, 'Cargo.lock'), 'utf8')
  const locked = new Set(
    [...lock.matchAll(/^name = "(.+)"\nversion = "(.+)"$/gm)].map(
      ([, name, at]) => `${name} ${at}`,
    ),
  )
  const host = /^host: (.+)$/m.exec(execFileSync('rustc', ['-vV'], { encoding: 'utf8' }))?.[1]
  const missing = linked(host ?? '')
    .map(titleOf)
    .filter((title) => !listed.has(title))
  const gone = [...listed].filter((title) => !locked.has(title))
  if (missing.length > 0) throw new Error(`NOTICE lacks ${missing.join(', ')}: ${RUN}`)
  if (gone.length > 0) throw new Error(`NOTICE names ${gone.join(', ')}, not in Cargo.lock: ${RUN}`)
}

if (process.argv.includes('--check')) check()
else writeFileSync(file, notice())
