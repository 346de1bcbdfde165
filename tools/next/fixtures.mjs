import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const repository = path.resolve(import.meta.dirname, '../..')
/** The folder of the apps, and of their working copies. */
const here = path.join(repository, '__test__/next')
const run = promisify(execFile)

/** The folders of `apps/` that make up an app; a later one overrides an earlier one. */
const layers = {
  'full-16.4': ['common', 'isr', 'full-16.4'],
  'components-16.4': ['common', 'use-cache', 'components-16.4'],
  'minor-16.0': ['common', 'isr', 'use-cache', 'minor', 'minor-16.0'],
  'minor-16.2': ['common', 'isr', 'use-cache', 'minor', 'minor-16.2'],
  'minor-16.3': ['common', 'isr', 'use-cache', 'minor', 'minor-16.3'],
}

export const fixtureNames = Object.keys(layers)

/**
 * Lays a fixture out under `.work/` and installs it there: the locked packages first, then the
 * tarball of this repository, as a user would have it. A second run with the same lock and
 * tarball installs nothing.
 *
 * @param {keyof typeof layers} name
 * @param {{ ahead?: boolean }} [how]
 * @returns {Promise<{ name: string, folder: string, stamp: string, next: string }>} `stamp` changes
 *   with every dependency of a build of this fixture
 */
export async function installFixture(name, how) {
  const folder = path.join(here, '.work', name)
  const sources = await layOut(name, folder)
  const lock = digest(await readFile(path.join(folder, 'package-lock.json')))
  const file = await tarball()
  const packed = digest(await readFile(file))
  await install(folder, lock, packed, file, how)
  const manifest = await readFile(path.join(folder, 'node_modules/next/package.json'), 'utf8')
  return {
    name,
    folder,
    stamp: digest(sources + lock + packed),
    next: JSON.parse(manifest).version,
  }
}

/** Copies the layers, unless they lie there already: a server may be running on them. */
async function layOut(name, folder) {
  const sources = await sourcesOf(name)
  const stampFile = path.join(folder, '.sources')
  if ((await readFile(stampFile, 'utf8').catch(() => '')) === sources) return sources
  await mkdir(folder, { recursive: true })
  for (const old of await readdir(folder)) {
    const kept = old === 'node_modules' || old.startsWith('.next')
    if (!kept) await rm(path.join(folder, old), { recursive: true })
  }
  for (const layer of layers[name]) {
    await cp(path.join(here, 'apps', layer), folder, { recursive: true })
  }
  await writeFile(stampFile, sources)
  return sources
}

async function sourcesOf(name) {
  const hash = createHash('sha256')
  for (const layer of layers[name]) {
    const source = path.join(here, 'apps', layer)
    const found = await readdir(source, { recursive: true, withFileTypes: true })
    const files = found.filter((file) => file.isFile())
    for (const file of files.map((file) => path.join(file.parentPath, file.name)).sort()) {
      hash.update(path.relative(source, file)).update(await readFile(file))
    }
  }
  return hash.digest('hex')
}

/** `npm install`, never `npm ci`: the locks lack the optional packages of other platforms. */
export async function install(folder, lock, packed, file, { ahead = false } = {}) {
  const stampFile = path.join(folder, 'node_modules/.tiercel-stamp.json')
  const installed = await readFile(stampFile, 'utf8').then(JSON.parse, () => ({}))
  if (installed.lock === lock && installed.packed === packed) return
  await rm(stampFile, { force: true })
  // One that is made ahead has what others leave of the machine.
  const timeout = ahead ? 900_000 : undefined
  if (installed.lock !== lock) await npm(['install', '--no-audit', '--no-fund'], folder, timeout)
  await npm(['install', '--no-save', '--no-audit', '--no-fund', file], folder, timeout)
  await writeFile(stampFile, JSON.stringify({ lock, packed }))
}

let packing

/** The tarball under test: `TIERCEL_TARBALL`, or this repository packed once. */
export function tarball() {
  packing ??= process.env.TIERCEL_TARBALL ? process.env.TIERCEL_TARBALL : pack()
  return Promise.resolve(packing)
}

async function pack() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tiercel-pack-'))
  await npm(['pack', '--pack-destination', folder], repository)
  const [file] = await readdir(folder)
  return path.join(folder, file)
}

async function npm(args, cwd, timeout = 180_000) {
  try {
    await run('npm', args, { cwd, timeout, maxBuffer: 16 << 20 })
  } catch (error) {
    throw new Error(`npm ${args.join(' ')} failed in ${cwd}:\n${error.stdout}${error.stderr}`)
  }
}

export function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}
