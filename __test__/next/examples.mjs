import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { digest, install, tarball } from '../../tools/next/fixtures.mjs'
import { environment, launchNode, readiness, requests, until } from '../../tools/next/support.mjs'
import { freePort } from '../../tools/ports.mjs'

/** Where the examples lie in the repository. */
export const sources = path.resolve(import.meta.dirname, '../../examples')
const work = path.join(import.meta.dirname, '.work/examples')

const ANSWERING_MS = 15_000

/**
 * Lays the examples out side by side, with one `node_modules` above them: the packages that the
 * demo has locked, and the tarball of this repository.
 *
 * @param {string[]} names
 */
export async function installExamples(names) {
  await mkdir(work, { recursive: true })
  const locked = path.join(sources, 'demo')
  const lock = await readFile(path.join(locked, 'package-lock.json'))
  const manifest = JSON.parse(await readFile(path.join(locked, 'package.json'), 'utf8'))
  // Next.js takes the folder of `workspaces` as the root of what it bundles, and looks no higher.
  const all = { ...manifest, name: 'examples', workspaces: [] }
  await writeFile(path.join(work, 'package.json'), JSON.stringify(all))
  await writeFile(path.join(work, 'package-lock.json'), lock)
  const file = await tarball()
  await install(work, digest(lock), digest(await readFile(file)), file)
  for (const name of names) {
    await rm(path.join(work, name), { recursive: true, force: true })
    const isSource = (/** @type {string} */ at) => !/[\\/](node_modules|\.next)$/.test(at)
    await cp(path.join(sources, name), path.join(work, name), { recursive: true, filter: isSource })
  }
}

const cli = path.join(work, 'node_modules/next/dist/bin/next')

/** @param {string} name */
export async function buildExample(name) {
  const started = performance.now()
  const options = { cwd: path.join(work, name), env: quiet(), timeout: 180_000 }
  const built = promisify(execFile)(process.execPath, [cli, 'build'], options)
  const { stdout } = await built.catch((error) => {
    throw new Error(`next build of ${name} failed:\n${error.stdout}${error.stderr}`)
  })
  process.stdout.write(`${name}: built in ${Math.round(performance.now() - started)} ms\n`)
  return stdout
}

const quiet = (more = {}) => environment({}, { url: '' }, more)

/**
 * `next start` of an example.
 *
 * @param {string} name
 * @param {Record<string, string>} [env]
 */
export async function startExample(name, env = {}) {
  const port = await freePort()
  const args = [cli, 'start', '-p', String(port), '-H', '127.0.0.1']
  return serving(launchNode(args, path.join(work, name), quiet(env)), port)
}

/**
 * What the Dockerfile of an example copies into its image, in a folder that only its owner may
 * write to.
 *
 * @param {string} name
 * @returns {Promise<{ app: string, remove: () => Promise<void> }>} `app`: the working directory
 */
export async function layOutImage(name) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tiercel-image-'))
  await chmod(folder, 0o755)
  const app = path.join(folder, name)
  await cp(path.join(work, name, '.next/standalone'), folder, { recursive: true })
  const assets = path.join(work, name, '.next/static')
  await cp(assets, path.join(app, '.next/static'), { recursive: true })
  const command = path.join(work, 'node_modules/tiercel')
  await cp(command, path.join(folder, 'node_modules/tiercel'), { recursive: true })
  // In the image they lie in the app. Here they lay above it when it was built.
  await symlink('../node_modules', path.join(app, 'node_modules'))
  return { app, remove: () => rm(folder, { recursive: true }) }
}

/**
 * A container of that image, as far as a process can be one: root gives up its rights.
 *
 * @param {string} folder
 * @param {Record<string, string>} env
 */
export async function startContainer(folder, env) {
  const port = await freePort()
  const vars = quiet({ NODE_ENV: 'production', HOSTNAME: '127.0.0.1', PORT: String(port), ...env })
  const user = process.getuid?.() === 0 ? { uid: 1000, gid: 1000 } : undefined
  return serving(launchNode(['server.js'], folder, vars, user), port)
}

/** @param {ReturnType<typeof launchNode>} child @param {number} port */
async function serving(child, port) {
  try {
    await until('it is ready', () => readiness(child), { within: 60_000 })
  } catch (error) {
    await child.stop()
    throw new Error(`${error.message}\n${child.log()}`)
  }
  const base = `http://127.0.0.1:${port}`
  return { base, log: child.log, stop: child.stop, ...requests(base, child, ANSWERING_MS) }
}
