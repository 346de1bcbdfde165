// @ts-check
// Runs the demo from a fresh clone: `npm run demo`.
//
// Plain Node without dependencies, because it runs before anything is installed.
// Each step is skipped when nothing it reads has changed since the last run.

import { execFileSync, spawn } from 'node:child_process'
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
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const demo = join(root, 'examples', 'demo')
const packed = join(demo, '.packed')
const stampFile = join(packed, 'stamp.json')
const windows = process.platform === 'win32'
/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()

const USAGE = `Usage: npm run demo -- [options]

  --no-build         start what the last run has built
  --once             build, start, ask for the first page, stop
  --port <number>    listen there (default: PORT, else 3000 or the next free one)
  --tarball <file>   install this packed addon instead of building one
  --verbose          show the output of every step`

/**
 * @typedef {(title: string, command: string, args: string[], cwd: string) => Promise<void>} Step
 * @typedef {{ packages?: string, addon?: string, build?: string }} Stamp what was built from what
 */

/** An error that the reader can act on: shown without a stack. */
class DemoError extends Error {}

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
    await step(
      'Installing the packages of the demo',
      'npm',
      ['install', '--no-audit', '--no-fund'],
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
 * Starts the built demo and resolves when it answers.
 *
 * @param {{ port?: number, env?: Record<string, string | undefined>, verbose?: boolean }} [options]
 *   `port`: default PORT, else the first free one from 3000. `env`: added to the environment.
 * @returns {Promise<{ url: string, stopped: Promise<number>, output: () => string, stop: () => Promise<void> }>}
 */
export async function startDemo({ port, env, verbose = false } = {}) {
  if (!existsSync(join(demo, '.next', 'BUILD_ID'))) {
    throw new DemoError('The demo is not built yet. Run `npm run demo` once without --no-build.')
  }
  const listening = port ?? (process.env.PORT ? Number(process.env.PORT) : await freePort(3000))
  // Otherwise whoever listens there would answer, and pass for the demo.
  if (!(await isFree(listening))) throw new DemoError(`Port ${listening} is in use.`)
  const url = `http://localhost:${listening}`
  const server = run(process.execPath, [nextCli(), 'start', '--port', String(listening)], demo, {
    env,
    verbose,
  })

  const stop = async () => {
    server.child.kill('SIGTERM')
    const hard = setTimeout(() => server.child.kill('SIGKILL'), 8_000)
    await server.exit
    clearTimeout(hard)
  }

  const deadline = Date.now() + 60_000
  let ended = false
  void server.exit.then(() => (ended = true))
  while (!(await answers(url))) {
    if (!ended && Date.now() < deadline) {
      await new Promise((wake) => setTimeout(wake, 100))
      continue
    }
    if (!ended) await stop()
    throw new DemoError(`The demo did not start on port ${listening}.\n\n${server.output()}`)
  }
  return { url, stopped: server.exit, output: server.output, stop }
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
      ['install', '--no-audit', '--no-fund'],
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

const nextCli = () => join(demo, 'node_modules', 'next', 'dist', 'bin', 'next')

// Tools

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 16)) return
  throw new DemoError(
    `Node.js 20.16 or newer is needed, this is ${process.versions.node}. See https://nodejs.org.`,
  )
}

function checkRust() {
  const version = versionOf('cargo')
  if (!version)
    throw new DemoError(
      'Rust was not found. Install it with https://rustup.rs and open a new terminal.',
    )

  const needed = /^rust-version\s*=\s*"([\d.]+)"/m.exec(
    readFileSync(join(root, 'Cargo.toml'), 'utf8'),
  )?.[1]
  if (needed && older(version, needed)) {
    throw new DemoError(
      `Rust ${needed} or newer is needed, this is ${version}. Run \`rustup update\`.`,
    )
  }
  if (!windows && !['cc', 'gcc', 'clang'].some(versionOf)) {
    const hint =
      process.platform === 'darwin' ? 'xcode-select --install' : 'apt-get install build-essential'
    throw new DemoError(`A C compiler was not found. Install one, for example: ${hint}`)
  }
}

