import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { AggregatorRegistry, Counter, Registry } from 'prom-client'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { findPromtool } from '../../tools/prometheus.mjs'
import { entryOf, index, load } from './support.mjs'

process.env.TIERCEL_MEMORY_MB = '8'
const Tiercel = load()
const root = dirname(index)
const require = createRequire(index)
const { GET, collect, metrics, route } = require('./metrics.js')
const { definitions } = require('./js/metrics/definitions.js')
const { nameOf } = require('./js/metrics/names.js')
const exemplars = require('./js/exemplars.js')
const { float, textOf } = require('./js/metrics/text.js')

beforeAll(async () => {
  await Tiercel.set('page', Promise.resolve(entryOf('x')))
  for (let n = 0; n < 200; n++) await Tiercel.get('page', [])
})

/** Statistics of a process with Redis, in which every number is another one. */
function distinct() {
  let next = 1
  const renumbered = (one) => {
    if (typeof one === 'number') return next++
    if (Array.isArray(one)) return one.map(renumbered)
    if (one === null || typeof one !== 'object') return one
    return Object.fromEntries(Object.entries(one).map(([name, of]) => [name, renumbered(of)]))
  }
  const { histogramBounds, ...counted } = Tiercel.stats()
  const { latency } = counted.fetch
  const numbers = [
    'connections, leaseMs, position, lagMs, appRefusals, breaks, replacedConnections, timeouts',
    'queuedWrites, queuedBytes, droppedWrites, brokenEntries, unrecorded, entriesRead, bytesRead',
    'entriesWritten, bytesWritten, compressionRatio',
  ]
  const shared = {
    ...Object.fromEntries(numbers.flatMap((line) => line.split(', ')).map((name) => [name, 0])),
    invalidation: counted.get,
    roundTrip: latency.memory,
  }
  const given = renumbered({ ...counted, shared })
  return {
    histogramBounds,
    ...given,
    shared: { ...given.shared, state: 'away', refuses: 'GET', isBroken: true },
  }
}

/** The values of a text, and of each histogram what was added by each bucket. */
function valuesOf(text) {
  const rows = text.split('\n').filter((line) => line && !line.startsWith('#'))
  const values = new Set()
  let last = 0
  for (const row of rows) {
    const value = Number(row.slice(row.lastIndexOf(' ')))
    const isBucket = row.includes('_bucket{')
    values.add(isBucket ? value - last : value)
    last = isBucket && !row.includes('+Inf') ? value : 0
  }
  return [...values]
}

test('what is not known yet is no sample', () => {
  const stats = distinct()
  const { lagMs: _, ...shared } = stats.shared
  expect(textOf(stats, false)).toContain('tiercel_redis_lag_seconds')
  expect(textOf({ ...stats, shared }, false)).not.toMatch(/redis_lag_seconds \d|NaN|undefined/)
})

test('every number that is counted is a metric', () => {
  const stats = distinct()
  const shown = valuesOf(textOf(stats, false))
  const missing = []
  const look = (one, path) => {
    if (typeof one !== 'number') {
      for (const [name, inner] of Object.entries(one ?? {})) {
        if (typeof one === 'object') look(inner, `${path}.${name}`)
      }
      return
    }
    const isShown = [1, 1e-6, 1e-3].some((scale) =>
      shown.some((value) => Math.abs(value - one * scale) < 1e-9),
    )
    if (!isShown) missing.push(path)
  }
  const { histogramBounds: _, ...counted } = stats
  look(counted, '')
  // A rate is what Prometheus makes of two counters.
  expect(missing.filter((path) => !path.endsWith('.hitRate'))).toEqual([])
})

test('the documentation has all of them', () => {
  const page = readFileSync(join(root, 'docs/observability.md'), 'utf8')
  const labelsOf = (labels) => labels.map((label) => `\`${label}\``).join(', ')
  const rows = definitions.map(
    (one) => `| \`${nameOf(one)}\` | ${one.type} | ${labelsOf(one.labels)} | ${one.help} |`,
  )
  expect(page.split('\n').filter((line) => line.startsWith('| `tiercel_'))).toEqual(rows)
})

test('labels are those that are defined', () => {
  for (const { name, labels, read } of definitions) {
    const samples = read(distinct())
    expect(samples.length, name).toBeGreaterThan(0)
    for (const sample of samples) expect(Object.keys(sample.labels), name).toEqual(labels)
  }
})

