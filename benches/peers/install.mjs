// @ts-check
/** The peers, in this folder: nothing of them is part of the package. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../tools/run.mjs'

const folder = fileURLToPath(new URL('.', import.meta.url))
const require = createRequire(import.meta.url)

/** @param {string} file */
const dependencies = (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')).dependencies

/** What is pinned, by name: with both versions if there are two. @returns {Record<string, string>} */
export function versions() {
  const all = dependencies('package.json')
  for (const [name, version] of Object.entries(dependencies('redis4/package.json'))) {
    all[name] = name in all ? `${all[name]} and ${version}` : version
  }
  return all
}

/** Installs what is pinned, unless it is there. */
export async function installPeers() {
  if (isInstalled('package.json', folder) && isInstalled('redis4/package.json', 'redis4')) return
  const how = ['ci', '--no-audit', '--no-fund', '--ignore-scripts']
  await run('npm', how, { cwd: folder })
}

/** @param {string} manifest @param {string} home */
function isInstalled(manifest, home) {
  return Object.entries(dependencies(manifest)).every(([name, version]) => {
    const file = join(home === folder ? folder : join(folder, home), 'node_modules', name)
    const own = join(file, 'package.json')
    return existsSync(own) && require(own).version === version
  })
}

/** @param {string} name @returns {Promise<any>} */
export const load = (name) => import(name)
