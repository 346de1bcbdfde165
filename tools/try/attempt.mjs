// @ts-check
/** One set-up, from nothing to a running app. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { freePort } from '../ports.mjs'
import { adopt, createApp } from './app.mjs'
import { invalidatesEverywhere, isReady, saysWhereItIs, seesThatItWorks } from './checks.mjs'
import { managers, plainEnvironment, program } from './managers.mjs'
import { serve, type } from './shell.mjs'
import { Page } from './snippets.mjs'

/** @typedef {import('./setups.mjs').Setup} Setup */
/** @typedef {import('./app.mjs').App} App */
/** @typedef {import('./shell.mjs').Env} Env */

/**
 * @typedef {object} Shared
 * @property {Env} env of the registry that has the package
 * @property {{ url: string, host: string }} redis
 * @property {boolean} isShort
 */

const deploy = new Page('docs/deploy.md')

/** The user that a container has, if this is root. */
const CONTAINER_USER = process.getuid?.() === 0 ? 1000 : undefined

/**
 * Fails with the first thing that is not as the documentation says.
 *
 * @param {Setup} setup
 * @param {string} within a folder for it
 * @param {Shared} shared
 * @param {(what: string) => void} tell what is done
 */
export async function attempt(setup, within, shared, tell) {
  await mkdir(within, { recursive: true })
  const env = await environment(setup, shared)
  tell('create-next-app')
  const app = await createApp(setup, { within, env, isShort: shared.isShort })
  tell('install and configure')
  await adopt(app, setup)
  tell('next build')
  const flags = setup.bundler ? ` -- --${setup.bundler}` : ''
  await type(`${managers[setup.manager].name} run build${flags}`, { cwd: app.folder, env })
  if (setup.server === 'pm2') return runsWithPm2(app, setup, shared, tell)
  const start = await starter(app, setup, within)
  await runsAlone(app, start, tell)
  await runsAsFleet(setup, start, shared, tell)
  if (setup.server === 'standalone') await warms(app, start, shared, tell)
}

/** @param {Setup} setup @param {Shared} shared @returns {Promise<Env>} */
async function environment(setup, shared) {
  const plain = plainEnvironment()
  const wanted = [managers[setup.manager].from, setup.node && `node@${setup.node}`]
  const programs = []
  for (const name of wanted) if (name) programs.push(await program(name))
  if (setup.server === 'pm2') programs.push(await program('pm2'))
  return { ...plain, ...shared.env, PATH: [...programs, plain.PATH].join(delimiter) }
}

/** @typedef {(env?: Env) => ReturnType<typeof serve>} Start */

/**
 * How the set-up starts its server.
 *
 * @param {App} app
 * @param {Setup} setup
 * @param {string} within
 * @returns {Promise<Start>}
 */
async function starter(app, setup, within) {
  const { manager, server } = setup
  if (server === 'custom') {
    await writeFile(join(app.folder, 'server.js'), deploy.fileNamed('server.js'))
    const line = deploy.section('Monorepos and custom servers').inline('NODE_ENV=production')
    return (env) => serve(line, { cwd: app.folder, env: { ...app.env, ...env } })
  }
  if (server === 'standalone') {
    const image = await layOutImage(app, within)
    const own = { ...app.env, HOSTNAME: '0.0.0.0', NODE_ENV: 'production' }
    return (env) =>
      serve('node server.js', { cwd: image, env: { ...own, ...env }, uid: CONTAINER_USER })
  }
  const line = `${managers[manager].name} run start`
  return (env) => serve(line, { cwd: app.folder, env: { ...app.env, ...env } })
}

/** What an image has: standalone output, assets and the command, and nobody may write to it. */
async function layOutImage(/** @type {App} */ { folder, env }, /** @type {string} */ within) {
  const image = join(within, 'image')
  await cp(join(folder, '.next', 'standalone'), image, { recursive: true, verbatimSymlinks: true })
  await cp(join(folder, '.next', 'static'), join(image, '.next', 'static'), { recursive: true })
  const command = join(image, 'node_modules', 'tiercel')
  await rm(command, { recursive: true, force: true })
  await cp(join(folder, 'node_modules', 'tiercel'), command, { recursive: true, dereference: true })
  await type(`chmod -R a+rX,a-w '${image}'`, { cwd: within, env })
  await chmod(within, 0o755)
  return image
}

/** In the memory of one process. @param {App} app @param {Start} start @param {(what: string) => void} tell */
async function runsAlone(app, start, tell) {
  tell('see that it works')
  const server = await start({ TIERCEL_DEBUG: '1' })
  try {
    await seesThatItWorks(server, { cwd: app.folder, env: app.env })
    await isReady(server)
  } finally {
    await server.stop()
  }
}

/**
 * Two instances on one Redis.
 *
 * @param {Setup} setup
 * @param {Start} start
 * @param {Shared} shared
 * @param {(what: string) => void} tell
 */
async function runsAsFleet(setup, start, { redis }, tell) {
  tell('two instances on Redis')
  const servers = []
  try {
    for (const _ of [1, 2]) servers.push(await start({ REDIS_URL: redis.url }))
    for (const server of servers) await isReady(server)
    const [one, other] = servers
    await saysWhereItIs(one, { shop: setup.name, 'cache:6379': redis.host })
    await invalidatesEverywhere(one.base, other.base)
  } finally {
    for (const server of servers) await server.stop()
  }
}

/** @param {App} app @param {Start} start @param {Shared} shared @param {(what: string) => void} tell */
async function warms(app, start, { redis }, tell) {
  tell('tiercel warm')
  const server = await start({ REDIS_URL: redis.url })
  try {
    const line = deploy
      .section('Warming up')
      .inline('node node_modules/tiercel/bin/tiercel.js warm')
    const cwd = join(app.folder, '..', 'image')
    const output = await type(`${line} --base ${server.base}`, { cwd, env: app.env })
    if (!/^\d+ paths in .*: \d+ fine, 0 failed$/m.test(output))
      throw new Error(`$ ${line}\n${output}`)
  } finally {
    await server.stop()
  }
}

/**
 * Two processes behind one port.
 *
 * @param {App} app
 * @param {Setup} setup
 * @param {Shared} shared
 * @param {(what: string) => void} tell
 */
async function runsWithPm2({ folder, env }, setup, { redis }, tell) {
  const section = deploy.section('Several processes on one host')
  const text = section.fileNamed('ecosystem.config.js').replace('redis://cache:6379', redis.url)
  await writeFile(join(folder, 'ecosystem.config.js'), text)
  const home = join(folder, '..', 'pm2')
  const place = { cwd: folder, env: { ...env, PM2_HOME: home } }
  const logs = () => readAll(join(home, 'logs'))
  tell('two processes of PM2')
  const port = await freePort()
  const own = { ...place, env: { ...place.env, PORT: String(port) } }
  try {
    await type(section.inline('pm2 start'), own)
    const base = `http://localhost:${port}`
    const server = { port, base, log: logs, stop: async () => {} }
    await isReady(server)
    await saysWhereItIs(server, { shop: setup.name, 'cache:6379': redis.host })
    await invalidatesEverywhere(base, base, 10)
  } catch (error) {
    throw new Error(`${/** @type {Error} */ (error).message}\n${logs()}`)
  } finally {
    await type('pm2 kill', place)
  }
}

/** The text of all files of a folder. @param {string} folder */
function readAll(folder) {
  const files = existsSync(folder) ? readdirSync(folder) : []
  return files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n')
}
