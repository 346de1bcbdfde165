import net from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startProxy } from '../../tools/redis/proxy.mjs'
import { connect, start } from '../../tools/redis/servers.mjs'
import { pause, timed, until } from '../unit/support.mjs'

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server.stop())

/** A proxy before the server, and a client of it; both end with the test. */
async function linked({ onTestFinished }, options, manner) {
  const proxy = await startProxy(server, options)
  const client = await connect(proxy.url, manner)
  onTestFinished(async () => {
    client.close()
    await proxy.stop()
  })
  return { proxy, client }
}

const served = async () => Number((await server.info('stats')).total_commands_processed)

test('without a fault everything passes, and is counted', async (test) => {
  const { proxy, client } = await linked(test)
  const body = Buffer.alloc(3 << 20, 'x')
  expect(await client.command('SET', 'large', body)).toBe('OK')
  expect((await client.command('GET', 'large')).length).toBe(body.length)
  expect(proxy.bytes.up).toBeGreaterThan(body.length)
  expect(proxy.bytes.down).toBeGreaterThan(body.length)
  const other = await connect(proxy.url)
  expect([proxy.connections, proxy.open]).toEqual([2, 2])
  other.close()
  await until('a close is handed on', () => (proxy.open === 1 ? true : undefined))
})

test('a delay holds each direction that long, and keeps the order', async (test) => {
  const { proxy, client } = await linked(test)
  proxy.delay(60)
  const { ms } = await timed(client.command('PING'))
  expect(ms).toBeGreaterThanOrEqual(115)
  proxy.delay(0, 'up')
  await until('one delay is enough for both', async () => {
    const both = await timed(Promise.all([client.command('ECHO', 1), client.command('ECHO', 2)]))
    expect(both.value).toEqual(['1', '2'])
    expect(both.ms).toBeGreaterThanOrEqual(55)
    return both.ms < 115 || undefined
  })
})

test('a throttle bounds bytes per second', async (test) => {
  const { proxy, client } = await linked(test)
  await server.command('SET', 'body', Buffer.alloc(40_000))
  proxy.throttle(200_000, 'down')
  const { value, ms } = await timed(client.command('GET', 'body'))
  expect(value.length).toBe(40_000)
  expect(ms).toBeGreaterThanOrEqual(150)
  await proxy.pass()
  await until('it is quick', async () => {
    const { ms } = await timed(client.command('GET', 'body'))
    return ms < 150 || undefined
  })
})

test('a black hole takes bytes and gives none, in the direction that it has', async (test) => {
  const { proxy, client } = await linked(test)
  for (const direction of ['up', 'down']) {
    proxy.blackHole(direction)
    const before = await served()
    let isAnswered = false
    const answer = client.command('INCR', direction)
    answer.then(() => {
      isAnswered = true
    })
    const sent = proxy.bytes.up
    await until('it was taken', () => (proxy.bytes.up > sent ? true : undefined))
    if (direction === 'down') {
      await until('it arrived', async () =>
        (await server.command('GET', 'down')) ? true : undefined,
      )
    } else {
      await pause(50)
      // Only our own INFO.
      expect(await served()).toBe(before + 1)
    }
    expect([isAnswered, client.isOpen]).toEqual([false, true])
    // What a healed network would send again.
    await proxy.pass()
    expect(await answer).toBe(1)
  }
})

test('in a black hole new connections open, and no side learns that the other closed', async (test) => {
  const { proxy } = await linked(test)
  proxy.blackHole()
  const client = await connect(proxy.url, { patience: 50 })
  await expect(client.command('PING')).rejects.toThrow('no reply')
  await client.closed
  await pause(20)
  expect(proxy.open).toBe(2)
  await proxy.pass()
  await until('now the server knows', () => (proxy.open === 1 ? true : undefined))
})

test('refused connections are refused, open ones go on', async (test) => {
  const { proxy, client } = await linked(test)
  await proxy.refuse()
  await expect(connect(proxy.url)).rejects.toThrow('ECONNREFUSED')
  expect(await client.command('PING')).toBe('PONG')
  const { port } = proxy
  await proxy.pass()
  expect(proxy.port).toBe(port)
  expect(await (await connect(proxy.url)).command('PING')).toBe('PONG')
})

test('a reset ends all connections with an error on both sides', async (test) => {
  const { proxy, client } = await linked(test)
  const raw = net.connect(proxy.port, proxy.host)
  const error = new Promise((resolve) => raw.once('error', resolve))
  await until('the proxy has both', () => (proxy.open === 2 ? true : undefined))
  proxy.reset()
  expect((await error).code).toBe('ECONNRESET')
  await client.closed
  await until('none is open', () => (proxy.open === 0 ? true : undefined))
  expect(await (await connect(proxy.url)).command('PING')).toBe('PONG')
})

test('a server that is gone is a reset for the client', async (test) => {
  const gone = await startProxy({ port: 1 })
  test.onTestFinished(() => gone.stop())
  await expect(connect(gone.url).then((client) => client.command('PING'))).rejects.toThrow()
})

test('messages are dropped as often as asked, and nothing else is', async (test) => {
  for (const protocol of [2, 3]) {
    let n = 0
    // Every second one.
    const { proxy, client } = await linked(test, { random: () => (n++ % 2) / 2 }, { protocol })
    const heard = []
    const channels = ['news', 'pattern:*']
    await client.subscribe(channels, (_, message) => heard.push(message))
    const publish = async (count, channel) => {
      for (let sent = 0; sent < count; sent++) await server.command('PUBLISH', channel, sent)
    }
    proxy.dropMessages(0.5)
    await publish(10, 'news')
    await until('half of them', () => (heard.length === 5 ? true : undefined))
    proxy.dropMessages(1)
    await publish(10, 'pattern:x')
    // A reply on the same connection comes after whatever was dropped.
    const reply = protocol === 3 ? client.command('LRANGE', 'none', 0, -1) : client.command('PING')
    expect(await reply).toEqual(protocol === 3 ? [] : ['pong', ''])
    expect([heard.length, proxy.dropped]).toEqual([5, 15])
    await proxy.pass()
    await publish(3, 'news')
    await until('all of them', () => (heard.length === 8 ? true : undefined))
  }
})

test('TLS passes, whatever is to be dropped', async (test) => {
  const secure = await start('tls')
  test.onTestFinished(() => secure.stop())
  const proxy = await startProxy(secure)
  test.onTestFinished(() => proxy.stop())
  proxy.dropMessages(1)
  const client = await connect({ port: proxy.port, tls: secure.tls.texts })
  test.onTestFinished(() => client.close())
  expect(await client.command('ECHO', 'x'.repeat(100_000))).toHaveLength(100_000)
})
