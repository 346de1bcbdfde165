// @ts-check
/**
 * Builds what the demo needs, from a fresh clone. A step is skipped when nothing it reads has
 * changed since the last run.
 */
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { root } from '../../tools/run.mjs'
import { demo, nextCli } from './app.mjs'
import { DemoError, stepper } from './child.mjs'
import { checkNode, checkRust } from './tools.mjs'

const packed = join(demo, '.packed')
const stampFile = join(packed, 'stamp.json')

/**
 * @typedef {import('./child.mjs').Step} Step
 * @typedef {{ packages?: string, addon?: string, build?: string }} Stamp what was built from what
 */

/**
 * Builds everything the demo needs and returns when it can be started.
 *
 * @param {{ tarball?: string, verbose?: boolean, log?: (line: string) => void }} [options]
 *   `tarball`: a packed addon; default: build and pack the one of this repository.
 */
export async function prepareDemo({
  tarball = process.env.TIERCEL_TARBALL,
  verbose = false,
  log = console.log,
} = {}) {
  const step = stepper(log, verbose)
  checkNode()
  if (!tarball) checkRust()

  const stamp = readStamp()
  const addon = resolve(tarball ?? (await packAddon(step)))
  if (!existsSync(addon)) throw new DemoError(`There is no packed addon at ${addon}.`)

  const packages = digest([join(demo, 'package.json'), join(demo, 'package-lock.json')])
  const addonDigest = digest([addon])
  const installed = existsSync(join(demo, 'node_modules', 'tiercel', 'package.json'))

  if (stamp.packages !== packages || !installed) {
    // Without saving, because each version of npm notes other things in a lock file.
    await step(
      'Installing the packages of the demo',
      'npm',
      ['install', '--no-save', '--no-audit', '--no-fund'],
      demo,
    )
  }
  // By tarball and without saving: with a `file:` link Turbopack leaves its root
  // and panics, and a lock file would bring back the old binary after repacking.
  if (stamp.packages !== packages || stamp.addon !== addonDigest || !installed) {
    await step(
      'Installing Tiercel into the demo',
      'npm',
      ['install', '--no-save', '--no-audit', '--no-fund', addon],
      demo,
    )
  }

  const build = digest(sources(demo), addonDigest)
  if (stamp.build !== build || !existsSync(join(demo, '.next', 'BUILD_ID'))) {
    writeStamp({ packages, addon: addonDigest })
    rmSync(join(demo, '.next'), { recursive: true, force: true })
    await step('Building the demo with next build', process.execPath, [nextCli(), 'build'], demo)
  }
  writeStamp({ packages, addon: addonDigest, build })
}

/**
 * Builds and packs the addon; returns the path of the tarball.
 * @param {Step} step
 */
async function packAddon(step) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const wanted = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })
  if (!wanted.every((name) => existsSync(join(root, 'node_modules', name)))) {
    await step(
      'Installing the packages of Tiercel',
      'npm',
      ['install', '--no-save', '--no-audit', '--no-fund'],
      root,
    )
  }
  await step('Building the addon (the first time takes minutes)', 'npm', ['run', 'build'], root)

  mkdirSync(packed, { recursive: true })
  for (const file of tarballs()) rmSync(file)
  await step('Packing the addon', 'npm', ['pack', '--pack-destination', packed], root)
  const [tarball] = tarballs()
  if (!tarball) throw new DemoError('`npm pack` wrote no tarball.')
  return tarball
}

const tarballs = () =>
  readdirSync(packed)
    .filter((name) => name.endsWith('.tgz'))
    .map((name) => join(packed, name))

/** @returns {Stamp} */
function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'))
  } catch {
    return {}
  }
}

/** @param {Stamp} stamp */
function writeStamp(stamp) {
  mkdirSync(packed, { recursive: true })
  writeFileSync(stampFile, JSON.stringify(stamp))
}

/** @param {string[]} files */
function digest(files, seed = '') {
  const hash = createHash('sha256').update(seed)
  for (const file of files)
    hash.update(file.slice(root.length)).update(existsSync(file) ? readFileSync(file) : '')
  return hash.digest('hex')
}

/** @param {string} folder @returns {string[]} */
function sources(folder) {
  const generated = ['node_modules', '.next', '.packed', 'next-env.d.ts']
  return readdirSync(folder)
    .filter((name) => !generated.includes(name) && !name.endsWith('.tsbuildinfo'))
    .sort()
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? sources(path) : [path]))
}
