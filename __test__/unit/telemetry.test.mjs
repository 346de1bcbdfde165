import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { hour, inChild, index, page } from './support.mjs'

// Spans and metrics of OpenTelemetry, in a process each.

const given = { root: dirname(index), page: page({ rscData: undefined }), hour }

test.concurrent('what takes time makes spans in the trace of its request, and a hit makes none', async () => {
  const { answer, stderr } = await inChild(
    async ({ root, page, hour }) => {
      const require = process.getBuiltinModule('node:module').createRequire(`${root}/x.js`)
      const { context, trace } = require('@opentelemetry/api')
      const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks')
      const sdk = require('@opentelemetry/sdk-trace-base')
      const exporter = new sdk.InMemorySpanExporter()
      context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
      const spanProcessors = [new sdk.SimpleSpanProcessor(exporter)]
      trace.setGlobalTracerProvider(new sdk.BasicTracerProvider({ spanProcessors }))
      const Tiercel = require('./index.js')
      const { metrics } = require('./metrics.js')

      const tracer = trace.getTracer('app')
      const within = (name, act) =>
        tracer.startActiveSpan(name, async (span) => {
          await act()
          span.end()
        })
      const ofPage = { kind: 'APP_PAGE' }
      await within('generates', async () => {
        const handler = new Tiercel()
        await handler.get('/first', ofPage)
        await handler.set('/first', page, hour)
      })
      await within('hits', () => new Tiercel().get('/first', ofPage))
      const fetched = { kind: 'FETCH', data: { body: 'x', headers: {} }, revalidate: 60 }
      await within('waits', async () => {
        const handler = new Tiercel()
        await handler.get('fetched', { kind: 'FETCH', tags: [] })
        const waiting = new Tiercel().get('fetched', { kind: 'FETCH', tags: [] })
        setTimeout(() => handler.set('fetched', fetched, { fetchCache: true, tags: ['data'] }), 20)
        await waiting
      })
      await within('invalidates', () => Tiercel.updateTags(['data'], { expire: 60 }))

      const finished = exporter.getFinishedSpans()
      const named = new Map(finished.map((span) => [span.spanContext().spanId, span.name]))
      return {
        spans: finished
          .filter(({ instrumentationScope }) => instrumentationScope.name === 'tiercel')
          .map(({ name, attributes, parentSpanContext, startTime, endTime }) => ({
            name,
            attributes,
            parent: named.get(parentSpanContext?.spanId),
            ms: (endTime[0] - startTime[0]) * 1e3 + (endTime[1] - startTime[1]) / 1e6,
          })),
        traces: finished.map((span) => span.spanContext().traceId),
        open: metrics({ openMetrics: true }).text,
      }
    },
    { given },
  )
  expect(stderr).toBe('')
  const { spans, traces, open } = answer
  const shown = spans.map(({ name, parent }) => `${parent}: ${name}`)
  expect(shown.toSorted()).toEqual([
    'generates: cache generate',
    'invalidates: cache invalidate',
    'waits: cache generate',
    'waits: cache get',
  ])
  for (const { ms } of spans) expect(ms).toBeGreaterThanOrEqual(0)
  const of = (parent, name) =>
    spans.find((span) => span.parent === parent && span.name === `cache ${name}`)
  expect(of('generates', 'generate').attributes).toMatchObject({
    'cache.key': ['/first'],
    'tiercel.kind': 'app_page',
    'tiercel.tier': 'memory',
    'tiercel.outcome': 'stored',
  })
  expect(of('generates', 'generate').attributes).not.toHaveProperty('cache.hit')
  const waited = of('waits', 'get')
  expect(waited.ms).toBeGreaterThan(10)
  expect(waited.attributes).toMatchObject({
    'cache.hit': true,
    'cache.item_size': expect.any(Number),
    'tiercel.outcome': 'fresh',
    'tiercel.waited_for': ['generation here'],
  })
  expect(waited.attributes).not.toHaveProperty('db.system.name')
  expect(of('invalidates', 'invalidate').attributes).toEqual({
    'tiercel.tags': ['data'],
    'tiercel.outcome': 'soft',
    'tiercel.everywhere': true,
  })
  // An exemplar in the bucket that its value falls into.
  const rows = open.split('\n').filter((row) => row.includes(' # {'))
  expect(rows).toHaveLength(1)
  const [, le, traceId, value] =
    /^tiercel_get_duration_seconds_bucket\{kind="fetch",tier="memory",le="(.+)"\} 1 # \{trace_id="(\w{32})"\} (\S+) \d+/.exec(
      rows[0],
    )
  expect(traces).toContain(traceId)
  expect(Number(value)).toBeLessThanOrEqual(Number(le))
  expect(Number(value)).toBeGreaterThan(Number(le) / 2)
})

