// @ts-check
/** Commands as a reader types them, and servers that go on. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { freePort } from '../ports.mjs'
import { until } from '../time.mjs'

const COMMAND_MS = 300_000
const START_MS = 60_000
const STOP_MS = 8_000

/** @typedef {Record<string, string | undefined>} Env */
/** @typedef {{ cwd: string, env: Env, uid?: number }} Place where, and with what, a command runs */
/** @typedef {Awaited<ReturnType<typeof serve>>} Running */

/**
 * Types a line into a shell; gives all of its output. Fails if it does, with what it printed.
 *
 * @param {string} line
 * @param {Place} place
 * @returns {Promise<string>}
 */
export async function type(line, place) {
  const child = launch(line, place)
  const late = setTimeout(() => child.signal('SIGKILL'), COMMAND_MS)
  const code = await child.exited
  clearTimeout(late)
  if (code === 0) return child.log()
  throw new Error(`$ ${line}\n${child.log().slice(-6_000)}\n(it ended with ${code})`)
}

/**
 * Types a line that starts a server, and waits for its port. Nothing is asked for yet.
 *
 * @param {string} line
 * @param {Place} place
 */
export async function serve(line, { cwd, env, uid }) {
  const port = await freePort()
  const child = launch(line, { cwd, env: { ...env, PORT: String(port) }, uid })
  /** @type {number | string | undefined} */
  let code
  void child.exited.then((status) => (code = status ?? 'nothing'))
  const stop = async () => {
    child.signal('SIGTERM')
    const force = setTimeout(() => child.signal('SIGKILL'), STOP_MS)
    await child.exited
    clearTimeout(force)
    child.signal('SIGKILL')
  }
  const probe = async () => {
    if (code !== undefined) throw new Error(`it ended with ${code}`)
    return (await listens(port)) || undefined
  }
  try {
    await until('it listens', probe, { within: START_MS, every: 100 })
  } catch (error) {
    await stop()
    throw new Error(`$ ${line}\n${child.log()}\n(${/** @type {Error} */ (error).message})`)
  }
  return { port, base: `http://localhost:${port}`, log: child.log, stop }
}

/** How to end the groups of what runs. @type {Set<() => void>} */
const running = new Set()

/** Ends all that was started from here. */
export function endAll() {
  for (const end of running) end()
}

/** In a process group, so that what it starts ends with it. @param {string} line @param {Place} place */
function launch(line, { cwd, env, uid }) {
  const user = uid === undefined ? {} : { uid, gid: uid }
  const child = spawn('sh', ['-c', line], { cwd, env, ...user, detached: true, stdio: 'pipe' })
  child.stdin.end()
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => (log += text))
  }
  /** @type {Promise<number | string>} */
  const exited = once(child, 'close').then(
    ([code, signal]) => signal ?? code,
    (error) => error.message,
  )
  /** @param {NodeJS.Signals} name */
  const signal = (name) => {
    try {
      if (child.pid) process.kill(-child.pid, name)
    } catch {
      // The group is gone.
    }
  }
  const end = () => signal('SIGKILL')
  running.add(end)
  void exited.then(() => running.delete(end))
  return { log: () => log, exited, signal }
}

/** @param {number} port @returns {Promise<boolean>} */
function listens(port) {
  return new Promise((done) => {
    const socket = connect({ port, host: 'localhost' })
    socket.once('connect', () => done(true)).once('error', () => done(false))
    socket.once('connect', () => socket.destroy())
  })
}
