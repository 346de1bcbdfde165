// @ts-check

const { dirname, relative, resolve } = require('node:path')
const { endOfExpression, mask } = require('./mask.js')
const { BESIDE, PEERS, SETTINGS, VARIABLES } = require('./peers.js')
const { read } = require('./project.js')

/**
 * The present cache of an app.
 *
 * @typedef {object} Present
 * @property {string} peer
 * @property {string[]} files of the app that next.config names as handlers
 * @property {Record<string, unknown>} options of Tiercel that mean the same
 * @property {string[]} environment variables to set where the servers run
 * @property {string[]} other settings without an equivalent, mostly because none is needed
 */

const TYPES = ['', '.js', '.mjs', '.cjs', '.ts', '.mts']

/**
 * Files that a value of `cacheHandler` or `cacheHandlers` names, and those that these import of the
 * app itself.
 * @param {string} dir
 * @param {string[]} values
 */
function filesOf(dir, values) {
  /** @type {Map<string, string>} */
  const found = new Map()
  const open = values.flatMap((value) => named(dir, value))
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const text = read(file)
    if (text === undefined || found.has(file)) continue
    found.set(file, text)
    open.push(...named(dirname(file), imports(text)))
  }
  return found
}

/** @param {string} text */
const imports = (text) =>
  [...text.matchAll(/(?:from|require\(|import\()\s*(['"]\.[^'"]+['"])/g)]
    .map(([, path]) => path)
    .join()

/** @param {string} dir @param {string} value */
function named(dir, value) {
  const paths = [...value.matchAll(/['"`](\.?\.?\/?[^'"`\n]+\.?[^'"`\n]*)['"`]/g)].map(
    ([, path]) => path,
  )
  return paths.flatMap((path) => {
    const file = TYPES.map((type) => resolve(dir, path) + type).find(
      (file) => read(file) !== undefined,
    )
    return file === undefined ? [] : [file]
  })
}

/**
 * Reads the settings of the present cache. Computed values are left to the user.
 * @param {string} dir
 * @param {string[]} values of the settings in next.config
 * @param {{ path: string, text: string }[]} sources of the app
 * @param {string[]} variables of its `.env` files
 * @returns {Present | undefined} nothing if the cache is unknown
 */
function present(dir, values, sources, variables) {
  const files = filesOf(dir, values)
  const texts = [...values, ...files.values()]
  const peer = PEERS.find(({ packages }) => texts.some((text) => packages.test(text)))
  if (!peer) return undefined
  /** @type {Present} */
  const found = { peer: peer.name, files: [], options: {}, environment: [], other: [] }
  for (const [file, text] of files) {
    found.files.push(relative(dir, file))
    readSettings(text, found)
    const used = [...text.matchAll(/process\.env\.([A-Z][A-Z0-9_]*)/g)].map(([, name]) => name)
    readVariables(used, found)
  }
  readVariables(variables, found)
  if (peer.name.startsWith('@')) readSources(peer.packages, sources, found)
  found.environment = [...new Set(found.environment)]
  found.other = [...new Set(found.other)]
  return found
}

/** @param {string} text of a handler @param {Present} found */
function readSettings(text, found) {
  const masked = mask(text)
  for (const { 1: name, index } of masked.matchAll(/[{,(]\s*(\w+)\s*(?=[:,}])/g)) {
    const becomes = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined
    if (!becomes) continue
    const colon = masked.indexOf(name, index) + name.length
    const isSet = /^\s*:/.test(masked.slice(colon))
    const from = isSet ? masked.indexOf(':', colon) + 1 : colon
    const value = isSet ? text.slice(from, endOfExpression(masked, from)).trim() : name
    readSetting(name, becomes, value, found)
  }
}

/**
 * @param {string} name
 * @param {import('./peers.js').Becomes} becomes
 * @param {string} value as source
 * @param {Present} found
 */
function readSetting(name, { option, as, variable, say }, value, found) {
  const taken = option && as?.(literal(value))
  if (option && taken !== undefined) {
    found.options[option] = taken
    return
  }
  const env = /^process\.env\.([A-Z][A-Z0-9_]*)/.exec(value)?.[1]
  // Those are read under their own names, or have one in the other table.
  if (env === 'REDIS_URL' || (env && Object.hasOwn(VARIABLES, env))) return
  if (env && variable) found.environment.push(`${variable}=$${env}`)
  else if (say) found.other.push(`${name}: ${say}`)
  else if (option && !isDefault(value)) {
    found.other.push(`${name}: computed in the handler; ${option} is the option of Tiercel`)
  }
}

/** A setting that is off or missing needs no mention. @param {string} value */
const isDefault = (value) => /^(?:false|true|undefined|null|''|"")$/.test(value)

/** The value of a number, text or flag in source; else nothing. @param {string} value */
function literal(value) {
  if (/^-?\d[\d_]*(?:\.\d+)?$/.test(value)) return Number(value.replaceAll('_', ''))
  if (/^\d[\d_]*(?:\s*\*\s*\d[\d_]*)+$/.test(value)) {
    return value.split('*').reduce((all, one) => all * Number(one.replaceAll('_', '').trim()), 1)
  }
  const text = /^(['"`])([^'"`\\$]*)\1$/.exec(value)
  if (text) return text[2]
  return value === 'true' ? true : value === 'false' ? false : undefined
}

/** @param {string[]} names @param {Present} found */
function readVariables(names, found) {
  for (const name of names) {
    if (Object.hasOwn(VARIABLES, name)) found.environment.push(VARIABLES[name])
  }
}

/** @param {RegExp} packages @param {{ path: string, text: string }[]} sources @param {Present} found */
function readSources(packages, sources, found) {
  for (const { path, text } of sources) {
    if (found.files.includes(path) || /^next\.config\./.test(path) || !packages.test(text)) continue
    const names = Object.keys(BESIDE).filter((name) => new RegExp(`\\b${name}\\b`).test(text))
    for (const name of names) found.other.push(`${path} uses ${name}: ${BESIDE[name]}`)
    if (names.length === 0) found.other.push(`${path} imports it too: see what for`)
  }
}

module.exports = { present }
