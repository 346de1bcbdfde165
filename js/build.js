// @ts-check

const fs = require('node:fs')
const { dirname, join, resolve } = require('node:path')
const next = require('./next.js')
const { expected } = require('./servers.js')

/**
 * The output of `next build` in a `.next`, and how it differs from that of other builds.
 *
 * @typedef {object} Build
 * @property {string} [name] the same in all instances that serve copies of it, and unique to it
 * @property {number} beganMs when it began to read, or earlier, in ms since the epoch
 *
 * @typedef {{ id: string, beganMs: number }} Mark
 */

/** Where a build is marked, below `.next/server`: `next build` copies this folder as it is. */
const MARK = join('pages', '.tiercel-build')
/** Files that `next build` writes before it renders anything, below `.next`. */
const COMPILED = ['package.json', 'build-manifest.json', join('server', 'app-paths-manifest.json')]
/** Files that differ from build to build, because Next.js puts keys, paths and file names there. */
const MANIFESTS = [
  'prerender-manifest.json',
  'build-manifest.json',
  join('server', 'server-reference-manifest.json'),
  join('server', 'app-paths-manifest.json'),
]

/**
 * The build whose output lies in a `.next/server`; none while it is being built.
 * @param {string} serverDir
 * @returns {Build | undefined}
 */
function of(serverDir) {
  const dir = dirname(serverDir)
  if (next.isBuilding()) {
    mark(serverDir)
    return undefined
  }
  const marked = markOf(serverDir)
  const beganMs =
    marked?.beganMs ?? oldest([...COMPILED, 'BUILD_ID'].map((file) => join(dir, file)))
  return { name: nameOf(dir, marked), beganMs }
}

/**
 * With a deployment id the build id is a constant, and it may be one without. So the build's own mark
 * identifies it or, where there is none, a digest of its manifests.
 * @param {string} dir @param {Mark | undefined} marked
 */
function nameOf(dir, marked) {
  const id = contentOf(join(dir, 'BUILD_ID'))?.trim()
  if (id === undefined) return undefined
  return JSON.stringify([process.env.NEXT_DEPLOYMENT_ID ?? '', id, marked?.id ?? digestOf(dir)])
}

/** @param {string} dir */
function digestOf(dir) {
  // Here, since it takes longer to load than most of this package.
  const hash = require('node:crypto').createHash('sha256')
  for (const file of MANIFESTS) hash.update(JSON.stringify(contentOf(join(dir, file)) ?? null))
  return hash.digest('hex')
}

/**
 * Marks a build that is under way, unless another of its processes has.
 * @param {string} serverDir
 */
function mark(serverDir) {
  const compiled = oldest(COMPILED.slice(1).map((file) => join(dirname(serverDir), file)))
  const earlier = markOf(serverDir)
  // The mark of an earlier build stays where the folder is not cleaned.
  if (earlier && earlier.beganMs >= compiled) return
  const text = JSON.stringify({ id: crypto.randomUUID(), beganMs: Math.min(compiled, Date.now()) })
  const file = join(serverDir, MARK)
  const draft = `${file}-${process.pid}-${crypto.randomUUID()}`
  try {
    fs.mkdirSync(dirname(file), { recursive: true })
    fs.writeFileSync(draft, text)
    fs.renameSync(draft, file)
  } catch {
    // Its manifests identify it.
  }
}

/** Keys of fetched data, as Next.js makes them. */
const FETCH_KEY = /^[\da-f]{64}$/

/**
 * Keeps the data that a build has fetched in the place and format of Next's own cache, so that the
 * servers of the build do not fetch it again.
 * @param {string | undefined} serverDir
 * @param {string} key
 * @param {any} value
 * @param {any} ctx
 */
async function keepFetch(serverDir, key, value, ctx) {
  // A build caches some data only for itself.
  if (!serverDir || !FETCH_KEY.test(key) || ctx.isImplicitBuildTimeCache) return
  const folder = join(dirname(serverDir), 'cache', 'fetch-cache')
  const draft = join(folder, `${key}.${crypto.randomUUID()}`)
  try {
    await fs.promises.mkdir(folder, { recursive: true })
    await fs.promises.writeFile(draft, JSON.stringify({ ...value, tags: ctx.tags ?? [] }))
    await fs.promises.rename(draft, join(folder, key))
  } catch {
    // The servers fetch it again.
  }
}

/**
 * The id of the build that is served, for the operator: that of the deploy, if there is one.
 * @param {string} [serverDir]
 */
function idOf(serverDir) {
  if (next.isBuilding() || next.isDev()) return undefined
  const { NEXT_DEPLOYMENT_ID } = process.env
  if (NEXT_DEPLOYMENT_ID) return NEXT_DEPLOYMENT_ID
  const [server] = expected()
  const output = server && resolve(server.dir, server.config.distDir ?? '.next')
  const dir = serverDir ? dirname(serverDir) : output
  return dir && contentOf(join(dir, 'BUILD_ID'))?.trim()
}

/** @param {string} serverDir @returns {Mark | undefined} */
function markOf(serverDir) {
  try {
    const { id, beganMs } = JSON.parse(fs.readFileSync(join(serverDir, MARK), 'utf8'))
    return typeof id === 'string' && Number.isFinite(beganMs) ? { id, beganMs } : undefined
  } catch {
    return undefined
  }
}

/** @param {string} file */
function contentOf(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * The earliest date of those of these files that exist.
 * @param {string[]} files
 */
function oldest(files) {
  return Math.min(...files.map(dateOf))
}

/** @param {string} file @returns {number} a missing file counts as the end of time */
function dateOf(file) {
  try {
    return fs.statSync(file).mtimeMs
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

module.exports = { of, idOf, keepFetch }
