import { spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import net from 'node:net'
import { expect, test, vi } from 'vitest'
import { gone, isRunning } from '../../tools/guarded.mjs'
import * as ports from '../../tools/ports.mjs'
import { certificates } from '../../tools/redis/certificates.mjs'
import { temporary } from '../../tools/redis/server.mjs'
import { connect, findServer, start } from '../../tools/redis/servers.mjs'
import { until } from '../unit/support.mjs'

vi.mock('../../tools/ports.mjs', async (original) => {
  const actual = await original()
  return { ...actual, freePorts: vi.fn(actual.freePorts) }
})

/** Starts servers that end with the test. */
async function started({ onTestFinished }, kind, options) {
  const server = await start(kind, options)
  onTestFinished(() => server.stop())
  return server
}

const versions = { valkey: /^9\./, redis6: /^6\.2\./ }
const versionOf = async (server) => {
  const { valkey_version, redis_version } = await server.info('server')
  return valkey_version ?? redis_version
}

test('a server answers, and is gone once it is stopped', async (test) => {
  const server = await started(test, 'single')
  expect(await server.command('SET', 'key', 'value')).toBe('OK')
  expect(await server.pipeline([['GET', 'key'], ['GET'], ['DBSIZE']])).toEqual([
    'value',
    expect.objectContaining({ code: 'ERR' }),
    1,
  ])
  const { pid } = server
  expect(isRunning(pid)).toBe(true)
  await server.stop()
  await server.stop()
  expect(isRunning(pid)).toBe(false)
  await expect(connect(server.url)).rejects.toThrow('ECONNREFUSED')
})

for (const kind of ['valkey', 'redis6']) {
  const { missing } = await findServer(kind)
  test.skipIf(missing)(
    `${kind} is the version it should be${missing ? ` (${missing})` : ''}`,
    async (test) => {
      const server = await started(test, kind)
      expect(await versionOf(server)).toMatch(versions[kind])
      expect(await server.command('SET', 'key', 'value')).toBe('OK')
    },
  )
}

test('a port that somebody else takes first is given up for another one', async (test) => {
  const other = net.createServer().listen(0, '127.0.0.1')
  test.onTestFinished(() => other.close())
  await until('it listens', () => (other.listening ? true : undefined))
  const { port } = other.address()
  const freePorts = vi.mocked(ports.freePorts).mockClear().mockResolvedValueOnce([port])
  const server = await started(test, 'single')
  expect(freePorts).toHaveBeenCalledTimes(2)
  expect(server.port).not.toBe(port)
  expect(await server.command('PING')).toBe('PONG')
})

test('a server that cannot start says why', async () => {
  const starting = start('single', { settings: { 'no-such-line': 'yes' } })
  await expect(starting).rejects.toThrow('no-such-line')
})

test('a password, a user and a unix socket are asked for as they were set', async (test) => {
  const locked = await started(test, 'single', { requirepass: 'p@ss/word' })
  await expect((await connect({ port: locked.port })).command('GET', 'x')).rejects.toThrow('NOAUTH')
  expect(await (await connect(locked.url)).command('PING')).toBe('PONG')

  const users = ['default off', 'app on >secret ~app:* +@all -@pubsub']
  const server = await started(test, 'single', { users, unixsocket: true })
  const app = await connect(`unix://${server.socket}`, { username: 'app', password: 'secret' })
  expect(await app.command('SET', 'app:x', '1')).toBe('OK')
  await expect(app.command('GET', 'other')).rejects.toThrow('NOPERM')
  await expect(app.command('PUBLISH', 'app:channel', 'm')).rejects.toThrow('NOPERM')
  expect(await server.command('ACL', 'WHOAMI')).toBe('tests')
})

test('memory is bounded as asked', async (test) => {
  const server = await started(test, 'single', { maxmemory: '16mb' })
  const fill = async () => {
    for (let n = 0; n < 20; n++) await server.command('SET', n, Buffer.alloc(1 << 20))
  }
  await expect(fill()).rejects.toThrow('OOM')
  expect(await server.command('DBSIZE')).toBeGreaterThan(4)
})

test('a restart keeps what was appended to a file, and nothing else', async (test) => {
  for (const [appendonly, kept] of [
    [true, 'value'],
    [false, null],
  ]) {
    const server = await started(test, 'single', { appendonly })
    const { port, pid } = server
    await server.command('SET', 'key', 'value')
    await server.kill()
    expect(server.isAlive).toBe(false)
    await server.restart()
    expect(server.port).toBe(port)
    expect(server.pid).not.toBe(pid)
    expect(await server.command('GET', 'key')).toBe(kept)
  }
})

test('a frozen server holds what it is asked until it goes on', async (test) => {
  const server = await started(test, 'single')
  const client = await server.client()
  await client.command('PING')
  server.pause()
  const impatient = await server.client({ patience: 100 })
  await expect(impatient.command('PING')).rejects.toThrow('no reply')
  const answer = client.command('ECHO', 'late')
  server.resume()
  expect(await answer).toBe('late')
  server.pause()
  await server.stop()
  expect(isRunning(server.pid)).toBe(false)
})

test('messages and monitored commands are heard, in both protocols', async (test) => {
  const server = await started(test, 'single')
  for (const protocol of [2, 3]) {
    const subscriber = await server.client({ protocol })
    const heard = []
    await subscriber.subscribe(['news', 'a*'], (...message) => heard.push(message))
    expect(await server.command('PUBLISH', 'news', 'one')).toBe(1)
    expect(await server.command('PUBLISH', 'abc', 'two')).toBe(1)
    await until('both are heard', () => (heard.length === 2 ? true : undefined))
    expect(heard).toEqual([
      ['news', 'one'],
      ['abc', 'two'],
    ])
    // Only RESP3 can ask on the same connection; no reply is mistaken for a message.
    if (protocol === 3) expect(await subscriber.command('ECHO', 'x')).toBe('x')
    subscriber.close()
  }
  const lines = []
  const watcher = await server.client()
  await watcher.monitor((line) => lines.push(line))
  await server.command('EVAL', "return redis.call('GET', KEYS[1])", 1, 'watched')
  await until('the script and its command', () => (lines.length >= 2 ? true : undefined))
  expect(lines.map((line) => line.replace(/^[\d.]+ /, ''))).toEqual([
    expect.stringMatching(/"EVAL"/),
    expect.stringMatching(/^\[0 lua\] "GET" "watched"/),
  ])
})

test('TLS is spoken only to who trusts the authority, and shows a certificate where asked', async (test) => {
  const foreign = temporary()
  test.onTestFinished(() => rmSync(foreign, { recursive: true }))
  const { texts: stranger } = certificates(foreign)
  const open = await started(test, 'tls')
  const ask = async (server, tls) => {
    const client = await connect(server.url, { tls, patience: 1_000 })
    test.onTestFinished(() => client.close())
    return client.command('PING')
  }
  const { ca, cert, key } = open.tls.texts
  expect(await ask(open, { ca })).toBe('PONG')
  await expect(ask(open, { ca: stranger.ca })).rejects.toThrow(/certificate/)
  await expect(
    connect({ port: open.port }).then((plain) => plain.command('PING')),
  ).rejects.toThrow()

  const strict = await started(test, 'tls', { authClients: 'yes' })
  const own = strict.tls.texts
  expect(await ask(strict, own)).toBe('PONG')
  await expect(ask(strict, { ca: own.ca })).rejects.toThrow()
  await expect(ask(strict, { ca: own.ca, cert, key })).rejects.toThrow()
  const byName = `rediss://localhost:${strict.port}`
  expect(await (await connect(byName, { tls: own })).command('PING')).toBe('PONG')
})

test('no server and no file outlives its owner, however that ends', async () => {
  const owners = ['process.kill(process.pid, "SIGKILL")', 'throw new Error("a test failed")', '']
  const outcomes = owners.map(async (end) => {
    const source = `
      const { start } = await import(${JSON.stringify(import.meta.resolve('../../tools/redis/servers.mjs'))})
      const servers = [await start('single'), await start('tls')]
      servers[0].pause()
      process.stdout.write(JSON.stringify(servers.map(({ pid, folder }) => ({ pid, folder }))))
      process.stdout.write('\\n', () => { ${end} })`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', source])
    let out = ''
    owner.stdout.on('data', (text) => {
      out += text
    })
    await new Promise((resolve) => owner.once('close', resolve))
    return JSON.parse(out)
  })
  const left = (await Promise.all(outcomes)).flat()
  expect(left.length).toBe(6)
  await gone(left.map(({ pid }) => pid))
  await until('their files are gone', () =>
    left.some(({ folder }) => existsSync(folder)) ? undefined : true,
  )
})
