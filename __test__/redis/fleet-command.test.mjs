import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { start } from '../../tools/redis/servers.mjs'
import { fetched, ofFetch, pause, setFetch, until } from '../unit/support.mjs'
import { appOf, begun, instancesOf, json, run, session, terminal, visible } from './command.mjs'

// `tiercel instances` and `tiercel top`. Each command is a process.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const isTerminal = existsSync('/usr/bin/script')
const often = { TIERCEL_SNAPSHOT_SECONDS: '1' }

let server
beforeAll(async () => {
  server = await start('single', { maxmemory: '64mb' })
})
afterAll(() => server?.stop())

/** An app with so many instances, all of which have told of themselves. */
async function started(test, count) {
  const app = appOf(test, server.url)
  const instances = await instancesOf(test, app, count, often)
  const [one] = instances
  await one.get('FETCH', 'post-1', ofFetch(['posts']))
  await one.set('post-1', fetched('x'), setFetch(['posts']))
  for (let n = 0; n < 30; n++) await one.get('FETCH', 'post-1', ofFetch(['posts']))
  await one.run(({ Tiercel }) => Tiercel.updateTags(['authors'], { expire: 60 }))
  await until('all tell', async () => {
    const told = await one.run(({ Tiercel }) => Tiercel.instances())
    const is = told.length === count && told.some(({ invalidated }) => invalidated.length > 0)
    return is || undefined
  })
  return { app, instances }
}

describe('instances', () => {
  test('each with its versions, state and figures, for programs and readers', async (test) => {
    const { app, instances } = await started(test, 2)
    const told = await json(['instances'], app)
    expect(told).toMatchObject({ code: 0, namespace: app.namespace, silent: [] })
    expect(told.instances.map(({ pid }) => pid).sort()).toEqual(
      instances.map(({ pid }) => pid).sort(),
    )
    const { code, stdout } = await run(['instances'], app)
    const lines = stdout.trimEnd().split('\n')
    expect({ code, count: lines.length }).toEqual({ code: 0, count: 4 })
    expect(lines[0]).toMatch(/^instance +version +state +up +hit +memory +lag +build$/)
    const own = lines.find((line) => line.includes(`:${instances[0].pid} `))
    expect(own).toMatch(/ connected +[\d.]+ s +96\.8 % +[\d.]+ k?B 0 % +[\d.]+ m?s/)
    expect(lines[3]).toMatch(/^2 instances of shop:\S+ on redis 127\.0\.0\.1:\d+\/0$/)
  })

  test('one that stands still or died is missed', async (test) => {
    const { app, instances } = await started(test, 2)
    instances[1].pause()
    const told = await until('it is silent', async () => {
      const told = await json(['instances'], app)
      return told.silent.length === 1 ? told : undefined
    })
    instances[1].resume()
    expect(told.instances.map(({ pid }) => pid)).toEqual([instances[0].pid])
    expect((await run(['instances'], app)).code).toBe(0)
  })

  test('without Redis, and without anybody, it says so', async (test) => {
    const app = appOf(test, server.url)
    const { code, stdout } = await run(['instances'], app)
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^no instances of shop:\S+ on redis \S+\n$/),
    })
    const away = { ...app, env: { ...app.env, TIERCEL_REDIS_URL: 'redis://127.0.0.1:1' } }
    for (const name of ['instances', 'top']) {
      const { code, stderr } = await run([name], away)
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          /^tiercel: Redis cannot be used: .*; tiercel doctor says more/,
        ),
      })
    }
  })
})

