// @ts-check

const { existsSync } = require('node:fs')
const { dirname, join, relative, isAbsolute } = require('node:path')
const { fileURLToPath } = require('node:url')
const { nextOf } = require('../app.js')

/**
 * The app whose next.config is read, and its Next.js.
 *
 * @typedef {object} Place
 * @property {string} dir
 * @property {{ root: string, version: string } | undefined} next
 */

/** A line of a stack: `next.config.ts` is compiled under the name `next.config.compiled.js`. */
const CONFIG =
  /(?:\(|at |async )((?:file:\/\/)?[^()\n]*?next\.config\.(?:compiled\.)?[cm]?[jt]s)[:?]/

/** Next.js passes no folder, and `next build apps/web` runs in another working directory. */
function ofConfig() {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 50
  const { stack } = new Error()
  Error.stackTraceLimit = stackTraceLimit
  const dir = dirIn(String(stack)) ?? process.cwd()
  return { dir, next: nextOf(dir) }
}

/** @param {string} stack */
function dirIn(stack) {
  const [, file] = CONFIG.exec(stack) ?? []
  if (file === undefined) return undefined
  try {
    const dir = dirname(file.startsWith('file:') ? fileURLToPath(file) : file)
    return isAbsolute(dir) && existsSync(dir) ? dir : undefined
  } catch {
    return undefined
  }
}

/**
 * Whether Next.js is at least this minor of 16; an unknown one is not.
 * @param {Place} place
 * @param {number} minor
 */
function isAtLeast({ next }, minor) {
  const [major = 0, found = 0] = (next?.version ?? '').split('.').map(Number)
  return major > 16 || (major === 16 && found >= minor)
}

/**
 * The root that Next.js would find by itself: it bundles nothing outside of that, and file tracing
 * starts there. Nothing if Next.js does not say.
 * @param {Place} place
 * @returns {string | undefined}
 */
function rootOf({ dir, next }) {
  if (!next) return undefined
  try {
    const found = require(join(next.root, 'dist', 'lib', 'find-root.js')).findRootDirAndLockFiles(
      dir,
    )
    return typeof found?.rootDir === 'string' ? found.rootDir : undefined
  } catch {
    return undefined
  }
}

/** @param {string} folder @param {string} path */
function isInside(folder, path) {
  const way = relative(folder, path)
  return way !== '..' && !/^\.\.[\\/]/.test(way) && !isAbsolute(way)
}

/** The smallest folder around both. @param {string} folder @param {string} path */
function around(folder, path) {
  let at = folder
  while (!isInside(at, path) && dirname(at) !== at) at = dirname(at)
  return at
}

module.exports = { ofConfig, dirIn, isAtLeast, rootOf, isInside, around }
