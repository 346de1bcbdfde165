/** The command line, as a script and as a person have it, for an app and its fleet. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fleet } from '../../tools/instances/fleet.mjs'

const PROGRAM = fileURLToPath(new URL('../../bin/tiercel.js', import.meta.url))
/** Variables of the machine that no command of a test may see. */
const FOREIGN = /^(NODE_ENV|REDIS_URL|TIERCEL_.*|NEXT_.*|NO_COLOR|FORCE_COLOR|VITEST.*|COLUMNS)$/

const plain = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !FOREIGN.test(name)),
)

function collected(child, input, prompt = '') {
  let [stdout, stderr, isTyped] = ['', '', false]
  const type = () => {
    isTyped = true
    child.stdin.write(input)
  }
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
    if (prompt !== '' && !isTyped && stdout.includes(prompt)) type()
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  child.stdin.on('error', () => {})
  if (input === undefined) child.stdin.end()
  else if (prompt === '') type()
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}

/** Runs it without a terminal. */
export function run(args, { cwd, env = {} } = {}) {
  return collected(spawn(process.execPath, [PROGRAM, ...args], { cwd, env: { ...plain, ...env } }))
}

/**
 * Starts it without a terminal. `says` resolves once it has printed something; `leave` closes the end
 * that reads, as `head` does.
 */
export function begun({ onTestFinished }, args, { cwd, env = {} } = {}) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd, env: { ...plain, ...env } })
  onTestFinished(() => child.kill('SIGKILL'))
  const ended = collected(child)
  const says = new Promise((resolve) => child.stdout.once('data', resolve))
  const leave = () => child.stdout.destroy()
  return { child, ended, says, leave }
}

/** The answer of `--json`. */
export async function json(args, options) {
  const { code, stdout, stderr } = await run([...args, '--json'], options)
  if (stdout === '') throw new Error(`no answer (${code}): ${stderr}`)
  return { code, ...JSON.parse(stdout) }
}

/**
 * Runs it in a pseudo-terminal of so many columns, and types `input`, once it shows `prompt` if that
 * is given. `stdout` is all that the terminal shows.
 */
export function terminal(args, { cwd, env = {}, columns = 80, input, prompt } = {}) {
  const quoted = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`).join(' ')
  const command = `stty cols ${columns} rows 40; ${quoted}`
  const own = { ...plain, TERM: 'xterm', ...env }
  const child = spawn('script', ['-qefc', command, '/dev/null'], { cwd, env: own })
  return collected(child, input ?? '', prompt)
}

/**
 * Runs it in a pseudo-terminal for somebody who looks and types. `shows` resolves to the lines of the
 * frame drawn last, once `is` holds for them.
 */
export function session({ onTestFinished }, args, { cwd, env = {}, columns = 80, rows = 40 } = {}) {
  const quoted = [process.execPath, PROGRAM, ...args].map((word) => `'${word}'`).join(' ')
  const command = `stty cols ${columns} rows ${rows}; ${quoted}`
  const own = { ...plain, TERM: 'xterm', ...env }
  const child = spawn('script', ['-qefc', command, '/dev/null'], { cwd, env: own })
  onTestFinished(() => child.kill())
  let all = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    all += text
  })
  const ended = new Promise((resolve) => child.on('close', (code) => resolve({ code, all })))
  // A frame begins at the top left and ends where what was below it is cleared.
  const frame = () => all.split('\x1b[H').findLast((part) => part.includes('\x1b[J')) ?? ''
  const shows = async (what, is) => {
    for (let n = 0; ; n++) {
      const lines = visible(frame().split('\x1b[J')[0]).replaceAll('\r', '').split('\n')
      if (is(lines)) return lines
      if (n === 300)
        throw new Error(`${what} does not show: ${lines.join('\n')}\n${all.slice(-500)}`)
      await new Promise((wake) => setTimeout(wake, 50))
    }
  }
  /** Lines of the next frame that is drawn. */
  const redrawn = async () => {
    const frames = () => all.split('\x1b[H').length
    const before = frames()
    return shows('the next frame', () => frames() > before)
  }
  return { type: (text) => child.stdin.write(text), shows, redrawn, ended, frame }
}

/** What a terminal shows, without the sequences that colour it and move its cursor. */
export const visible = (text) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are
  text.replace(/\x1b\[[\d;]*[A-Za-z]/g, '').replace(/\r\n/g, '\n')

/** The lines that stay on a terminal: what `\r` overwrites is gone. */
export const linesOf = (text) =>
  visible(text)
    .split('\n')
    .map((line) => line.split('\r').at(-1))

/** An app with a build, in a folder that goes with the test, as its server and the command see it. */
export function appOf({ onTestFinished }, url, namespace = `shop:${process.pid}-${++apps}`) {
  const cwd = mkdtempSync(join(tmpdir(), 'tiercel-command-'))
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }))
  mkdirSync(join(cwd, '.next', 'server', 'pages'), { recursive: true })
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ name: 'shop' }))
  writeFileSync(join(cwd, '.next', 'BUILD_ID'), 'build-1')
  const env = { TIERCEL_REDIS_URL: url, TIERCEL_NAMESPACE: namespace }
  return { cwd, env, namespace, serverDistDir: join(cwd, '.next', 'server') }
}

let apps = 0

/** Instances of an app; each has a `page` request of that app. */
export async function instancesOf({ onTestFinished }, app, count, env = {}) {
  const quick = { TIERCEL_FETCH_WAIT_MS: '0', TIERCEL_WAIT_MS: '0' }
  const instances = await fleet(count, { ...quick, ...app.env, ...env })
  onTestFinished(() => instances.stop())
  await Promise.all(instances.map((one) => one.run(({ Tiercel }) => Tiercel.ready())))
  for (const one of instances) one.app = await one.request({ serverDistDir: app.serverDistDir })
  return instances
}