describe('top', () => {
  test('prints once where there is no terminal, without colours', async (test) => {
    const { app, instances } = await started(test, 2)
    const { code, stdout } = await run(['top'], app)
    expect(code).toBe(0)
    for (const { pid } of instances) expect(stdout).toContain(`:${pid} `)
    expect(stdout).toMatch(/\/s {2}FETCH {6}post-1/)
    expect(stdout).toMatch(/\/s {2}posts/)
    expect(stdout).toMatch(/soft {2}everywhere after [\d.]+ m?s {2}by \S+ {2}authors/)
    expect(stdout).toMatch(/redis [\d.]+ commands\/s {2}cpu - {2}memory .* of 67\.1 MB/)
    expect(visible(stdout)).toBe(stdout)
  })

  test('--json is a line for each interval', async (test) => {
    const { app } = await started(test, 1)
    const { stdout } = await run(['top', '--json', '--interval', '1.5', '--count', '2'], app)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toHaveLength(2)
    expect(lines[0].redis.cpuPercent).toBe(null)
    expect(lines[1].redis.cpuPercent).toEqual(expect.any(Number))
    expect(lines[1].instances[0]).toMatchObject({ getsPerSec: 0, leases: { held: 0 } })
    const refused = await run(['top', '--sort', 'shoe size'], app)
    expect({ code: refused.code, stderr: refused.stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^tiercel: --sort takes one of name, hit, gets, /),
    })
  })

  test.runIf(isTerminal)('lives, obeys keys, and gives the terminal back', async (test) => {
    const { app, instances } = await started(test, 2)
    const [one, two] = instances.map(({ pid }) => `:${pid} `)
    const has = (text) => (lines) => lines.some((line) => line.includes(text))
    const top = session(test, ['top', '--interval', '0.5'], app)
    const lines = await top.shows('both', (lines) => has(one)(lines) && has(two)(lines))
    expect(lines).toHaveLength(40)
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    await top.shows('news', (lines) => lines.some((line) => /cpu [\d.]+ %/.test(line)))
    top.type('s')
    await top.shows('the sort', has('[sort: hit]'))
    top.type(`/${one.trim()}\r`)
    const filtered = await top.shows('the filter', has(`[filter: ${one.trim()}]`))
    expect(filtered.some((line) => line.includes(two))).toBe(false)
    top.type('\x1b')
    await top.shows('both again', has(two))
    top.type('\x1b[B')
    await top.shows('the choice', (lines) => lines.some((line) => line.startsWith('> ')))
    top.type('\r')
    await top.shows('one alone', has('node 2'))
    top.type('p')
    const paused = await top.shows('the pause', has('paused'))
    expect(paused.some((line) => line.includes('30 fresh'))).toBe(true)
    await instances[0].get('FETCH', 'post-1', ofFetch(['posts']))
    await until('it tells of one more', async () => {
      const told = await instances[0].run(({ Tiercel }) => Tiercel.instances())
      return told.some(({ kinds }) => kinds.fetch?.fresh === 31) || undefined
    })
    // Two intervals; a key without a meaning draws what it has.
    await pause(1_000)
    const next = top.redrawn()
    top.type('x')
    expect(await next).toEqual(paused)
    top.type('p')
    await top.shows('one more', has('31 fresh'))
    top.type('\x1b')
    await top.shows('all', has('busiest keys'))
    top.type('q')
    const { code, all } = await top.ended
    expect(code).toBe(0)
    expect(all.trimEnd().endsWith('\x1b[?7h\x1b[?25h\x1b[?1049l')).toBe(true)
  })

  test.runIf(isTerminal)('a server that goes and comes back ends nothing', async (test) => {
    const own = await start('single')
    test.onTestFinished(() => own.stop())
    const app = appOf(test, own.url)
    await instancesOf(test, app, 1, often)
    const has = (text) => (lines) => lines.some((line) => line.includes(text))
    const top = session(test, ['top', '--interval', '0.5'], { ...app, columns: 200 })
    await top.shows('the instance', has('connected'))
    await own.kill()
    await top.shows('the trouble', has('what is shown is from before'))
    await own.restart()
    await top.shows('it again', (lines) => has('connected')(lines) && !has('from before')(lines))
    top.type('\x03')
    expect((await top.ended).code).toBe(0)
  })

  test('its lines, and those of stats, end quietly when nobody reads them any more', async (test) => {
    const { app } = await started(test, 1)
    for (const args of [
      ['top', '--json', '--interval', '0.5'],
      ['stats', '--watch', '--interval', '0.5'],
      ['stats', '--watch', '--interval', '0.5', '--json'],
    ]) {
      const { says, leave, ended } = begun(test, args, app)
      await says
      leave()
      expect(await ended, args.join(' ')).toMatchObject({ code: 0, stderr: '' })
    }
  })

  test('what is printed once, and help, end with their codes when nobody reads them', async (test) => {
    const { app } = await started(test, 1)
    const all = [['instances'], ['instances', '--json'], ['why', 'a', '--json'], ['why', '--help']]
    for (const args of [...all, ['--help'], ['--version']]) {
      const { leave, ended } = begun(test, args, app)
      leave()
      const code = args.includes('a') ? 1 : 0
      expect(await ended, args.join(' ')).toMatchObject({ code, stderr: '' })
    }
  })

  test('Ctrl-C ends it at once, also while the server says nothing', async (test) => {
    const own = await start('single')
    test.onTestFinished(() => own.stop())
    const app = appOf(test, own.url)
    const slow = { ...app, env: { ...app.env, TIERCEL_CONNECT_TIMEOUT_MS: '30000' } }
    const top = begun(test, ['top', '--json', '--interval', '0.5'], slow)
    await top.says
    own.pause()
    // It has asked, or will in a moment.
    await pause(1_000)
    const since = performance.now()
    top.child.kill('SIGINT')
    expect(await top.ended).toMatchObject({ code: 0, stderr: '' })
    // Not once the server has had its time.
    expect(performance.now() - since).toBeLessThan(20_000)
    own.resume()
  })

  test.for([['top', '--once'], ['top', '--once', '--json'], ['stats']])(
    'what is printed once ends with the first Ctrl-C: %j',
    async (args, test) => {
      const silent = createServer()
      await new Promise((listens) => silent.listen(0, '127.0.0.1', listens))
      test.onTestFinished(() => silent.close())
      const app = appOf(test, `redis://127.0.0.1:${silent.address().port}`)
      const connects = once(silent, 'connection')
      const { child, ended } = begun(test, args, app)
      await connects
      child.kill('SIGINT')
      expect(await ended).toEqual({ code: 130, stdout: '', stderr: '' })
    },
  )

  test('a shard that is away is marked, and the rest is shown', async (test) => {
    const cluster = await start('cluster', { settings: { 'cluster-require-full-coverage': 'no' } })
    test.onTestFinished(() => cluster.stop())
    const app = appOf(test, cluster.url)
    const [one] = await instancesOf(test, app, 1, often)
    await until('it tells', async () => {
      const told = await one.run(({ Tiercel }) => Tiercel.instances())
      return told.length === 1 || undefined
    })
    const owner = await cluster.nodeOf(`{${app.namespace}}:t`)
    const lost = cluster.nodes.slice(0, 3).find((node) => node !== owner)
    const nodes = await Promise.all(
      cluster.nodes.map(async (node) => ({ node, info: await node.info('replication') })),
    )
    const replica = nodes.find(({ info }) => info.master_port === String(lost.port))
    await replica.node.kill()
    await lost.kill()
    const { code, stdout } = await run(['top', '--once'], app)
    expect(code).toBe(0)
    expect(stdout).toContain(`:${one.pid} `)
    expect(stdout).toMatch(new RegExp(`^away: 127\\.0\\.0\\.1:${lost.port} \\(.+\\)$`, 'm'))
    const stats = await json(['stats'], app)
    expect(stats).toMatchObject({ code: 0, instances: 1 })
    expect(stats.away.map(({ server }) => server)).toEqual([`127.0.0.1:${lost.port}`])
    const { findings } = await json(['doctor', '--no-scan'], app)
    const said = `127.0.0.1:${lost.port} says nothing: `
    expect(findings.filter(({ text }) => text.startsWith(said))).toHaveLength(1)
  })

  test.runIf(isTerminal)('no colours where nobody wants them', async (test) => {
    const { app } = await started(test, 1)
    const frame = async (env) => {
      const top = session(test, ['top'], { ...app, env: { ...app.env, ...env } })
      await top.shows('it', (lines) => lines.some((line) => line.includes('connected')))
      const drawn = top.frame()
      top.type('q')
      await top.ended
      return drawn
    }
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are
    const colour = /\x1b\[\d+m/
    expect(await frame({})).toMatch(colour)
    expect(await frame({ NO_COLOR: '1' })).not.toMatch(colour)
    const { stdout } = await terminal(['top', '--once'], { ...app, columns: 200 })
    expect(visible(stdout)).toContain('version')
  })
})
