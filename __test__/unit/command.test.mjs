import { spawn } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { freePort } from '../../tools/ports.mjs'
import { serve } from './servers.mjs'
import { directory, pause, until, write } from './support.mjs'

const require = createRequire(import.meta.url)
const { Display } = require('../../js/command/display.js')
const { jsonOf } = require('../../js/command/shown.js')
const root = fileURLToPath(new URL('../..', import.meta.url))
const program = join(root, 'bin', 'tiercel.js')

/** Starts the command; `ended` resolves when it has exited. */
function start(args, { cwd, input, script = program } = {}) {
  const child = spawn(process.execPath, [script, ...args], { cwd, stdio: 'pipe' })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  child.stdin.on('error', () => {}).end(input)
  const ended = new Promise((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return { child, ended }
}

const run = (args, options) => start(args, options).ended

const asNamed = ({ url }, response) => {
  if (url === '/500') response.statusCode = 500
  response.setHeader('x-nextjs-cache', url === '/new' ? 'MISS' : 'HIT')
  response.end('body')
}

test.concurrent('without paths it asks for those of the build in .next', async (test) => {
  const { base, paths } = await serve(test, asNamed)
  const cwd = directory(test)
  const manifest = { version: 4, routes: { '/': {}, '/new': {} } }
  write(cwd, { '.next/prerender-manifest.json': manifest })
  const { code, stdout, stderr } = await run(['warm', '--base', base], { cwd })
  expect(paths().sort()).toEqual(['/', '/new'])
  expect(stdout).toMatch(/^2 paths in \d\.\d s: 2 fine, 0 failed\n/)
  expect(stdout).toContain('  status   2 2xx\n  cache    1 HIT, 1 MISS\n')
  expect(stdout).toMatch(
    / {2}time {5}p50 [\d.]+ ms, p95 [\d.]+ ms, max [\d.]+ ms\n {2}bytes {4}8 B\n/,
  )
  // No terminal: lines, and nothing that would move a cursor.
  expect(stderr).toBe('1 of 2\n2 of 2\n')
  expect(code).toBe(0)
})

test.concurrent('paths come from arguments, files and standard input', async (test) => {
  const { base, paths } = await serve(test, asNamed)
  const cwd = directory(test)
  write(cwd, { 'list.txt': '# most visited\n/b\r\n\n  /c  \n' })
  const flags = ['warm', '--base', base, '/a', '--file', 'list.txt', '-', '--file=-']
  expect((await run(flags, { cwd, input: '/d\n/a' })).code).toBe(0)
  expect(paths().sort()).toEqual(['/a', '/b', '/c', '/d'])
})

test.concurrent('a path that failed is named, and the exit code is 1', async (test) => {
  const { base } = await serve(test, asNamed)
  const { code, stdout } = await run(['warm', '--base', base, '/a', '/500'])
  expect(stdout).toContain('1 fine, 1 failed')
  expect(stdout).toContain('  failed\n    /500  500\n')
  expect(code).toBe(1)
})

test.concurrent('the failures shown are bounded', async (test) => {
  const { base } = await serve(test, (_, response) => response.writeHead(500).end())
  const many = Array.from({ length: 150 }, (_, n) => `/${n}`)
  const { stdout } = await run(['warm', '--base', base, ...many])
  expect(stdout.match(/ 500$/gm)).toHaveLength(20)
  expect(stdout).toMatch(/\n {4}and 130 more\n$/)
})

test.concurrent('--json prints the figures and nothing else', async (test) => {
  const { base } = await serve(test, asNamed)
  const { code, stdout } = await run(['warm', '--base', base, '--json', '/a', '/500'])
  expect(JSON.parse(stdout)).toEqual({
    ...{ total: 2, done: 2, ok: 1, failed: 1, failures: [{ path: '/500', status: 500 }] },
    statuses: { '2xx': 1, '3xx': 0, '4xx': 0, '5xx': 1 },
    cache: { hit: 2, stale: 0, miss: 0, other: 0 },
    bytes: 8,
    latencyMs: { p50: expect.any(Number), p95: expect.any(Number), max: expect.any(Number) },
    elapsedMs: expect.any(Number),
    isAborted: false,
  })
  expect(code).toBe(1)
})

test.concurrent('--quiet prints nothing, and with --json only that', async (test) => {
  const { base } = await serve(test, asNamed)
  const quiet = await run(['warm', '--base', base, '--quiet', '/500'])
  expect(quiet).toMatchObject({ code: 1, stdout: '', stderr: '' })
  const both = await run(['warm', '--base', base, '--quiet', '--json', '/a'])
  expect(both.stderr).toBe('')
  expect(JSON.parse(both.stdout).ok).toBe(1)
})

test.concurrent('flags reach the requests', async (test) => {
  const { base, seen, paths } = await serve(test, (_, response) =>
    setTimeout(() => response.end(), 60_000),
  )
  const flags = ['--base-path', '/shop', '--timeout', '0.2', '--header', 'Host: shop.example']
  const more = ['--header', 'x-many:a', '--header=x-many:b:c']
  const { stdout } = await run(['warm', '--base', base, ...flags, ...more, '/a'])
  expect(paths()).toEqual(['/shop/a'])
  expect(seen[0].headers).toMatchObject({ host: 'shop.example', 'x-many': 'a, b:c' })
  expect(stdout).toContain('/a  no answer within 0.2 s')
})

test.concurrent('--concurrency is a bound', async (test) => {
  let underWay = 0
  let most = 0
  const { base } = await serve(test, async (_, response) => {
    most = Math.max(most, ++underWay)
    await pause(50)
    underWay--
    response.end()
  })
  const many = Array.from({ length: 12 }, (_, n) => `/${n}`)
  await run(['warm', '--base', base, '--concurrency', '3', ...many])
  expect(most).toBe(3)
})

test.concurrent('without a server the exit code is 1, and --wait is named', async () => {
  const base = `http://user:password@127.0.0.1:${await freePort()}`
  const { code, stdout, stderr } = await run(['warm', '--base', base, '/'])
  expect(stderr).toMatch(
    /^tiercel: no server answers at http:\/\/127\.0\.0\.1:\d+: connection refused; --wait/,
  )
  expect(stderr.trim()).not.toContain('\n')
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
})

test.concurrent('--wait waits for a server', async (test) => {
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const { ended } = start(['warm', '--base', base, '--wait', '20', '/a', '/b'])
  await pause(500)
  const { paths } = await serve(test, asNamed, port)
  expect((await ended).code).toBe(0)
  expect(paths().sort()).toEqual(['/a', '/b'])
})

test.concurrent.for([
  ['SIGINT', 130],
  ['SIGTERM', 143],
])('%s ends it with the figures so far and %i', async ([signal, code], test) => {
  const { base, seen } = await serve(test, ({ url }, response) => {
    if (url === '/a') response.end()
  })
  const { child, ended } = start(['warm', '--base', base, '/a', '/hangs', '/too'])
  await until('two hang', () => (seen.length === 3 ? true : undefined))
  child.kill(signal)
  const { stdout, ...how } = await ended
  expect(how).toMatchObject({ code, signal: null })
  expect(stdout).toMatch(/^stopped after 1 of 3 paths in .*: 1 fine, 0 failed\n/)
})

test.concurrent.each([
  [[], 'a command is missing; see tiercel --help'],
  [['heat'], 'there is no command heat; see tiercel --help'],
  [['warm', '--foo'], 'there is no flag --foo; see tiercel warm --help'],
  [['warm', '--foo=secret'], 'there is no flag --foo; see tiercel warm --help'],
  [['warm', '-x'], 'there is no flag -x; see tiercel warm --help'],
  [['warm', '--base'], '--base needs a value; see tiercel warm --help'],
  [['warm', '--base', '--json'], '--base needs a value; see tiercel warm --help'],
  [['warm', '--json=1'], '--json takes no value; see tiercel warm --help'],
  [['warm', '--concurrency', '0'], '--concurrency takes a whole number from 1 to 256'],
  [['warm', '--concurrency', ' '], '--concurrency takes a whole number from 1 to 256'],
  [['warm', '--timeout', '0'], '--timeout takes a number of seconds from 0.001 to 3600'],
  [['warm', '--wait', 'long'], '--wait takes a number of seconds from 0 to 3600'],
  [['warm', '--base', 'ftp://user:secret@host'], '--base takes an http or https URL'],
  [['warm', '--base-path', 'secret'], '--base-path takes a path, such as /shop'],
  [['warm', '--header', 'secret'], '--header takes name:value'],
  [['warm', '--header', 'authorization:', 'Bearer secret'], 'the path at place 1 does not begin'],
  [['warm', '--dir', '/nowhere'], 'there is no build at /nowhere'],
  [['warm', '--dir', ''], '--dir takes the folder of a build'],
  [['warm', '--file', '/nowhere'], '--file /nowhere cannot be read (ENOENT)'],
  [['warm', '-'], 'line 2 of standard input does not begin with /'],
])('%j is refused in one line with exit code 2', async (args, message) => {
  const { code, stdout, stderr } = await run(args, { input: '/fine\nsecret' })
  expect(stderr).toContain(`tiercel: ${message}`)
  expect(stderr).toMatch(/^[^\n]*; see tiercel (warm )?--help\n$/)
  expect(stderr).not.toContain('secret')
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
})

test.concurrent('no login and no header value is in any output', async (test) => {
  const { base } = await serve(test, asNamed)
  const { port } = new URL(base)
  const flags = ['--base', `http://user:secret@127.0.0.1:${port}`, '--header', 'cookie: secret']
  for (const more of [[], ['--json']]) {
    const { stdout, stderr } = await run(['warm', ...flags, ...more, '/a', '/500'])
    expect(stdout).toContain('/500')
    expect(stdout + stderr).not.toMatch(/secret|user/)
  }
})

test('JSON leaves no control character as it is, and says the same', () => {
  const all = String.fromCharCode(...Array.from({ length: 0xa1 }, (_, code) => code))
  const told = { [all]: [all, 'ä\u2028'] }
  for (const indent of [undefined, 2]) {
    const text = jsonOf(told, indent)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are
    expect(text.match(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/)).toBe(null)
    expect(JSON.parse(text)).toEqual(told)
  }
})

test('on a terminal it is one line that goes away', () => {
  const stream = { isTTY: true, columns: 50, text: '', write: (text) => (stream.text += text) }
  const display = new Display(stream)
  display.begin(60_000)
  for (let done = 1; done <= 3; done++) {
    display.show({ done, failed: done - 1, total: 3, path: `/long/${'x'.repeat(100)}` })
  }
  display.end()
  expect(stream.text).not.toContain('\n')
  const lines = stream.text.split('\r\x1b[K')
  expect(lines[1]).toBe('waiting for the first answer, for 60 s at most')
  expect(lines.at(-2)).toMatch(/^█{24} 3 of 3, 2 failed {2}\/long/)
  expect(lines.at(-1)).toBe('')
  for (const line of lines) expect(line.length).toBeLessThan(50)
})

test.concurrent('what a path holds does not reach the terminal', async (test) => {
  const { base } = await serve(test, (_, response) => response.writeHead(500).end())
  const { stdout } = await run(['warm', '--base', base, '/\u001b[2J\u202e'])
  expect(stdout).toContain('/·[2J·  500')
})

test.concurrent('the help names every flag, within 80 columns', async () => {
  const { code, stdout, stderr } = await run(['warm', '--help', '--concurrency=0'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const flag of ['dir', 'file', 'base', 'header', 'wait', 'timeout', 'json', 'help']) {
    expect(stdout).toMatch(new RegExp(`^  (-h, )?--${flag}\\b`, 'm'))
  }
  for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  expect((await run(['--help'])).stdout).toContain('tiercel warm --help')
})

test.concurrent('it works where there is no addon, and loads nothing else', async (test) => {
  const dir = directory(test)
  for (const name of ['bin', 'js', 'package.json', 'index.js']) {
    cpSync(join(root, name), join(dir, name), { recursive: true })
  }
  const { base } = await serve(test, asNamed)
  const script = join(dir, 'bin', 'tiercel.js')
  expect(await run(['warm', '--base', base, '/'], { script })).toMatchObject({ code: 0 })
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect((await run(['--version'], { script })).stdout).toBe(`${version}\n`)
})
