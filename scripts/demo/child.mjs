// @ts-check
/** The child processes of the demo: steps that end, and servers that stay. */
import { spawn } from 'node:child_process'

export const windows = process.platform === 'win32'
/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()

/** @typedef {(title: string, command: string, args: string[], cwd: string) => Promise<void>} Step */

/** An error that the reader can act on: shown without a stack. */
export class DemoError extends Error {}

/**
 * Runs one step, with a line that says how long it took.
 * @param {(line: string) => void} log
 * @param {boolean} verbose
 * @returns {Step}
 */
export function stepper(log, verbose) {
  return async (title, command, args, cwd) => {
    const live = process.stdout.isTTY && log === console.log && !verbose
    const start = Date.now()
    const seconds = () => `${Math.round((Date.now() - start) / 1000)} s`
    const show = () => process.stdout.write(`\r  ${title} … ${seconds()} `)
    const timer = live ? setInterval(show, 1000) : undefined
    if (live) show()
    else if (verbose) log(`  ${title}`)

    const { exit, output } = run(command, args, cwd, { verbose })
    const code = await exit
    clearInterval(timer)
    if (live) process.stdout.write('\r\x1b[K')
    if (code !== 0) throw new DemoError(`${title} failed.\n\n${output().trimEnd()}`)
    log(`✓ ${title}, ${seconds()}`)
  }
}

/**
 * Starts a child that `stopChildren` ends.
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 * @param {{ env?: Record<string, string | undefined>, verbose?: boolean }} options
 */
export function run(command, args, cwd, { env = {}, verbose = false } = {}) {
  const child = spawn(command, args, {
    cwd,
    // NODE_ENV of a test runner would make npm and Next.js work differently.
    env: { ...process.env, NODE_ENV: undefined, NEXT_TELEMETRY_DISABLED: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: windows && command === 'npm',
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output = (output + chunk).slice(-20_000)
      if (verbose) process.stdout.write(chunk)
    })
  }
  children.add(child)
  const exit = new Promise((done) => {
    child.on('error', (error) => {
      output += error.message
      done(1)
    })
    child.on('close', (code, signal) => done(code ?? (signal ? 130 : 1)))
  }).finally(() => children.delete(child))
  return { child, exit, output: () => output }
}

/** How long a child may take to end: Next.js waits for every connection, and open pages poll. */
const PATIENCE_MS = 3_000

/** Ends all children, at last by force; says whether there were any. */
export function stopChildren(/** @type {NodeJS.Signals} */ signal) {
  for (const child of children) child.kill(signal)
  const force = () => {
    for (const child of children) child.kill('SIGKILL')
  }
  setTimeout(force, PATIENCE_MS).unref()
  return children.size > 0
}
