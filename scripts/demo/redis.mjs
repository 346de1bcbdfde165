// @ts-check
/** The server that the instances of a fleet share: on loopback, and gone with its data at the end. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../tools/ports.mjs'
import { ensureRedis } from '../../tools/redis/binaries.mjs'
import { pause } from '../../tools/time.mjs'
import { DemoError, run } from './child.mjs'

const FIRST_PORT = 6400
const STARTED_MS = 10_000

/**
 * Starts redis-server; as root on Debian it is installed first when it is missing.
 *
 * @returns {Promise<{ url: string, stopped: Promise<number>, stop: () => Promise<void> }>}
 */
export async function startRedis() {
  const binary = await ensureRedis().catch((error) => {
    throw new DemoError(`${error.message}\nOr name one that runs, with --redis <url>.`)
  })
  const port = await freePort(FIRST_PORT)
  const folder = mkdtempSync(join(tmpdir(), 'tiercel-demo-'))
  const settings = { port, bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no' }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  const server = run(binary, args, folder)
  const stopped = server.exit.finally(() => rmSync(folder, { recursive: true, force: true }))
  let isRunning = true
  void stopped.then(() => (isRunning = false))

  const deadline = Date.now() + STARTED_MS
  while (!(await listens(port))) {
    if (!isRunning || Date.now() > deadline) {
      throw new DemoError(`redis-server did not start.\n\n${server.output()}`)
    }
    await pause(50)
  }
  const stop = async () => {
    server.child.kill('SIGTERM')
    await stopped
  }
  return { url: `redis://127.0.0.1:${port}`, stopped, stop }
}

/** @param {number} port @returns {Promise<boolean>} */
function listens(port) {
  return new Promise((done) => {
    const probe = connect({ port, host: '127.0.0.1' })
    probe.once('connect', () => done(true)).once('error', () => done(false))
    probe.once('close', () => done(false))
    probe.once('connect', () => probe.destroy())
  })
}