test('promtool has nothing to say against them', async ({ skip }) => {
  const promtool = await findPromtool(skip)
  for (const text of [metrics().text, textOf(distinct(), false)]) {
    expect(await promtool(['check', 'metrics'], text)).toEqual({ code: 0, said: '' })
  }
  const { code } = await promtool(['check', 'metrics'], 'wrong{ 1\n')
  expect(code).not.toBe(0)
}, 120_000)

test('gets are counted by kind, tier and verdict', () => {
  const { text } = metrics()
  const row = 'tiercel_gets_total{kind="use_cache",tier="memory",verdict="fresh"}'
  expect(text).toContain(`\n${row} ${Tiercel.stats().useCache.fresh}\n`)
  expect(Tiercel.stats().useCache.fresh).toBeGreaterThanOrEqual(200)
  expect(text).not.toContain('tiercel_redis_')
})

test('OpenMetrics has units, floats as bounds, and an end', () => {
  const { text, contentType } = metrics({ openMetrics: true })
  expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
  expect(text.endsWith('\n# EOF\n')).toBe(true)
  expect(text).toContain('\n# TYPE tiercel_gets counter\n')
  expect(text).toContain('\n# UNIT tiercel_get_duration_seconds seconds\n')
  const bounds = [...text.matchAll(/_age_seconds_bucket\{le="([^"]+)"\}/g)].map(([, le]) => le)
  expect(bounds).toEqual([
    ...['1.0', '2.0', '4.0', '8.0', '16.0', '32.0', '64.0', '128.0', '256.0', '512.0', '1024.0'],
    ...['2048.0', '4096.0', '8192.0', '16384.0', '32768.0', '65536.0', '131072.0', '262144.0'],
    ...['524288.0', '1.048576e+06', '2.097152e+06', '4.194304e+06', '+Inf'],
  ])
  expect([1e-6, 0.000128, 0.002048, 8e-6].map(float)).toEqual([
    '1e-06',
    '0.000128',
    '0.002048',
    '8e-06',
  ])
})

test('a trace stands at the bucket that its time falls into', () => {
  const stats = distinct()
  const { histogramBounds } = stats
  // In ms, and the bounds are in microseconds.
  const traces = [
    [0.001, '1e-06'],
    [2.048, '0.002048'],
    [2.049, '0.004096'],
    [4_194.304, '4.194304'],
    [4_194.305, '+Inf'],
  ]
  for (const [ms, le] of traces) exemplars.note('FETCH', 'memory', ms, `of ${le}`, histogramBounds)
  const rows = textOf(stats, true).split('\n')
  const shown = rows.flatMap((row) => {
    const found = /le="([^"]+)"\} \d+ # \{trace_id="([^"]+)"\}/.exec(row)
    return found ? [found.slice(1)] : []
  })
  expect(shown).toEqual(traces.map(([, le]) => [le, `of ${le}`]))
})

test('in the edge runtime every call says that there is nothing counted', () => {
  const edge = require('./js/metrics/edge.js')
  expect(Object.keys(edge).sort()).toEqual(['GET', 'collect', 'metrics', 'route'])
  for (const call of Object.values(edge)) {
    expect(call).toThrow(
      expect.objectContaining({
        code: 'TIERCEL_EDGE_RUNTIME',
        message: expect.stringMatching(/^tiercel\/metrics needs/),
      }),
    )
  }
})

