// @ts-check

const { existsSync, readFileSync, readdirSync, realpathSync } = require('node:fs')
const { join, relative, resolve } = require('node:path')
const { built } = require('../place.js')
const { fine, hint, problem } = require('./finding.js')

/** The app, its build and the addon, as far as they are here. */

/** @typedef {import('../doctor.js').Finding} Finding */
/** @typedef {import('../place.js').Place} Place */

/** The oldest Node.js that works. */
const OLDEST = [20, 16]
const ADDON = /(?:^|[\\/])(?:tiercel\.[\w-]+|tiercel)\.node$/

/** @param {Place} place @returns {Finding[]} */
function examine(place) {
  return [
    node(),
    next(place),
    addon(place),
    ...place.problems.map(unread),
    ...handler(place),
    ...memory(place),
    ...buildOf(place),
    ...standalone(place),
  ]
}

/** @param {string} code @param {string} message @returns {Finding[]} */
function unusable(code, message) {
  const [text, ...rest] = message.replace(/^tiercel: /, '').split('\n')
  const isBinary = code === 'TIERCEL_NO_BINARY'
  const cure = isBinary ? rest.join(' ') : 'correct it; docs/options.md lists the options'
  return [node(), problem(isBinary ? 'addon' : 'options', text, cure)]
}

/** @returns {Finding} */
function alone() {
  return hint(
    'redis',
    'no server is named, so each process decides alone, and an invalidation stays in its own process',
    'with more than one instance, set REDIS_URL or TIERCEL_REDIS_URL',
  )
}

/** @returns {Finding} */
function node() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
  const text = `Node.js ${process.versions.node}`
  if (!isOld) return fine('node', text)
  return problem('node', text, `use ${OLDEST.join('.')} or newer`)
}

/** @param {Place} place @returns {Finding} */
function next({ dir, next: found }) {
  if (!found) {
    return hint(
      'next',
      `no Next.js is installed at ${dir}`,
      'run this in the folder of the app, or set --dir',
    )
  }
  const text = `Next.js ${found.version}`
  if (Number(found.version.split('.')[0]) >= 16) return fine('next', text)
  return problem('next', text, 'Tiercel needs Next.js 16.0 or newer')
}

/** @param {Place} place @returns {Finding} */
function addon({ root }) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return fine('addon', `tiercel ${version} loads here, from ${root}`)
}

/** @param {{ what: string, why: string }} problem @returns {Finding} */
function unread({ what, why }) {
  const [text] = why.split('\n')
  return problem(
    'app',
    `${what} cannot be loaded: ${text}`,
    'correct it, or name the options by --config',
  )
}

/** @param {Place} place @returns {Finding[]} */
function handler(place) {
  const { config, configName, dir, root, exported } = place
  if (!config) return []
  const file = place.handler
  if (file === undefined) {
    return [
      problem(
        'handler',
        `${configName} names no cacheHandler, so Next.js uses its own`,
        'wrap what it exports in withTiercel: npx tiercel init',
      ),
    ]
  }
  if (exported === undefined) return []
  const shownFile = relative(dir, file) || file
  if (!isOurs(exported, root)) {
    return [
      problem(
        'handler',
        `${configName} names ${shownFile}, and that is another cache handler`,
        'npx tiercel migrate moves the app to Tiercel',
      ),
    ]
  }
  /** @type {Finding[]} */
  const findings = [fine('handler', `${configName} names ${shownFile}, which is Tiercel`)]
  const usesCache = config.cacheComponents || config.experimental?.useCache
  if (usesCache && !config.cacheHandlers?.default) {
    findings.push(
      problem(
        'handler',
        `${configName} names no cacheHandlers.default, so 'use cache' keeps its entries in one process`,
        'wrap what it exports in withTiercel',
      ),
    )
  }
  return findings
}

/**
 * Whether what a module exports is the handler of this package, or made of it: a class of its own.
 * @param {any} exported
 * @param {string} root
 */
function isOurs(exported, root) {
  const ours = require(join(root, 'js', 'handler.js'))
  for (let at = exported?.default ?? exported; at; at = Object.getPrototypeOf(at)) {
    if (at === ours) return true
  }
  return false
}

/** @param {Place} place @returns {Finding[]} */
function memory({ config, configName, handler: file }) {
  if (!config || file === undefined || config.cacheMaxMemorySize === 0) return []
  const text = `${configName} does not set cacheMaxMemorySize to 0, so Next.js may hold entries a second time`
  return [hint('handler', text, 'set it to 0, as withTiercel does')]
}

/** @param {Place} place @returns {Finding[]} */
function buildOf({ dir, config, serverDir, handler: file }) {
  const distDir = config?.distDir ?? '.next'
  if (!existsSync(join(dir, distDir, 'BUILD_ID'))) {
    return [
      hint(
        'build',
        `there is no build at ${join(dir, distDir)}`,
        'run next build to have it examined too',
      ),
    ]
  }
  const written = built(dir, distDir)
  if (!written || file === undefined) return []
  const named = written.cacheHandler
  // The build notes the path as seen from its own folder.
  const places = named ? [resolve(dir, distDir, named), resolve(dir, named)] : []
  const isSame = places.some((place) => isSameFile(place, file))
  if (!named || !isSame) {
    return [
      problem(
        'build',
        `the build was made ${named ? 'with another cacheHandler' : 'without a cacheHandler'}`,
        'run next build again',
      ),
    ]
  }
  if (existsSync(join(serverDir, 'pages', '.tiercel-build'))) {
    return [fine('build', 'the build was made with this handler')]
  }
  return [
    hint(
      'build',
      'the build has no mark of Tiercel, so its manifests identify it',
      'run next build again, and deploy .next as a whole',
    ),
  ]
}

/** @param {string} one @param {string} other */
function isSameFile(one, other) {
  try {
    return realpathSync(one) === realpathSync(other)
  } catch {
    return false
  }
}

/** Whether the addon comes along. @param {Place} place @returns {Finding[]} */
function standalone({ dir, config }) {
  const distDir = config?.distDir ?? '.next'
  const folder = join(dir, distDir, 'standalone')
  if (existsSync(folder)) {
    const found = filesIn(folder).filter((file) => ADDON.test(file))
    if (found.length > 0) {
      return [fine('build', `the standalone output holds ${found[0]}`)]
    }
    return [
      problem(
        'build',
        'the standalone output holds no addon of Tiercel, so its server does not start',
        'set outputFileTracingRoot to a folder around the app and its node_modules, as withTiercel does',
      ),
    ]
  }
  if (config?.output !== 'standalone') return []
  return [hint('build', 'there is no standalone output yet', 'run next build')]
}

/** @param {string} folder */
function filesIn(folder) {
  return /** @type {string[]} */ (readdirSync(folder, { recursive: true }))
}

module.exports = { examine, unusable, alone }
