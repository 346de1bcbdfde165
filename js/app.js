// @ts-check

const { existsSync, readFileSync, realpathSync, statSync } = require('node:fs')
const { createRequire } = require('node:module')
const { dirname, join, relative, resolve } = require('node:path')

/**
 * Which app runs here, and on which Next.js. The process itself says so: its loaded modules, the
 * servers that Next.js lists, the command line, the build output. The working directory comes last:
 * `next start apps/web` leaves it where it was.
 *
 * @typedef {object} App
 * @property {string | undefined} root where its Next.js lies
 * @property {string | undefined} version of its Next.js
 * @property {string} name unique among the apps of a repository
 * @property {string} namedBy where that name comes from
 * @property {boolean} isNext whether Next.js runs here, even if it is not found
 * @property {boolean} isSure whether it was seen and not guessed: then it is final
 */

/** A module of Next.js. */
const OF_NEXT = /^(.*[\\/]next)[\\/]dist[\\/]/
const COMMAND = /[\\/]dist[\\/]bin[\\/]next$/
const CONFIGS = ['js', 'mjs', 'ts', 'mts'].map((type) => `next.config.${type}`)
const ROUTES = ['app', 'pages', join('src', 'app'), join('src', 'pages')]

/** Where Next.js lists its servers of this process, by the folder of the app from the working
 * directory: `router-server-context.js`, 16.0 to 16.4. */
const SERVERS = Symbol.for('@next/router-server-methods')

const global = /** @type {Record<PropertyKey, any>} */ (/** @type {unknown} */ (globalThis))

/** @type {App | undefined} */
let found
/** What the last look was based on.
 * @type {{ output?: string, listed: number }} */
let seen = { listed: 0 }

/**
 * The app as far as it is known. Looks again while that is a guess and more has become known.
 * @param {string} [serverDir] a `.next/server`, which Next.js gives handlers
 * @returns {App}
 */
function app(serverDir) {
  if (found?.isSure) return found
  const listed = servers().length
  const given = typeof serverDir === 'string' ? serverDir : undefined
  const output = given ?? seen.output ?? outputOfBuild()
  if (found && output === seen.output && listed === seen.listed) return found
  seen = { output, listed }
  found = look(output)
  return found
}

/** @param {string | undefined} serverDir @returns {App} */
function look(serverDir) {
  const loaded = loadedNext()
  const dir = dirOf(serverDir)
  const places = [serverDir, dirname(mainFile()), dir, process.cwd()]
  const root = loaded ?? installedNext(places)
  const isTold = serverDir !== undefined || servers().length > 0
  return {
    root,
    version: root && packageIn(root)?.version,
    ...nameOf(dir),
    isNext: isTold || loaded !== undefined,
    isSure: isTold && loaded !== undefined,
  }
}

/** The root of the Next.js that is loaded here. */
function loadedNext() {
  for (const file of Object.keys(require.cache)) {
    const root = OF_NEXT.exec(file)?.[1]
    if (root !== undefined && isNext(root)) return root
  }
}

/**
 * The Next.js of an app: the one that is loaded, else the one that its folder finds.
 * @param {string} dir
 * @returns {{ root: string, version: string } | undefined}
 */
function nextOf(dir) {
  const root = loadedNext() ?? installedNext([dir])
  const version = root && packageIn(root)?.version
  return root && typeof version === 'string' ? { root, version } : undefined
}

/** @param {(string | undefined)[]} places */
function installedNext(places) {
  for (const place of places) {
    try {
      if (place) return dirname(createRequire(join(place, 'x.js')).resolve('next/package.json'))
    } catch {
      // The next place may have one.
    }
  }
}

/** @param {string | undefined} serverDir */
function dirOf(serverDir) {
  const [listed] = servers()
  if (listed !== undefined) return resolve(listed)
  // Of `.next/server`, or `.next/dev/server`, or one at another depth.
  const built = serverDir && homeOf(dirname(dirname(serverDir)))
  return dirOfCommand() ?? built ?? dirOfMain() ?? process.cwd()
}

/** @type {string[]} */
const NONE = []

function servers() {
  const listed = global[SERVERS]
  return listed ? Object.keys(listed) : NONE
}

/** The output folder of a worker of `next build`, in which no handler receives it. */
function outputOfBuild() {
  const dir = global.__incrementalCache?.cacheHandler?.serverDistDir
  return typeof dir === 'string' ? dir : undefined
}

/** Whether a command of Next.js is the program of this process. */
function isOfCommand() {
  const main = mainFile()
  return COMMAND.test(main) && OF_NEXT.test(main)
}

/** The folder that `next start <dir>` and its like name, or the working directory. */
function dirOfCommand() {
  if (!isOfCommand()) return undefined
  // After the command. Arguments that name no folder are options or their values.
  const named = process.argv.slice(3).filter((given) => !given.startsWith('-'))
  return named.map((given) => resolve(given)).find(isFolder) ?? process.cwd()
}

/** The app that a custom server is part of. */
function dirOfMain() {
  const main = mainFile()
  if (!main || /[\\/]node_modules[\\/]/.test(main) || OF_NEXT.test(main)) return undefined
  const home = homeOf(dirname(main))
  const hasApp = [...CONFIGS, ...ROUTES, '.next'].some((name) => existsSync(join(home, name)))
  return hasApp ? home : undefined
}

/** The script that this process was started with; empty if there is none. */
function mainFile() {
  try {
    return require.main?.filename ?? (process.argv[1] ? realpathSync(process.argv[1]) : '')
  } catch {
    return ''
  }
}

/** The folder of the app that a folder is part of. @param {string} dir */
function homeOf(dir) {
  const isHome = (/** @type {string} */ at) =>
    hasName(packageIn(at)) || CONFIGS.some((name) => existsSync(join(at, name)))
  return upwards(dir).find(isHome) ?? dir
}

/** The most characters of a namespace that a name may take. */
const LONGEST = 40

/**
 * The name in the app's own package.json. Without one: the name of the package around the app, and
 * the app's path within it.
 * @param {string} dir
 */
function nameOf(dir) {
  const home = upwards(dir).find((at) => hasName(packageIn(at)))
  if (home === undefined) return { name: 'app', namedBy: 'no package.json' }
  const name = [packageIn(home).name, relative(home, dir)].filter(Boolean).join('-')
  const plain = name.replace(/^@/, '').replace(/[^\w.-]+/g, '-')
  const namedBy = 'package.json'
  if (plain.length <= LONGEST) return { name: plain, namedBy }
  // Other names may begin the same way. The module takes longer to load than most of this package.
  const { createHash } = require('node:crypto')
  const rest = createHash('sha256').update(plain).digest('hex').slice(0, 8)
  return { name: `${plain.slice(0, LONGEST - 9)}-${rest}`, namedBy }
}

/** A folder, and all folders around it. @param {string} dir */
function upwards(dir) {
  const all = [dir]
  for (let at = dirname(dir); at !== all.at(-1); at = dirname(at)) all.push(at)
  return all
}

/** @param {string} dir @returns {any} */
function packageIn(dir) {
  try {
    return JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
  } catch {
    return undefined
  }
}

/** @param {any} manifest */
function hasName(manifest) {
  return typeof manifest?.name === 'string' && manifest.name !== ''
}

/** @param {string} root */
function isNext(root) {
  return packageIn(root)?.name === 'next'
}

/** @param {string} path */
function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

module.exports = { app, nextOf, nameOf, isOfCommand }
