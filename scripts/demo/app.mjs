// @ts-check
/** Starts the built demo app: once, or as one of several instances. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, isFree } from '../../tools/ports.mjs'
import { root } from '../../tools/run.mjs'
import { pause } from '../../tools/time.mjs'
import { DemoError, run } from './child.mjs'

/**
 * @typedef {{ url: string, stopped: Promise<number>, output: () => string, stop: () => Promise<void> }} Running
 *   `stopped`: its exit code
 */

export const demo = join(root, 'examples', 'demo')

export const nextCli = () => join(demo, 'node_modules', 'next', 'dist', 'bin', 'next')

/**
 * Starts the built demo and resolves when it answers.
 *
 * @param {{ port?: number, env?: Record<string, string | undefined>, verbose?: boolean }} [options]
 *   `port`: default PORT, else the first free one from 3000. `env`: added to the environment;
 *   without it, entries stay in the memory of this instance, whatever server the machine names.
 * @returns {Promise<Running>}
 */
export async function startDemo({ port, env, verbose = false } = {}) {
  if (!existsSync(join(demo, '.next', 'BUILD_ID'))) {
    throw new DemoError('The demo is not built yet. Run this once without --no-build.')
  }
  const listening = port ?? (process.env.PORT ? Number(process.env.PORT) : await freePort(3000))
  // Otherwise another listener would answer there, and pass for the demo.
  if (!(await isFree(listening))) throw new DemoError(`Port ${listening} is in use.`)
  const url = `http://localhost:${listening}`
  const server = run(process.execPath, [nextCli(), 'start', '--port', String(listening)], demo, {
    env: { TIERCEL_REDIS_URL: 'none', ...env },
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
      await pause(100)
      continue
    }
    if (!ended) await stop()
    throw new DemoError(`The demo did not start on port ${listening}.\n\n${server.output()}`)
  }
  return { url, stopped: server.exit, output: server.output, stop }
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