test.concurrent('a trace that is not sampled is not described, and none is without a provider', async () => {
  const { answer } = await inChild(
    async ({ root, page, hour }) => {
      const require = process.getBuiltinModule('node:module').createRequire(`${root}/x.js`)
      const { trace } = require('@opentelemetry/api')
      const sdk = require('@opentelemetry/sdk-trace-base')
      const { native } = require('./js/native.js')
      let asked = 0
      const { tell } = native
      native.tell = (on) => {
        asked++
        tell(on)
      }
      const Tiercel = require('./index.js')
      const set = () => new Tiercel().set('/first', page, hour)
      await set()
      const without = asked
      const exporter = new sdk.InMemorySpanExporter()
      trace.setGlobalTracerProvider(
        new sdk.BasicTracerProvider({
          sampler: new sdk.AlwaysOffSampler(),
          spanProcessors: [new sdk.SimpleSpanProcessor(exporter)],
        }),
      )
      await set()
      return { without, asked, spans: exporter.getFinishedSpans().length }
    },
    { given },
  )
  expect(answer).toEqual({ without: 0, asked: 0, spans: 0 })
})

/** The spans of what `act` does, in a process that records them. */
async function spansOf({ root, page, hour, act }) {
  const require = process.getBuiltinModule('node:module').createRequire(`${root}/x.js`)
  const { trace } = require('@opentelemetry/api')
  const sdk = require('@opentelemetry/sdk-trace-base')
  const exporter = new sdk.InMemorySpanExporter()
  const spanProcessors = [new sdk.SimpleSpanProcessor(exporter)]
  trace.setGlobalTracerProvider(new sdk.BasicTracerProvider({ spanProcessors }))
  // biome-ignore lint/security/noGlobalEval: functions do not go from process to process
  await globalThis.eval(`(${act})`)(require, page, hour)
  const shown = ({ name, attributes, status }) => ({
    name,
    key: attributes['cache.key']?.[0],
    outcome: attributes['tiercel.outcome'],
    status,
  })
  return exporter.getFinishedSpans().map(shown)
}

const ofSpans = (act) => inChild(spansOf, { given: { ...given, act: String(act) } })

test.concurrent('a span describes its own call, whatever is called meanwhile', async () => {
  const { answer } = await ofSpans(async (require, page, hour) => {
    const Tiercel = require('./index.js')
    const inner = []
    Tiercel.configure({
      // A get of another key, before the first one has ended.
      debug: ({ key }) => {
        if (key.startsWith('other')) return
        inner.push(new Tiercel().get(`other ${inner.length}`, { kind: 'FETCH', tags: [] }))
      },
    })
    const fetched = { kind: 'FETCH', data: { body: 'x', headers: {} }, revalidate: 60 }
    const handler = new Tiercel()
    await handler.get('fetched', { kind: 'FETCH', tags: [] })
    const waiting = new Tiercel().get('fetched', { kind: 'FETCH', tags: [] })
    setTimeout(() => handler.set('fetched', fetched, { fetchCache: true, tags: ['data'] }), 20)
    await waiting
    await handler.set('/page', page, hour)
  })
  const shown = answer.map(({ name, key, outcome }) => `${name} ${key} ${outcome}`)
  expect(shown).toContain('cache get fetched fresh')
  expect(shown).toContain('cache generate fetched stored')
  expect(shown).toContain('cache generate /page stored')
})

test.concurrent('a get that decides nothing has no decision of another', async () => {
  const { answer } = await ofSpans(async (require) => {
    const Tiercel = require('./index.js')
    const { FIELD } = require('./js/abi.js')
    const { mailbox, outlast } = require('./js/native.js')
    Tiercel.configure({ debug: () => {} })
    const get = (key) => new Tiercel().get(key, { kind: 'FETCH', tags: [] })
    await get('before')
    mailbox[FIELD.DETAIL] = 20
    mailbox[FIELD.HANDLE] = 1_000
    // It is served what another get of this process waits for.
    const joined = outlast(2 ** 30, () => 'joined')
    await get('meanwhile')
    await joined
  })
  expect(answer).toEqual([{ name: 'cache get', status: { code: 0 } }])
})

