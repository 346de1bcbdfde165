import { existsSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts } from '../../tools/ports.mjs'
import { certificates, expired } from '../../tools/redis/certificates.mjs'
import { temporary } from '../../tools/redis/server.mjs'
import { start } from '../../tools/redis/servers.mjs'
import { inChild, until } from '../unit/support.mjs'

// Why a server cannot be used is told in the line, in `stats()` and in `ready()`.

const stops = []
afterAll(() => Promise.all(stops.map((one) => one.stop())))
const started = async (kind, options) => {
  const server = await start(kind, options)
  stops.push(server)
  return server
}

/** What a process says that uses this server until something is wrong, or `wanted` is. */
async function told(env, { wanted, act } = {}) {
  const run = async ({ index, wanted, act }) => {
    const Tiercel = require(index)
    const until = performance.now() + 15_000
    let state = await Tiercel.ready()
    while (performance.now() < until && (wanted ? state.reason?.code !== wanted : !state.reason)) {
      if (act) await new Function('Tiercel', `return (${act})(Tiercel)`)(Tiercel)
      await new Promise((wake) => setTimeout(wake, 50))
      state = await Tiercel.ready()
    }
    return { state, last: Tiercel.stats().shared?.lastError }
  }
  const given = { wanted, act: act?.toString() }
  const common = { REDIS_URL: '', TIERCEL_NAMESPACE: 'reasons', TIERCEL_CONNECT_TIMEOUT_MS: '500' }
  const { answer, stderr, opening } = await inChild(run, { given, env: { ...common, ...env } })
  const { state, last } = answer
  expect(state.reason).toEqual({ code: last?.code, message: last?.message })
  expect(Math.abs(last.at - Date.now())).toBeLessThan(60_000)
  expect(opening).toMatch(/^tiercel \S+: memory 64 MiB \+ \S+ \S+, namespace reasons \(/)
  expect(opening + stderr).not.toContain('hunter2')
  return { code: state.reason.code, message: last.message, shared: state.shared, stderr }
}

let plain
let secure
let guarded
beforeAll(async () => {
  ;[plain, secure, guarded] = await Promise.all([
    started('single'),
    started('tls'),
    started('single', { requirepass: 'of-the-server' }),
  ])
})

/** A server that listens, and what it does with connections. */
async function listening(onConnection) {
  const server = createServer(onConnection)
  const [port] = await freePorts(1)
  await new Promise((done) => server.listen(port, '127.0.0.1', done))
  stops.push({ stop: () => server.close() })
  return port
}

const at = (server, scheme = 'redis', login = '') => `${scheme}://${login}127.0.0.1:${server.port}`
const url = (text) => ({ TIERCEL_REDIS_URL: text })

describe.concurrent('a server that cannot be used', () => {
  test.for([
    ['refused', async () => url(`redis://:hunter2@127.0.0.1:${(await freePorts(1))[0]}`)],
    ['name-not-found', async () => url('redis://:hunter2@nowhere.invalid:6379')],
    ['timed-out', async () => url(`redis://127.0.0.1:${await listening(() => {})}`)],
    ['closed', async () => url(`redis://127.0.0.1:${await listening((one) => one.destroy())}`)],
    ['no-socket', async () => url('unix:///nowhere/redis.sock')],
    ['tls-unexpected', async () => url(at(plain, 'rediss'))],
    ['tls-expected', async () => url(at(secure))],
    ['unknown-issuer', async () => url(at(secure, 'rediss'))],
    [
      'wrong-name',
      async () => ({
        ...url(at(secure, 'rediss')),
        TIERCEL_REDIS_TLS_CA_FILE: secure.tls.ca,
        TIERCEL_REDIS_TLS_SERVER_NAME: 'other.example',
      }),
    ],
    [
      'expired',
      async () => {
        const server = await started('single', { tls: expired(temporary()) })
        return { ...url(at(server, 'rediss')), TIERCEL_REDIS_TLS_CA_FILE: server.tls.ca }
      },
    ],
    [
      'client-certificate',
      async () => {
        const tls = certificates(temporary())
        const server = await started('single', { tls, authClients: 'yes' })
        return { ...url(at(server, 'rediss')), TIERCEL_REDIS_TLS_CA_FILE: server.tls.ca }
      },
    ],
    ['login', async () => url(at(guarded, 'redis', ':hunter2@'))],
    ['login-missing', async () => url(at(guarded))],
    ['database', async () => url(`${at(plain)}/99`)],
    [
      'replica',
      async () => {
        const settings = { replicaof: `127.0.0.1 ${plain.port}` }
        return url(at(await started('single', { settings })))
      },
    ],
    ['no-primary', async () => url(`redis+sentinel://127.0.0.1:${plain.port}/mymaster`)],
    ['cluster', async () => url(`redis+cluster://127.0.0.1:${plain.port}`)],
  ])('%s', async ([code, env], { expect }) => {
    const found = await told(await env())
    expect(found).toMatchObject({ code, shared: 'away' })
    const away = found.stderr.split('\n').filter((line) => line.includes(' is away '))
    expect(away[0]).toContain(` is away (${found.message}): this process answers from memory`)
  })
})

describe.concurrent('a server that answers', () => {
  test('and refuses a right', async ({ expect }) => {
    const users = ['default off', 'app on >hunter2 ~* &* +@all -evalsha -eval']
    const server = await started('single', { users })
    const found = await told(url(at(server, 'redis', 'app:hunter2@')))
    expect(found.code).toBe('right-missing')
    expect(found.message).toMatch(/^it forbids this user/)
  })

  test('and is full', async ({ expect }) => {
    const server = await started('single', { maxmemory: '1' })
    const act = async (Tiercel) => {
      const data = { headers: {}, body: 'x', status: 200, url: '' }
      const value = { kind: 'FETCH', data, revalidate: 60 }
      await new Tiercel().set('a'.repeat(64), value, { fetchCache: true, tags: [] })
    }
    const found = await told(url(at(server)), { act })
    expect(found.code).toBe('OOM')
    expect(found.stderr).toMatch(/is full \(OOM\): /)
  })
})

test('a server that is back ends the reason, and stays the last error', async (test) => {
  const server = await started('single')
  const folder = temporary()
  test.onTestFinished(() => rmSync(folder, { recursive: true }))
  const run = async ({ index, folder }) => {
    const Tiercel = require(index)
    const say = (what) => require('node:fs').writeFileSync(`${folder}/${what}`, '')
    const seen = async (is) => {
      for (let n = 0; n < 300; n++) {
        const state = await Tiercel.ready({ timeoutMs: 50 })
        if (is(state)) return state
        await new Promise((wake) => setTimeout(wake, 50))
      }
    }
    const first = await seen(({ shared }) => shared === 'connected')
    say('connected')
    const away = await seen(({ reason }) => reason !== undefined)
    say('away')
    const back = await seen(({ shared, reason }) => shared === 'connected' && !reason)
    return { first, away, back, last: Tiercel.stats().shared.lastError }
  }
  const said = (what) => until(what, () => existsSync(join(folder, what)) || undefined)
  const env = { ...url(server.url), TIERCEL_NAMESPACE: 'again' }
  const running = inChild(run, { env, given: { folder } })
  await said('connected')
  await server.kill()
  await said('away')
  await server.restart()
  const { answer } = await running
  expect(answer.first).not.toHaveProperty('reason')
  expect(answer.away.reason.code).toBe(answer.last.code)
  expect(answer.back).not.toHaveProperty('reason')
})

test('an authority that Node.js trusts in addition is trusted', async () => {
  const run = async ({ index }) => {
    const Tiercel = require(index)
    let state
    for (let n = 0; n < 100 && state?.shared !== 'connected'; n++) state = await Tiercel.ready()
    return state
  }
  const env = { ...url(at(secure, 'rediss')), NODE_EXTRA_CA_CERTS: secure.tls.ca }
  expect((await inChild(run, { env })).answer).toEqual({ ready: true, shared: 'connected' })
  const missing = { ...env, NODE_EXTRA_CA_CERTS: join(temporary(), 'nowhere.pem') }
  expect((await told(missing)).code).toBe('unknown-issuer')
})

test('entries with another secret are told of', async () => {
  const run = async ({ index, key, isWriting }) => {
    const Tiercel = require(index)
    await Tiercel.ready({ timeoutMs: 5_000 })
    const one = new Tiercel()
    const data = { headers: {}, body: 'x', status: 200, url: '' }
    if (isWriting) {
      await one.set(key, { kind: 'FETCH', data, revalidate: 60 }, { fetchCache: true, tags: [] })
      await new Promise((wake) => setTimeout(wake, 500))
    } else return one.get(key, { kind: 'FETCH', tags: [], softTags: [] })
  }
  const env = (secret) => ({
    ...url(plain.url),
    TIERCEL_NAMESPACE: 'secrets',
    TIERCEL_SECRET: secret,
  })
  const [one, other] = ['a secret of sixteen', 'another of sixteen']
  const key = 'a'.repeat(64)
  await inChild(run, { env: env(one), given: { key, isWriting: true } })
  const same = await inChild(run, { env: env(one), given: { key } })
  expect(same.answer.value.data.body).toBe('x')
  expect(same.stderr).not.toContain('carry')
  const found = await inChild(run, { env: env(other), given: { key } })
  expect(found.answer).toBe(null)
  expect(found.stderr).toContain('carry the signature of another secret: they are not used')
  expect(found.stderr).not.toContain('sixteen')
})
