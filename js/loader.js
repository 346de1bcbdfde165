// @ts-check

const { closeSync, existsSync, openSync, readSync } = require('node:fs')
const { join } = require('node:path')

/** @returns {string} the platform's name in file and package names, `linux-x64-gnu` for example */
function platform() {
  const { platform, arch } = process
  if (platform === 'linux') return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`
  if (platform === 'win32') return `win32-${arch}-msvc`
  return `${platform}-${arch}`
}

/** How far into the file of Node.js the path of its dynamic linker lies at most. */
const HEAD = 2_048

function isMusl() {
  const head = headOf(process.execPath)
  if (head.includes('/ld-musl-')) return true
  if (head.includes('/ld-linux')) return false
  return !isGlibcReported()
}

/** The first bytes of a file; none if it cannot be read. @param {string} path */
function headOf(path) {
  const head = Buffer.alloc(HEAD)
  try {
    const file = openSync(path, 'r')
    try {
      readSync(file, head, 0, HEAD, 0)
    } finally {
      closeSync(file)
    }
  } catch {
    // Whoever runs a program may not be allowed to read it.
  }
  return head
}

/** What Node.js says of itself, which takes it some ms to collect. */
function isGlibcReported() {
  const report = /** @type {any} */ (process.report)
  if (!report) return false
  const { excludeNetwork } = report
  // Otherwise the report looks up the names of all peers, which may take seconds.
  report.excludeNetwork = true
  try {
    // Only glibc reports its version.
    return report.getReport().header?.glibcVersionRuntime !== undefined
  } finally {
    report.excludeNetwork = excludeNetwork
  }
}

/**
 * Every possible binary, spelled out: file tracing reads these lines and takes what exists.
 * @type {Record<string, () => any>}
 */
const packages = {
  'linux-x64-gnu': () => require('@tiercel/engine-linux-x64-gnu'),
  'linux-x64-musl': () => require('@tiercel/engine-linux-x64-musl'),
  'linux-arm64-gnu': () => require('@tiercel/engine-linux-arm64-gnu'),
  'linux-arm64-musl': () => require('@tiercel/engine-linux-arm64-musl'),
  'darwin-x64': () => require('@tiercel/engine-darwin-x64'),
  'darwin-arm64': () => require('@tiercel/engine-darwin-arm64'),
  'win32-x64-msvc': () => require('@tiercel/engine-win32-x64-msvc'),
}

/** @type {Record<string, () => any>} */
const files = {
  'linux-x64-gnu': () => require('../tiercel.linux-x64-gnu.node'),
  'linux-x64-musl': () => require('../tiercel.linux-x64-musl.node'),
  'linux-arm64-gnu': () => require('../tiercel.linux-arm64-gnu.node'),
  'linux-arm64-musl': () => require('../tiercel.linux-arm64-musl.node'),
  'darwin-x64': () => require('../tiercel.darwin-x64.node'),
  'darwin-arm64': () => require('../tiercel.darwin-arm64.node'),
  'win32-x64-msvc': () => require('../tiercel.win32-x64-msvc.node'),
}

/**
 * Loads the addon: the file in this package if there is one, else the platform's package.
 * @param {string} name
 */
function load(name = platform()) {
  const file = join(__dirname, '..', `tiercel.${name}.node`)
  const from = existsSync(file) ? files[name] : packages[name]
  if (!from) throw failure(name, `there is no build for ${name}`)
  try {
    return from()
  } catch (cause) {
    const missing = /** @type {any} */ (cause)?.code === 'MODULE_NOT_FOUND'
    throw failure(
      name,
      missing ? `@tiercel/engine-${name} is not installed` : 'its addon does not load',
      cause,
    )
  }
}

/** @param {string} name @param {string} what @param {unknown} [cause] */
function failure(name, what, cause) {
  const error = new Error(
    [
      `tiercel cannot start on ${name}, Node.js ${process.version}: ${what}.`,
      `Ways out: install for this platform and with optional dependencies (npm install --include=optional);`,
      `on another machine than the target, add npm's --os, --cpu and --libc;`,
      `or build from source, with Rust and a C compiler: npm install, npm run build and npm pack in a clone of the repository.`,
    ].join('\n'),
    { cause },
  )
  return Object.assign(error, { code: 'TIERCEL_NO_BINARY' })
}

module.exports = { load, platform }