test.concurrent('a call that fails ends its span, as an error', async () => {
  const { answer } = await ofSpans(async (require, page, hour) => {
    const Tiercel = require('./index.js')
    const { FIELD } = require('./js/abi.js')
    const { mailbox, native, outlast } = require('./js/native.js')
    const handler = new Tiercel()
    const fail = () => {
      throw new Error('it is broken')
    }
    native.put = native.putUse = native.invalidate = fail
    const value = new ReadableStream({ start: (controller) => controller.close() })
    const times = { timestamp: Date.now(), stale: 1, expire: 9, revalidate: 5 }
    await handler.set('/page', page, hour)
    await Tiercel.set('use', Promise.resolve({ value, tags: [], ...times }))
    await Tiercel.updateTags(['tag']).catch(() => {})
    mailbox[FIELD.DETAIL] = 1
    mailbox[FIELD.HANDLE] = 1_000
    await outlast(2 ** 30, fail).catch(() => {})
  })
  const status = { code: 2, message: 'it is broken' }
  expect(answer).toEqual([
    { name: 'cache generate', status },
    { name: 'cache generate', status },
    { name: 'cache invalidate', status },
    { name: 'cache get', status },
  ])
})

test.concurrent('the statistics are observed by a provider, also one that comes later', async () => {
  const { answer } = await inChild(
    async ({ root, page, hour }) => {
      const require = process.getBuiltinModule('node:module').createRequire(`${root}/x.js`)
      const Tiercel = require('./index.js')
      await new Tiercel().set('/first', page, hour)
      const ofPage = { kind: 'APP_PAGE' }
      for (let n = 0; n < 128; n++) await new Tiercel().get('/first', ofPage)
      const { metrics } = require('@opentelemetry/api')
      const sdk = require('@opentelemetry/sdk-metrics')
      const exporter = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE)
      const reader = new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e6 })
      metrics.setGlobalMeterProvider(new sdk.MeterProvider({ readers: [reader] }))
      const seen = async () => {
        exporter.reset()
        await reader.forceFlush()
        return exporter.getMetrics()[0]?.scopeMetrics ?? []
      }
      while ((await seen()).length === 0) await new Promise((wake) => setTimeout(wake, 100))
      const [{ scope, metrics: all }] = await seen()
      const shown = all.map(({ descriptor, dataPoints }) => [
        descriptor.name,
        descriptor.unit,
        dataPoints.map(({ attributes, value }) => ({ ...attributes, value })),
      ])
      return { scope: scope.name, shown, gets: Tiercel.stats().appPage.fresh }
    },
    { given },
  )
  const { scope, shown, gets } = answer
  expect(scope).toBe('tiercel')
  const of = (name) => shown.find(([one]) => one === name)
  expect(of('tiercel.gets')[2]).toContainEqual({
    'tiercel.kind': 'app_page',
    'tiercel.tier': 'memory',
    'tiercel.verdict': 'fresh',
    value: gets,
  })
  expect(of('tiercel.memory.entries')[2]).toEqual([{ value: 1 }])
  expect(of('tiercel.memory.size')[1]).toBe('By')
  expect(of('tiercel.get.duration.count')[2][0].value).toBeGreaterThan(0)
  expect(of('tiercel.get.duration.sum')[1]).toBe('s')
  expect(of('tiercel.redis.lag')).toBeUndefined()
})

/** What is loaded of it by a process that calls the cache, with a provider and with the package or not. */
async function loaded({ root, page, hour, hasProvider, hasPackage }) {
  const Module = process.getBuiltinModule('node:module')
  const require = Module.createRequire(`${root}/x.js`)
  const { _resolveFilename } = Module
  Module._resolveFilename = (name, ...rest) => {
    if (name !== '@opentelemetry/api' || hasPackage) return _resolveFilename(name, ...rest)
    throw Object.assign(new Error('not found'), { code: 'MODULE_NOT_FOUND' })
  }
  const none = () => undefined
  const span = { isRecording: () => false }
  const provider = { getTracer: () => ({ startSpan: () => span, startActiveSpan: none }) }
  const registered = { version: '1.9.0', trace: provider }
  if (hasProvider) globalThis[Symbol.for('opentelemetry.js.api.1')] = registered
  const Tiercel = require('./index.js')
  await new Tiercel().set('/first', page, hour)
  await Tiercel.updateTags(['tag'])
  const files = Object.keys(require.cache)
  return {
    api: files.some((file) => /opentelemetry/.test(file)),
    metrics: files.some((file) => /js.metrics/.test(file)),
    found: (await new Tiercel().get('/first', { kind: 'APP_PAGE' })) !== null,
  }
}

test.concurrent.for([
  [false, true, false],
  [true, false, false],
  [true, true, true],
])('a provider: %s, the package: %s; loaded: %s', async ([hasProvider, hasPackage, api]) => {
  const { answer } = await inChild(loaded, { given: { ...given, hasProvider, hasPackage } })
  expect(answer).toEqual({ api, metrics: false, found: true })
})
