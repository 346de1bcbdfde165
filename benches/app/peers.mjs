// @ts-check
/** The packages that `tiercel/app` is compared with, in a folder of their own. */
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { root, run } from '../../tools/run.mjs'

const manifest = fileURLToPath(new URL('./package.json', import.meta.url))
const folder = join(root, '.work', 'bench-app')

/** Installs what is not there yet. */
export async function installPeers() {
  const installed = join(folder, 'node_modules', '.package-lock.json')
  const own = join(folder, 'package.json')
  const wanted = readFileSync(manifest, 'utf8')
  if (existsSync(installed) && readFileSync(own, 'utf8') === wanted) return
  mkdirSync(folder, { recursive: true })
  copyFileSync(manifest, own)
  await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: folder })
}

/** Their versions, by name. @returns {Record<string, string>} */
export const versions = () => JSON.parse(readFileSync(manifest, 'utf8')).dependencies

const require = createRequire(join(folder, 'index.js'))

/** A module of theirs, CommonJS or not. @param {string} name @returns {Promise<any>} */
export async function peer(name) {
  const [, own, rest] = /^((?:@[^/]+\/)?[^/]+)(.*)$/.exec(name) ?? []
  const home = join(folder, 'node_modules', own)
  const { exports, main } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  const file = exports ? picked(exports[`.${rest}`] ?? exports) : main
  const found = await import(pathToFileURL(file ? join(home, file) : require.resolve(name)).href)
  return found.default && typeof found.default === 'object' ? { ...found.default, ...found } : found
}

/** @param {any} choice @returns {string | undefined} */
function picked(choice) {
  if (typeof choice === 'string' || choice === undefined) return choice
  return picked(choice.import ?? choice.default ?? choice.require)
}
