import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { freePort } from '../ports.mjs'
import { until as soon } from '../time.mjs'
import { installFixture } from './fixtures.mjs'

/** How long a request may take; in dev it may have to wait for a bundler. */
const ANSWERING_MS = 15_000
const COMPILING_MS = 60_000
const PORT_ATTEMPTS = 5

/** As {@link soon}, but probes less often, for a real server. */
export const until = (what, probe, patience) => soon(what, probe, { every: 25, ...patience })

/**
 * The data source behind every fixture: answers `/value/<key>` with its count of such requests,
 * after `delayMs`; `failures` of its next answers are errors.
 *
 * @param {number} [before] where its count starts, so that its answers differ from those of the
 *   origin of a build
 */
export async function startOrigin(before = 0) {
  const counts = new Map()
  const asked = []
  const server = http.createServer((request, response) => {
    const key = request.url.replace('/value/', '')
    counts.set(key, (counts.get(key) ?? before) + 1)
    asked.push({ key, at: performance.now() })
    const body = JSON.stringify({ n: counts.get(key) })
    const fails = origin.failures > 0
    if (fails) origin.failures--
    setTimeout(() => {
      response.writeHead(fails ? 500 : 200, { 'content-type': 'application/json' })
      response.end(fails ? 'broken' : body)
    }, origin.delayMs)
  })
  const port = await listen(server)
  const origin = {
    url: `http://127.0.0.1:${port}`,
    delayMs: 0,
    failures: 0,
    /** Every request so far: its key, and when it came. */
    asked,
    count: (key) => counts.get(key) ?? before,
    stop: () => new Promise((resolve) => server.close(resolve)),
  }
  return origin
}

/**
 * Installs a fixture, and returns how to build and start it.
 *
 * @param {string} name a folder of `apps/`
 * @param {{ url: string }} origin
 * @param {{ ahead?: boolean }} [how] `ahead`: for a file that comes later
 */
export async function openFixture(name, origin, how) {
  const started = performance.now()
  const fixture = await installFixture(name, how)
  note(`${name}: laid out and installed`, started)
  return {
    ...fixture,
    /**
     * The files of one run share a build: it must not depend on the file that made it.
     *
     * @param {Variant & { env?: object, ahead?: boolean }} variant `ahead`: made for a file that
     *   comes later
     * @param {{ url: string }} [asked] the origin of the build, if it is not that of the servers
     */
    build: (variant = {}, asked = origin) => build(fixture, variant, asked),
    /**
     * @param {Variant & { mode?: 'start' | 'standalone' | 'dev', env?: object, from?: string,
     *   script?: string }} how `from`: the working directory, if not that of the app; `script`: a
     *   file of it that is the server, instead of Next's own, and finds the app in `APP`
     */
    start: (how = {}) => start(fixture, how, origin),
  }
}

/**
 * @typedef {object} Variant
 * @property {'turbopack' | 'webpack'} [bundler]
 * @property {'tiercel' | 'builtin'} [handler]
 * @property {string} [label] names a build that differs in other ways
 */

export const distOf = ({ bundler = 'turbopack', handler = 'tiercel', label }) =>
  ['.next', bundler, handler, label].filter(Boolean).join('-')

/** The environment of a child: without the test runner's, and without the machine's own cache. */
export function environment({ handler = 'tiercel', ...variant }, origin, more = {}) {
  const foreign =
    /^(NODE_ENV|NODE_OPTIONS|VITEST.*|TEST|DEV|PROD|MODE|SSR|REDIS_URL|TIERCEL_.*|NEXT_.*)$/
  const own = Object.entries(process.env).filter(([name]) => !foreign.test(name))
  return {
    ...Object.fromEntries(own),
    NEXT_TELEMETRY_DISABLED: '1',
    FIXTURE_HANDLER: handler,
    FIXTURE_DIST: distOf({ handler, ...variant }),
    ORIGIN_URL: origin.url,
    ...more,
  }
}

/**
 * `next build`, bounded, once per variant and test run. With `TIERCEL_NEXT_REUSE` set, a build of
 * the last half hour serves other runs too, if nothing it depends on has changed.
 *
 * It sees the URL of a server, as builds of deployed apps often do.
 *
 * @returns {Promise<{ exit: number, left: boolean, connections: number }>} `left`: whether it left
 *   a process behind; `connections`: how often that server was connected to
 */