describe('the route handler', () => {
  const ask = (handler, headers = {}, method = 'GET') =>
    handler(new Request('http://localhost/metrics', { headers, method }))
  const OPEN = 'application/openmetrics-text'

  test.for([
    ['', 'text/plain'],
    ['text/plain', 'text/plain'],
    ['*/*', 'text/plain'],
    [`${OPEN}; version=1.0.0; q=0.7, text/plain; version=0.0.4; q=0.3, */*; q=0.1`, OPEN],
    [`${OPEN};version=1.0.0;q=0.2,text/plain;q=0.3`, 'text/plain'],
    [`${OPEN};version=0.0.1,text/plain;q=0.3`, 'text/plain'],
    [`${OPEN};version=1.0.0;q=0`, 'text/plain'],
    [OPEN, OPEN],
  ])('asked for %j it answers with %s', async ([accept, type]) => {
    const response = await ask(GET, { accept })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain(`${type}; version=`)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.text()).toMatch(/^# TYPE tiercel_build_info gauge\n/)
  })

  test('HEAD has no body', async () => {
    const response = await ask(GET, {}, 'HEAD')
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  test('with a token it answers who has it', async () => {
    const handler = route({ token: 'secret' })
    const codes = []
    for (const authorization of ['', 'Bearer wrong', 'secret', 'Bearer secret2', 'Bearer secret']) {
      codes.push((await ask(handler, { authorization })).status)
    }
    expect(codes).toEqual([401, 401, 401, 401, 200])
    expect((await ask(handler)).headers.get('www-authenticate')).toBe('Bearer')
    expect(await (await ask(handler)).text()).not.toContain('tiercel_')
  })

  test('the environment may name the token', async () => {
    process.env.TIERCEL_METRICS_TOKEN = 'of the environment'
    const authorization = 'Bearer of the environment'
    expect((await ask(GET)).status).toBe(401)
    expect((await ask(GET, { authorization })).status).toBe(200)
    delete process.env.TIERCEL_METRICS_TOKEN
    expect((await ask(GET)).status).toBe(200)
  })

  test('or the app decides', async () => {
    const handler = route({ authorize: async (request) => request.headers.has('x-let-in') })
    expect((await ask(handler, { 'x-let-in': '1' })).status).toBe(200)
    expect((await ask(handler)).status).toBe(401)
  })

  test.each([{ tokens: 'x' }, { token: 1 }, { token: '' }, { authorize: true }])(
    'refuses %j',
    (options) => {
      expect(() => route(options)).toThrow(
        expect.objectContaining({ code: 'TIERCEL_INVALID_ARGUMENT' }),
      )
    },
  )
})

describe('a registry of prom-client', () => {
  test('has them beside its own, in both formats', async () => {
    const register = new Registry()
    new Counter({ name: 'own_total', help: 'Own', registers: [register] }).inc(3)
    expect(collect(collect(register))).toBe(register)
    const rowsOf = (text) =>
      text.split('\n').filter((line) => /^tiercel_(gets|get_dur|mem|sets)/.test(line))
    const of = await register.metrics()
    expect(of).toContain('own_total 3\n')
    expect(rowsOf(of)).toEqual(rowsOf(metrics().text))
    register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
    expect(rowsOf(await register.metrics())).toEqual(rowsOf(metrics({ openMetrics: true }).text))
  })

  test('which promtool takes', async ({ skip }) => {
    const promtool = await findPromtool(skip)
    const text = await collect(new Registry()).metrics()
    expect(await promtool(['check', 'metrics'], text)).toEqual({ code: 0, said: '' })
  })

  test('has what the processes of a cluster have together', async () => {
    const stats = distinct()
    const { stats: own } = Tiercel
    onTestFinished(() => {
      Tiercel.stats = own
    })
    const of = async (shared) => {
      Tiercel.stats = () => ({ ...stats, shared: { ...stats.shared, ...shared } })
      const counted = await collect(new Registry()).getMetricsAsJSON()
      // A registry asks for the statistics once in a turn.
      await new Promise(setImmediate)
      return counted
    }
    const both = [
      await of({ state: 'away', lagMs: 9_000, position: 7, connections: 2 }),
      await of({ state: 'away', lagMs: 1_000, position: 9, connections: 3 }),
      await of({ state: 'connected', lagMs: 1_000, position: 9, connections: 3 }),
    ]
    const rows = (await AggregatorRegistry.aggregate(both).metrics()).split('\n')
    const expected = [
      'tiercel_redis_state{state="away"} 1',
      'tiercel_redis_state{state="connected"} 1',
      'tiercel_redis_state{state="denied"} 0',
      'tiercel_redis_broken 1',
      'tiercel_redis_lag_seconds 9',
      'tiercel_redis_applied_position 7',
      'tiercel_redis_connections 8',
      `tiercel_sets_total ${stats.sets * 3}`,
    ]
    expect(expected.filter((row) => !rows.includes(row))).toEqual([])
    const shown = (name) =>
      Number(
        rows
          .find((row) => row.startsWith(name))
          ?.split(' ')
          .at(-1),
      )
    expect(shown('tiercel_build_info{')).toBe(1)
    const row = 'tiercel_call_duration_seconds{call="get",quantile="0.99"}'
    expect(shown(row)).toBeCloseTo(stats.get.p99Micros / 1e6, 9)
  })
})
