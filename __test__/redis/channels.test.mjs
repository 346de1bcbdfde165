import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../tools/redis/servers.mjs'
import { inChild, index } from '../unit/support.mjs'
import { newName } from './instances.mjs'

// What subscribers are told that only a process with a server decides.

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

test('a get that reads the server, and an invalidation that it acknowledges, are spans', async () => {
  const env = { TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: newName('spans') }
  const { answer } = await inChild(
    async ({ root }) => {
      const require = process.getBuiltinModule('node:module').createRequire(`${root}/x.js`)
      const sdk = require('@opentelemetry/sdk-trace-base')
      const exporter = new sdk.InMemorySpanExporter()
      const spanProcessors = [new sdk.SimpleSpanProcessor(exporter)]
      const provider = new sdk.BasicTracerProvider({ spanProcessors })
      require('@opentelemetry/api').trace.setGlobalTracerProvider(provider)
      const Tiercel = require('./index.js')
      new Tiercel()
      while ((await Tiercel.ready({ timeoutMs: 100 })).shared !== 'connected');
      await new Tiercel().get('key', { kind: 'FETCH', tags: [] })
      await Tiercel.updateTags(['posts'])
      return exporter.getFinishedSpans().map(({ name, attributes }) => [name, attributes])
    },
    { env, given: { root: dirname(index) } },
  )
  const [[got, ofGet], [invalidated, ofInvalidate]] = answer
  expect([got, invalidated]).toEqual(['cache get', 'cache invalidate'])
  expect(ofGet).toMatchObject({
    'cache.hit': false,
    'db.system.name': 'redis',
    'tiercel.lease': 'leader',
    'tiercel.waited_for': ['redis'],
  })
  expect(ofInvalidate).toMatchObject({ 'tiercel.everywhere': true, 'tiercel.outcome': 'hard' })
})

test('a connection that comes and goes, a lease, and what another process invalidates', async () => {
  const env = { TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: newName('channels') }
  const { answer: child } = await inChild(
    async ({ index, url }) => {
      const { execFileSync } = require('node:child_process')
      const { subscribe } = require('node:diagnostics_channel')
      const { onConnection, onDecision } = require(index.replace('index.js', 'app.js'))
      const told = []
      const hooks = { states: [], from: [] }
      onConnection(({ state }) => hooks.states.push(state))
      onDecision((all) => hooks.from.push(...all.filter(({ call }) => call === 'invalidate')))
      const names = ['connection', 'lease', 'invalidate']
      const tell = (event, name) => told.push([String(name).replace('tiercel:', ''), event])
      for (const name of names) subscribe(`tiercel:${name}`, tell)
      const came = async (is) => {
        while (!told.some(([name, event]) => is(name, event))) {
          await new Promise((wake) => setTimeout(wake, 50))
        }
      }
      const Tiercel = require(index)
      new Tiercel()
      await came((name, { state }) => name === 'connection' && state === 'connected')
      await new Tiercel().get('key', { kind: 'FETCH', tags: [] })
      await came((name) => name === 'lease')
      const other = `
        const Tiercel = require(${JSON.stringify(index)})
        new Tiercel()
        const act = async () => {
          while ((await Tiercel.ready({ timeoutMs: 100 })).shared !== 'connected');
          await Tiercel.updateTags(['posts'])
          process.exit()
        }
        act()`
      execFileSync(process.execPath, ['-e', other], { stdio: 'ignore' })
      await came((name) => name === 'invalidate')
      const { hostname, port } = new URL(url)
      require('node:net')
        .connect(Number(port), hostname)
        .on('error', () => {})
        .end('SHUTDOWN NOSAVE\r\n')
      await came((name, { state }) => name === 'connection' && state === 'away')
      while (hooks.states.at(-1) !== 'away') await new Promise((wake) => setTimeout(wake, 10))
      return { told, hooks }
    },
    { env, given: { url: server.url } },
  )
  const { told, hooks } = child
  // On a busy machine the connection may come and go once more.
  const first = (name, of = () => true) => told.find((one) => one[0] === name && of(one[1]))
  const inOrder = [
    first('connection', ({ state }) => state === 'connected'),
    first('lease'),
    first('invalidate'),
    told.findLast(([name]) => name === 'connection'),
  ]
  expect(told.filter((one) => inOrder.includes(one))).toEqual(inOrder)
  const [[, connected], [, lease], [, heard], [, away]] = inOrder
  expect(connected.previous).toBe('connecting')
  expect(lease).toMatchObject({ call: 'get', kind: 'FETCH', key: 'key', lease: 'leader' })
  expect(heard).toMatchObject({
    key: 'posts',
    outcome: 'hard',
    reason: expect.stringMatching(/^from /),
  })
  expect(away).toMatchObject({ state: 'away', reason: { code: expect.any(String) } })
  const states = told.filter(([name]) => name === 'connection').map(([, { state }]) => state)
  expect(hooks.states).toEqual(states)
  expect(hooks.from).toMatchObject([{ key: 'posts', reason: heard.reason }])
})