async function build(fixture, { env, ahead = false, ...variant }, origin) {
  const dist = path.join(fixture.folder, distOf(variant))
  const stampFile = path.join(dist, 'tiercel-test.json')
  const last = await readFile(stampFile, 'utf8').then(JSON.parse, () => undefined)
  // The built-in cache writes into its build, so that one serves once.
  const current = last?.stamp === fixture.stamp && (variant.handler !== 'builtin' || last.ahead)
  const young = process.env.TIERCEL_NEXT_REUSE && Date.now() - last?.at < 30 * 60_000
  if (current && (young || last.run === testRun())) {
    if (last.ahead) await writeFile(stampFile, JSON.stringify({ ...last, ahead: false }))
    return last
  }

  await rm(dist, { recursive: true, force: true })
  const started = performance.now()
  const { bundler = 'turbopack' } = variant
  const seen = await startListener()
  const vars = environment(variant, origin, { REDIS_URL: seen.url, ...env })
  const child = launch(['build', `--${bundler}`], fixture, vars)
  // One that is made ahead has what others leave of the machine.
  const ended = { within: ahead ? 900_000 : 180_000, every: 50 }
  let left
  try {
    await until('next build exits by itself', () => child.exit(), ended)
    if (child.exit() !== 0) throw new Error(`next build failed (${child.exit()}):\n${child.log()}`)
    const gone = () => (child.anyAlive() ? undefined : false)
    const patience = { within: ahead ? 60_000 : 10_000 }
    left = await until('its workers are gone', gone, patience).catch(() => true)
  } finally {
    await child.stop()
    seen.stop()
  }
  note(`${fixture.name}: next build with ${bundler}, ${variant.handler ?? 'tiercel'}`, started)
  const made = {
    stamp: fixture.stamp,
    at: Date.now(),
    run: testRun(),
    ahead,
    exit: child.exit(),
    left,
    connections: seen.connections(),
  }
  await writeFile(stampFile, JSON.stringify(made))
  return made
}

/** Counts its connections, and answers none. */
async function startListener() {
  let count = 0
  const server = net.createServer((socket) => {
    count++
    socket.on('error', () => {}).resume()
  })
  const port = await listen(server)
  const stop = () => server.close()
  return { url: `redis://127.0.0.1:${port}`, connections: () => count, stop }
}

/** Set by `npm test`, or by vitest.config.mjs; a file run by itself is a run of its own. */
function testRun() {
  return process.env.TIERCEL_NEXT_RUN ?? `alone-${process.pid}`
}

/** A file of the build, below `.next/server`. */
export function buildOutput(fixture, file, variant = {}) {
  return path.join(fixture.folder, distOf(variant), 'server', file)
}

/** The notes of `next build` about a prerendered path of the App Router. */
export async function builtMetadata(fixture, page) {
  return JSON.parse(await readFile(buildOutput(fixture, `app/${page}.meta`), 'utf8'))
}

/** Another process may take a port between our look and the server's. */
async function start(fixture, how, origin) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnFreePort(fixture, how, origin)
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !/EADDRINUSE/.test(error.message)) throw error
    }
  }
}

async function startOnFreePort(fixture, { mode = 'start', env, from, script, ...variant }, origin) {
  const port = await freePort()
  const vars = environment(variant, origin, env)
  const alone = mode === 'standalone' ? await copyStandalone(fixture, variant) : undefined
  const flags = ['-p', String(port), '-H', '127.0.0.1']
  const bundler = mode === 'dev' ? [`--${variant.bundler ?? 'turbopack'}`] : []
  const own = { ...vars, PORT: String(port), HOSTNAME: '127.0.0.1', APP: fixture.folder }
  const child =
    alone || script
      ? launchNode([script ?? 'server.js'], alone ?? from, own)
      : launch([mode, ...(from ? [fixture.folder] : []), ...bundler, ...flags], fixture, vars, from)
  const stop = async () => {
    await child.stop()
    if (alone) await rm(alone, { recursive: true })
  }
  try {
    await until(`${mode} is ready`, () => readiness(child), { within: 60_000 })
  } catch (error) {
    await stop()
    throw new Error(`${error.message}\n${child.log()}`)
  }
  const base = `http://127.0.0.1:${port}`
  return {
    base,
    log: child.log,
    folder: alone ?? fixture.folder,
    stop,
    /** Sends it a signal, such as to freeze it. */
    signal: child.signal,
    ...requests(base, child, mode === 'dev' ? COMPILING_MS : ANSWERING_MS),
  }
}

export function readiness(child) {
  if (child.exit() !== undefined) throw new Error(`exited with ${child.exit()}`)
  return /Ready in/.test(child.log()) ? true : undefined
}

/** Away from the repository, so that nothing outside the standalone folder can be resolved. */
async function copyStandalone(fixture, variant) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tiercel-standalone-'))
  const dist = distOf(variant)
  await cp(path.join(fixture.folder, dist, 'standalone'), folder, { recursive: true })
  await cp(path.join(fixture.folder, dist, 'static'), path.join(folder, dist, 'static'), {
    recursive: true,
  })
  const assets = path.join(fixture.folder, 'public')
  await cp(assets, path.join(folder, 'public'), { recursive: true }).catch(() => {})
  return folder
}

