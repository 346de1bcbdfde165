// @ts-check

const { existsSync, readdirSync, readFileSync, statSync } = require('node:fs')
const { join, relative } = require('node:path')

/** The names that Next.js looks for, and the one that it warns of. */
const CONFIGS = ['ts', 'mts', 'mjs', 'js', 'cjs'].map((type) => `next.config.${type}`)
const SOURCE = /\.[cm]?[jt]sx?$/
const ELSEWHERE = new Set(['node_modules', 'dist', 'build', 'out', 'coverage', 'public'])
/** The most source files that are read. */
const MOST = 5_000

/**
 * The app in a folder, as far as setup needs it.
 *
 * @typedef {object} Project
 * @property {string} dir
 * @property {string | undefined} config name of its next.config
 * @property {string} source of that
 * @property {Record<string, string>} packages that it depends on
 */

/** @param {string} dir @returns {Project} */
function open(dir) {
  const config = CONFIGS.find((name) => existsSync(join(dir, name)))
  const manifest = JSON.parse(read(join(dir, 'package.json')) ?? '{}')
  const packages = { ...manifest.devDependencies, ...manifest.dependencies }
  return { dir, config, source: (config && read(join(dir, config))) ?? '', packages }
}

/** @param {string} file @returns {string | undefined} */
function read(file) {
  try {
    return statSync(file).isFile() ? readFileSync(file, 'utf8') : undefined
  } catch {
    return undefined
  }
}

/** The package manager here, by the lock file of the app or of a folder around it.
 * @param {string} dir */
function installer(dir) {
  const locks = {
    'pnpm-lock.yaml': 'pnpm',
    'yarn.lock': 'yarn',
    'bun.lock': 'bun',
    'bun.lockb': 'bun',
  }
  for (const at of [dir, join(dir, '..'), join(dir, '..', '..')]) {
    for (const [lock, command] of Object.entries(locks)) {
      if (existsSync(join(at, lock))) return { add: `${command} add`, remove: `${command} remove` }
    }
    if (existsSync(join(at, 'package-lock.json'))) break
  }
  return { add: 'npm install', remove: 'npm uninstall' }
}

/**
 * Source files of the app, with their content.
 * @param {string} dir
 * @returns {{ path: string, text: string }[]}
 */
function sources(dir) {
  /** @type {{ path: string, text: string }[]} */
  const all = []
  const folders = [dir]
  for (let at = folders.pop(); at !== undefined && all.length < MOST; at = folders.pop()) {
    for (const entry of entriesIn(at)) {
      const path = join(at, entry.name)
      if (entry.isDirectory() && !entry.name.startsWith('.') && !ELSEWHERE.has(entry.name)) {
        folders.push(path)
      } else if (entry.isFile() && SOURCE.test(entry.name)) {
        all.push({ path: relative(dir, path), text: read(path) ?? '' })
      }
    }
  }
  return all.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** @param {string} dir */
function entriesIn(dir) {
  try {
    return readdirSync(dir, { withFileTypes: true })
  } catch {
    return []
  }
}

/** Names of variables in the `.env` files of the app, without their values. @param {string} dir */
function variables(dir) {
  const files = entriesIn(dir).filter(({ name }) => /^\.env(\.|$)/.test(name))
  return files.flatMap(({ name }) =>
    [...(read(join(dir, name)) ?? '').matchAll(/^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=/gm)].map(
      ([, variable]) => variable,
    ),
  )
}

module.exports = { open, read, installer, sources, variables }
