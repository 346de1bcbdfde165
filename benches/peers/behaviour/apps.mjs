// @ts-check
/** The app of the scenarios: laid out and built once for each subject, copied for each server. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  launchNode,
  readiness,
  requests,
  startOrigin,
  until,
} from '../../../tools/next/support.mjs'
import { freePort } from '../../../tools/ports.mjs'
import { versions } from '../install.mjs'
import { subjects } from './subjects.mjs'

/** Within the folder of the peers, whose modules are found from there. */
const work = fileURLToPath(new URL('../.work', import.meta.url))
const source = fileURLToPath(new URL('./app', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))
const next = fileURLToPath(new URL('../node_modules/next/dist/bin/next', import.meta.url))

/** What the origin of a run answers is above; what a build was told is below. */
export const ASKED_BY_BUILDS = 1_000

const BUILD_MS = 300_000
const START_MS = 60_000
/** The longest that a request is waited for. */
export const PATIENCE_MS = 15_000

/** @param {string} name */
const slug = (name) => name.toLowerCase().replace(/[^a-z]+/g, '-')

/** A clean environment. @param {Record<string, string>} more */
function environment(more) {
  const foreign =
    /^(NODE_ENV|NODE_OPTIONS|VITEST.*|REDIS_URL|TIERCEL_.*|NEXT_.*|DEPLOYMENT_VERSION)$/
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name))
  return { ...Object.fromEntries(kept), NEXT_TELEMETRY_DISABLED: '1', APP_ROOT: root, ...more }
}

/** What a build depends on. @param {Record<string, string>} files */
async function stampOf(files) {
  const hash = createHash('sha256').update(JSON.stringify([files, versions()]))
  const found = await readdir(source, { recursive: true, withFileTypes: true })
  const paths = found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name))
  for (const path of paths.sort()) hash.update(relative(source, path)).update(await readFile(path))
  return hash.digest('hex')
}

/**
 * Builds the app for a subject, unless that was done.
 *
 * @param {string} name @param {{ url: string, port: number }} redis
 * @returns {Promise<string>} the folder
 * @throws {Error} with the end of the output, when the build fails
 */
export async function built(name, redis) {
  const { files, env } = subjects[name]
  const folder = join(work, slug(name), 'build')
  const stamp = await stampOf(files)
  const stampFile = join(folder, '.stamp')
  if (existsSync(stampFile) && (await readFile(stampFile, 'utf8')) === stamp) return folder
  await rm(join(work, slug(name)), { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await cp(source, folder, { recursive: true })
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
  const origin = await startOrigin()
  const own = env({ url: redis.url, port: redis.port, build: 'first' })
  const vars = environment({ ...own, ORIGIN_URL: origin.url })
  const child = launchNode([next, 'build', '--turbopack'], folder, vars)
  try {
    await until('next build ends', () => child.exit(), { within: BUILD_MS, every: 100 })
    if (child.exit() !== 0) throw new Error(`next build failed: ${lastOf(child.log())}`)
  } finally {
    await child.stop()
    await origin.stop()
  }
  await writeFile(stampFile, stamp)
  return folder
}

/** @param {string} log */
export const lastOf = (log) => log.trim().split('\n').slice(-12).join('\n')

/**
 * Starts one server on files of its own, as in a container.
 *
 * @param {string} name a subject
 * @param {{ nth: string, redis: { url: string, port: number }, origin: { url: string },
 *   build?: string }} how `build`: its BUILD_ID
 */
export async function started(name, { nth, redis, origin, build = 'first' }) {
  const folder = join(work, slug(name), nth)
  await rm(folder, { recursive: true, force: true })
  await cp(join(work, slug(name), 'build'), folder, { recursive: true })
  await writeFile(join(folder, '.next', 'BUILD_ID'), build)
  // An app has a name, by which it is known wherever it lies.
  await writeFile(join(folder, 'package.json'), '{ "name": "seen", "private": true }\n')
  const { env, seed } = subjects[name]
  const own = env({ url: redis.url, port: redis.port, build })
  const vars = environment({ ...own, ORIGIN_URL: origin.url })
  if (seed) await seeded(seed, folder, vars)
  const port = await freePort()
  const flags = ['start', '-p', String(port), '-H', '127.0.0.1']
  const child = launchNode([next, ...flags], folder, vars)
  try {
    await until('next start is ready', () => readiness(child), { within: START_MS, every: 25 })
  } catch (error) {
    await child.stop()
    throw new Error(`${/** @type {Error} */ (error).message}: ${lastOf(child.log())}`)
  }
  const base = `http://127.0.0.1:${port}`
  return { nth, folder, base, ...child, ...requests(base, child, PATIENCE_MS) }
}

/** @typedef {Awaited<ReturnType<typeof started>>} App */

/** @param {string[]} command @param {string} folder @param {any} vars */
async function seeded(command, folder, vars) {
  const child = launchNode(command, folder, vars)
  await until('the seed ends', () => child.exit(), { within: START_MS }).catch(() => {})
  await child.stop()
}