function launch(args, { folder }, env, cwd = folder) {
  const next = path.join(folder, 'node_modules/next/dist/bin/next')
  return launchNode([next, ...args], cwd, env)
}

/**
 * A child in a process group of its own, so that processes it leaves behind can be found and ended.
 *
 * @param {{ uid?: number, gid?: number }} [user] the user that it runs as
 */
export function launchNode(args, cwd, env, user) {
  const child = spawn(process.execPath, args, { cwd, env, ...user, detached: true, stdio: 'pipe' })
  let log = ''
  let code
  const keep = (chunk) => {
    log += chunk
  }
  child.stdin.end()
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  groups.add(child.pid)
  child.on('exit', (status, signal) => {
    code = status ?? signal
    groups.delete(child.pid)
  })
  const anyAlive = () => signalGroup(child.pid, 0)
  return {
    log: () => log,
    exit: () => code,
    anyAlive,
    signal: (name) => signalGroup(child.pid, name),
    async stop() {
      signalGroup(child.pid, 'SIGTERM')
      const gone = () => (anyAlive() ? undefined : true)
      await until('the child ends', gone, { within: 5000 }).catch(() => {
        signalGroup(child.pid, 'SIGKILL')
      })
    },
  }
}

/** The groups of children that have not ended. */
const groups = new Set()

/** Ends what this process has started, and what that has. */
export function endChildren() {
  for (const pid of groups) signalGroup(pid, 'SIGKILL')
}

function signalGroup(pid, signal) {
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(server.address().port))
  })
}

/**
 * The parts of a response that tests look at.
 *
 * @typedef {object} Reply
 * @property {number} status
 * @property {Buffer} bytes
 * @property {string | null} cache the header x-nextjs-cache
 * @property {string | undefined} generation the run of the render
 * @property {number | undefined} origin the origin's answer to that run
 */

export function requests(base, child, patience) {
  const send = async (url, init) => {
    const response = await fetch(base + url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(patience),
      ...init,
    }).catch((error) => {
      if (child.exit() === undefined) throw error
      throw new Error(`the server ended with ${child.exit()}:\n${child.log()}`)
    })
    return reply(response, Buffer.from(await response.arrayBuffer()))
  }
  return {
    get: (url, headers = {}) => send(url, { headers }),
    post: (url, body, headers = {}) => send(url, { method: 'POST', body, headers }),
    json: async (url) => JSON.parse((await send(url, {})).text),
    /** A navigation of the client-side router, with the redirect that Next answers it with. */
    async navigate(url, headers = {}) {
      const asked = await send(url, { headers: { rsc: '1', ...headers } })
      if (asked.status !== 307) return asked
      const { pathname, search } = new URL(asked.headers.get('location'), base)
      return send(pathname + search, { headers: { rsc: '1', ...headers } })
    },
    prefetch(url, segment) {
      const headers = { 'next-router-prefetch': '1', 'next-router-segment-prefetch': segment }
      return this.navigate(url, headers)
    },
    /** Calls revalidateTag or revalidatePath in a route handler of the app. */
    invalidate: (query) =>
      send(`/api/invalidate?${new URLSearchParams(query)}`, { method: 'POST' }),
    /** Presses the button of a form whose action runs on the server, as a browser without script. */
    submit: async (page, fields = {}) => {
      const shown = await send(page, {})
      const form = new FormData()
      for (const [, name] of shown.text.matchAll(/name="(\$ACTION_[^"]+)"/g)) form.set(name, '')
      for (const [name, value] of Object.entries(fields)) form.set(name, value)
      return send(page, { method: 'POST', body: form, headers: { origin: base } })
    },
  }
}

function reply(response, bytes) {
  const text = bytes.toString()
  return {
    status: response.status,
    headers: response.headers,
    cache: response.headers.get('x-nextjs-cache'),
    control: response.headers.get('cache-control'),
    bytes,
    text,
    ...shownIn(text),
  }
}

/** The run that made a body of any sort, and the origin's answer to that run. */
export function shownIn(text) {
  const plain = text.replaceAll('\\"', '"')
  const origin = /"?(?:data-)?origin"?[=:]"?(\d+)/.exec(plain)?.[1]
  return {
    generation: /"?(?:data-)?generation"?[=:]"([^"]+)"/.exec(plain)?.[1],
    origin: origin === undefined ? undefined : Number(origin),
  }
}

function note(what, started) {
  process.stdout.write(`${what}: ${((performance.now() - started) / 1000).toFixed(1)} s\n`)
}
