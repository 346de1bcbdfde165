// @ts-check

const { existsSync, readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { dirname, isAbsolute, join, resolve } = require('node:path')
const { fileURLToPath, pathToFileURL } = require('node:url')
const { nameOf, nextOf } = require('../app.js')
const { VARIABLE } = require('../config/carried.js')
const { UsageError } = require('../command/usage.js')

/**
 * Which app, which build and which server a command is about, found as the app itself finds them:
 * its .env files, then next.config, then the handler that it names, which may call `configure()`.
 *
 * @typedef {object} Place
 * @property {string} dir of the app
 * @property {string} root of the copy of this package that the app uses
 * @property {any} native the addon of that copy
 * @property {{ root: string, version: string } | undefined} next
 * @property {Record<string, any> | undefined} config of Next.js
 * @property {string | undefined} configName where that comes from
 * @property {string | undefined} handler file that is named as its cacheHandler
 * @property {unknown} exported by that
 * @property {string} serverDir
 * @property {string} label
 * @property {string} namespace that the app has unless an option says otherwise
 * @property {{ what: string, why: string }[]} problems met on the way
 *
 * @typedef {object} Where flags that say so
 * @property {string} [dir]
 * @property {string} [config]
 * @property {string} [redis-url]
 * @property {string} [namespace]
 */

const OWN = dirname(dirname(__dirname))
const CONFIGS = ['ts', 'mts', 'mjs', 'js'].map((type) => `next.config.${type}`)
const PHASE = 'phase-production-server'

/** @param {Where} where @returns {Promise<Place>} */
async function find(where) {
  const dir = resolve(where.dir ?? '.')
  if (!existsSync(dir)) throw new UsageError(`--dir ${where.dir} is no folder`)
  /** @type {Place['problems']} */
  const problems = []
  // The addon and Next.js both look at it.
  Object.assign(process.env, { NODE_ENV: process.env.NODE_ENV || 'production' })
  const next = nextOf(dir)
  if (next) loadEnvironment(dir, next.root)
  const { config, configName } = await configOf(dir, next, problems)
  if (config?.deploymentId) process.env.NEXT_DEPLOYMENT_ID ??= config.deploymentId
  const root = packageOf(dir)
  const native = addonOf(root)
  const named = where.config === undefined ? handlerOf(dir, config) : undefined
  const exported = await optionsFrom(where, named, root, problems)
  const serverDir = join(dir, config?.distDir ?? '.next', 'server')
  return {
    dir,
    root,
    native,
    next,
    config,
    configName,
    handler: named,
    exported,
    serverDir,
    label: require('../label.js').labelOf(serverDir),
    namespace: `${nameOf(dir).name}:${process.env.NODE_ENV}`,
    problems,
  }
}

/** The files that `next start` reads, in its order. @param {string} dir @param {string} root */
function loadEnvironment(dir, root) {
  try {
    const from = createRequire(join(root, 'package.json'))
    from('@next/env').loadEnvConfig(dir, false, { info() {}, error() {} })
  } catch {
    // Then the environment is what it is.
  }
}

/**
 * @param {string} dir
 * @param {Place['next']} next
 * @param {Place['problems']} problems
 */
async function configOf(dir, next, problems) {
  const name = CONFIGS.find((one) => existsSync(join(dir, one)))
  if (next && name) {
    try {
      const { default: load } = require(join(next.root, 'dist', 'server', 'config.js'))
      return { config: await load(PHASE, dir, { silent: true }), configName: name }
    } catch (error) {
      problems.push({ what: name, why: /** @type {Error} */ (error).message })
    }
  }
  // A standalone server has no next.config: its build says what it was.
  const written = built(dir)
  if (!written) return {}
  const carried = written.env?.[VARIABLE]
  if (typeof carried === 'string') process.env[VARIABLE] ||= carried
  return { config: written, configName: 'the build' }
}

/** The config that `next build` wrote. @param {string} dir @returns {Record<string, any> | undefined} */
function built(dir, distDir = '.next') {
  try {
    return JSON.parse(readFileSync(join(dir, distDir, 'required-server-files.json'), 'utf8')).config
  } catch {
    return undefined
  }
}

/** The copy of this package that the app uses. @param {string} dir */
function packageOf(dir) {
  try {
    return dirname(createRequire(join(dir, 'x.js')).resolve('tiercel/package.json'))
  } catch {
    return OWN
  }
}

/** @param {string} root */
function addonOf(root) {
  const native = require(join(root, 'js', 'loader.js')).load()
  if (typeof native.operator === 'function') return native
  const { version } = require('../../package.json')
  throw Object.assign(
    new Error(`the tiercel of this app, at ${root}, is older than this command (${version})`),
    { code: 'TIERCEL_OLD' },
  )
}

/**
 * The file that next.config names, on its own or for `'use cache'` alone.
 * @param {string} dir
 * @param {Record<string, any> | undefined} config
 * @returns {string | undefined}
 */
function handlerOf(dir, config) {
  const named = config?.cacheHandler ?? config?.cacheHandlers?.default
  if (typeof named !== 'string' || named === '') return undefined
  if (named.startsWith('file:')) return fileURLToPath(named)
  // A build notes a path from its own output folder.
  if (isAbsolute(named)) return named
  const places = [resolve(dir, named), resolve(dir, config?.distDir ?? '.next', named)]
  return places.find((file) => existsSync(file)) ?? places[0]
}

/**
 * Has the options chosen: by the module that calls `configure()`, or by next.config and environment.
 * @param {Where} where
 * @param {string | undefined} handler
 * @param {string} root
 * @param {Place['problems']} problems
 */
async function optionsFrom(where, handler, root, problems) {
  const { configure } = require(join(root, 'js', 'configure.js'))
  const file = where.config === undefined ? handler : resolve(where.config)
  if (where.config?.endsWith('.json')) {
    configure(read(/** @type {string} */ (file)))
    return undefined
  }
  let exported
  if (file !== undefined) {
    try {
      const module = await import(pathToFileURL(file).href)
      exported = module.default ?? module
    } catch (error) {
      const { message } = /** @type {Error} */ (error)
      if (where.config !== undefined) throw new UsageError(`--config ${where.config}: ${message}`)
      problems.push({ what: file, why: message })
    }
  }
  // A choice that the module has made stays.
  configure()
  return exported
}

/** @param {string} file */
function read(file) {
  let text
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error)
    throw new UsageError(`--config ${file} cannot be read (${code})`)
  }
  try {
    return JSON.parse(text)
  } catch {
    // The error would quote the file, which may hold a password.
    throw new UsageError(`--config ${file} is no JSON`)
  }
}

module.exports = { find, built }