/** @param {string} tool */
function versionOf(tool) {
  try {
    const output = execFileSync(tool, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return /\d+(\.\d+)+/.exec(output)?.[0] ?? 'unknown'
  } catch {
    return undefined
  }
}

/** @param {string} version @param {string} needed */
function older(version, needed) {
  const [have, want] = [version, needed].map((each) => each.split('.').map(Number))
  for (let index = 0; index < want.length; index++) {
    if ((have[index] ?? 0) !== want[index]) return (have[index] ?? 0) < want[index]
  }
  return false
}

// What has changed since the last run

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

// Running things

/**
 * Runs one step, with a line that says how long it took.
 * @param {(line: string) => void} log
 * @param {boolean} verbose
 * @returns {Step}
 */
function stepper(log, verbose) {
  return async (title, command, args, cwd) => {
    const live = process.stdout.isTTY && log === console.log && !verbose
    const start = Date.now()
    const seconds = () => `${Math.round((Date.now() - start) / 1000)} s`
    const show = () => process.stdout.write(`\r  ${title} … ${seconds()} `)
    const timer = live ? setInterval(show, 1000) : undefined
    if (live) show()
    else if (verbose) log(`  ${title}`)

    const { exit, output } = run(command, args, cwd, { verbose })
    const code = await exit
    clearInterval(timer)
    if (live) process.stdout.write('\r\x1b[K')
    if (code !== 0) throw new DemoError(`${title} failed.\n\n${output().trimEnd()}`)
    log(`✓ ${title}, ${seconds()}`)
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 * @param {{ env?: Record<string, string | undefined>, verbose?: boolean }} options
 */
function run(command, args, cwd, { env = {}, verbose = false } = {}) {
  const child = spawn(command, args, {
    cwd,
    // NODE_ENV of a test runner would make npm and Next.js work differently.
    env: { ...process.env, NODE_ENV: undefined, NEXT_TELEMETRY_DISABLED: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: windows && command === 'npm',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output = (output + chunk).slice(-20_000)
      if (verbose) process.stdout.write(chunk)
    })
  }
  children.add(child)
  const exit = new Promise((done) => {
    child.on('error', (error) => {
      output += error.message
      done(1)
    })
    child.on('close', (code, signal) => done(code ?? (signal ? 130 : 1)))
  }).finally(() => children.delete(child))
  return { child, exit, output: () => output }
}

/** @param {string} url */
async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

/**
 * The first port from `port` on that nobody listens on.
 * @param {number} port
 * @returns {Promise<number>}
 */
async function freePort(port) {
  return port > 3999 || (await isFree(port)) ? port : freePort(port + 1)
}

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((done) => {
    const probe = createServer()
    probe.once('error', () => done(false))
    probe.listen(port, () => probe.close(() => done(true)))
  })
}

// Command line

async function main() {
  const { values } = parseArgs({
    options: {
      'no-build': { type: 'boolean' },
      once: { type: 'boolean' },
      port: { type: 'string' },
      tarball: { type: 'string' },
      verbose: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return console.log(USAGE)

  let stopping = false
  /** @param {NodeJS.Signals} signal */
  const stopAll = (signal) => {
    if (stopping) return
    stopping = true
    if (children.size === 0) process.exit(130)
    for (const child of children) child.kill(signal)
  }
  process.on('SIGINT', () => stopAll('SIGINT'))
  process.on('SIGTERM', () => stopAll('SIGTERM'))

  try {
    const { tarball, verbose } = values
    if (!values['no-build']) await prepareDemo({ tarball, verbose })
    const server = await startDemo({ port: values.port ? Number(values.port) : undefined, verbose })
    if (values.once) {
      console.log(`✓ The demo answered on ${server.url}`)
      return await server.stop()
    }
    console.log(`\n  The demo runs at ${server.url}\n  Ctrl-C stops it.\n`)
    const code = await server.stopped
    if (!stopping)
      throw new DemoError(`The demo stopped by itself (exit code ${code}).\n\n${server.output()}`)
  } catch (error) {
    if (stopping) process.exit(130)
    console.error(error instanceof DemoError ? `\n✗ ${error.message}` : error)
    process.exit(1)
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main()
