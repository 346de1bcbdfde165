import { createRequire } from 'node:module'
import { expect, test } from 'vitest'

const require = createRequire(import.meta.url)
const { Figures } = require('../../js/operate/fleet/figures.js')
const { keysOf } = require('../../js/operate/fleet/screen.js')
const { ACTS } = require('../../js/operate/fleet/top.js')
const { view } = require('../../js/operate/fleet/view.js')

// What `tiercel top` makes of what instances tell.

const START = 1_796_031_000_000

/** What an instance told so many seconds after its start. */
function instance(name, secs, more = {}) {
  return {
    id: `id-${name}`,
    name,
    version: '1.2.3',
    startedAt: START,
    at: START + secs * 1e3,
    ageMs: 1_200,
    state: 'connected',
    kinds: { appPage: { fresh: 10 * secs, stale: 0, misses: 10 } },
    memory: { entries: 3, bytes: 32e6, capacityBytes: 64e6, evictions: 0 },
    get: { p50Micros: 1.2, p99Micros: 12 },
    lagMs: 12,
    leases: { held: 1, taken: 2, followed: 3, timedOut: 4 },
    sets: 5,
    invalidations: 6,
    busiest: [],
    busiestTags: [],
    invalidated: [],
    ...more,
  }
}

/** What figures are made of, so many seconds after the start. */
function sample(secs, instances, { silent = [], cpu = 0, nodes = [node('cache', cpu)] } = {}) {
  return { fleet: { nowMs: START + secs * 1e3, instances, silent }, nodes }
}

/** What a primary says that has used so many seconds of a core. */
function node(server, cpu, runId = 'one') {
  const used = { used_cpu_sys: String(cpu / 2), used_cpu_user: String(cpu / 2) }
  return { server, info: { ...used, used_memory: '1000', run_id: runId }, trouble: null }
}

const about = { namespace: 'shop:production', place: 'redis cache:6379/0' }
const state = (more) => ({ sort: 'name', filter: '', isTyping: false, isPaused: false, ...more })
const once = (instances, options) => new Figures().take(sample(60, instances, options))
const seen = (shown, given, frame) =>
  view(shown, given, { about, width: 80, height: 40, ...frame }).join('\n')

test('rates are those between the last two snapshots of an instance, not since its start', () => {
  const figures = new Figures()
  const first = figures.take(sample(60, [instance('web', 60)], { cpu: 1 }))
  expect(first.rows[0]).toMatchObject({ getsPerSec: null, hitPercent: (100 * 600) / 610 })
  expect(first.redis.cpuPercent).toBe(null)
  // The same snapshot once more is no news.
  expect(figures.take(sample(62, [instance('web', 60)])).rows[0].getsPerSec).toBe(null)
  const second = figures.take(sample(65, [instance('web', 65)], { cpu: 1.03 }))
  expect(second.rows[0]).toMatchObject({ getsPerSec: 10, hitPercent: 100 })
  expect(second.total).toMatchObject({ getsPerSec: 10, hitPercent: 100 })
  const later = figures.take(sample(67, [instance('web', 65)], { cpu: 1.07 }))
  expect(later.rows[0].getsPerSec).toBe(10)
  expect(later.redis.cpuPercent).toBeCloseTo(2)
})

test('what one has answered since its start is not added to what others have in some seconds', () => {
  const figures = new Figures()
  const poor = { kinds: { fetch: { fresh: 0, stale: 0, misses: 1e6 } } }
  expect(figures.take(sample(60, [instance('a', 60)])).total.hitPercent).toBeCloseTo(98.36, 1)
  const mixed = figures.take(sample(65, [instance('a', 65), instance('new', 65, poor)]))
  expect(mixed.total).toMatchObject({ hitPercent: 100, getsPerSec: 10 })
  expect(mixed.rows.map(({ hitPercent }) => hitPercent)).toEqual([100, 0])
  // One that nobody asked anything has no rate, rather than an older one.
  const idle = (secs) =>
    instance('idle', secs, { kinds: { fetch: { fresh: 9, stale: 0, misses: 1 } } })
  expect(figures.take(sample(70, [idle(70)])).rows[0].hitPercent).toBe(90)
  expect(figures.take(sample(75, [idle(75)])).rows[0].hitPercent).toBe(null)
})

test('the load is that of servers that are the same as before', () => {
  const figures = new Figures()
  const take = (secs, ...nodes) => figures.take(sample(secs, [], { nodes })).redis
  expect(take(60, node('a', 50), node('b', 70)).cpuPercent).toBe(null)
  expect(take(62, node('a', 50.02), node('b', 70.04)).cpuPercent).toBeCloseTo(3)
  // `a` was started anew, or another one has its address: it counts from its own start.
  expect(take(64, node('a', 90, 'two'), node('b', 70.08)).cpuPercent).toBeCloseTo(2)
  const gone = { server: 'b', info: {}, trouble: 'no answer in time' }
  const left = take(66, node('a', 90.02, 'two'), gone)
  expect(left.cpuPercent).toBeCloseTo(1)
  expect(left).toMatchObject({ usedBytes: 1_000, away: [{ server: 'b', trouble: gone.trouble }] })
  expect(take(68, node('a', 90.04, 'two'), node('b', 70.16)).cpuPercent).toBeCloseTo(3)
})

test('a server that is away is marked, and the rest is shown', () => {
  const away = { server: 'cache-2:6379', info: {}, trouble: 'no \u009b2J answer' }
  const shown = once([instance('web', 60)], { nodes: [node('cache-1:6379', 1), away] })
  const text = seen(shown, state())
  expect(text).toContain('away: cache-2:6379 (no ·2J answer)')
  expect(text).toContain('memory 1.0 kB')
  expect(seen(once([instance('web', 60)]), state())).not.toContain('away:')
})

test('what is busy in several instances is added up, and invalidations are in order', () => {
  const busy = (name, perSec) => ({ name, kind: 'FETCH', perSec })
  const done = (secs, tags) => ({ at: START + secs * 1e3, tags, isSoft: true, isEverywhere: true })
  const shown = once([
    instance('one', 60, { busiest: [busy('a', 1.5), busy('b', 9)], invalidated: [done(3, 'x')] }),
    instance('two', 60, { busiest: [busy('a', 8)], invalidated: [done(4, 'y'), done(2, 'z')] }),
  ])
  expect(shown.busiest.map(({ name, perSec, instances }) => [name, perSec, instances])).toEqual([
    ['a', 9.5, 2],
    ['b', 9, 1],
  ])
  expect(shown.invalidated.map(({ tags, by }) => [tags, by])).toEqual([
    ['y', 'two'],
    ['x', 'one'],
    ['z', 'two'],
  ])
})

test('no line is longer than the terminal is wide, and no frame higher than it', () => {
  const long = 'ä/very-long'.repeat(30)
  const busy = { name: long, kind: 'APP_PAGE', perSec: 1e9 }
  const told = { busiest: Array(5).fill(busy), busiestTags: Array(5).fill(busy) }
  const done = { at: START, tags: long, isSoft: false, isEverywhere: true, ms: 12.3, by: long }
  const many = Array.from({ length: 60 }, (_, n) =>
    instance(`${long}:${n}`, 60, { ...told, build: long, invalidated: Array(5).fill(done) }),
  )
  const shown = once(many, { silent: ['a'] })
  const states = [state(), state({ opened: many[7].id }), state({ isTyping: true, filter: long })]
  for (const width of [40, 80, 119, 120, 200]) {
    for (const height of [8, 24, 40]) {
      for (const given of [...states, state({ trouble: long, chosen: many[50].id })]) {
        const lines = view(shown, given, { about, width, height })
        expect(lines.filter((line) => line.length > width)).toEqual([])
        expect(lines).toHaveLength(height)
      }
    }
  }
})

test('a wide terminal shows more of each instance', () => {
  const shown = once([instance('web', 60, { build: '4txQ' })])
  const [narrow, wide] = [80, 200].map((width) => seen(shown, state(), { width }))
  for (const text of ['web', 'connected', '12 µs', '32.0 MB 50 %', '12 ms', 'gets/s']) {
    expect(narrow).toContain(text)
    expect(wide).toContain(text)
  }
  expect(narrow).not.toContain('4txQ')
  expect(wide).toContain('4txQ')
  expect(wide).toContain('1.2.3')
})

test('what instances tell cannot command the terminal', () => {
  const evil = '\x1b]0;evil\x07\x1b[2J'
  const busy = { name: evil, kind: evil, perSec: 1 }
  const done = { at: START, tags: evil, isSoft: false, isEverywhere: true, ms: 1 }
  const more = { state: evil, version: evil, build: evil, next: evil, node: evil }
  const told = { ...more, busiest: [busy], busiestTags: [busy], invalidated: [done] }
  const shown = once([
    instance(evil, 60, { ...told, kinds: { [evil]: { fresh: 1, stale: 0, misses: 0 } } }),
  ])
  for (const given of [state(), state({ opened: `id-${evil}` })]) {
    const text = seen(shown, given, { width: 200 })
    expect(text).toContain('evil')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are
    expect(text.match(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/)).toBe(null)
  }
})

test('columns sort by what matters: the worst comes first', () => {
  const shown = once([
    instance('a', 60, { lagMs: 5, kinds: { fetch: { fresh: 9, stale: 0, misses: 1 } } }),
    instance('b', 60, { lagMs: 900, kinds: { fetch: { fresh: 5, stale: 0, misses: 5 } } }),
  ])
  const order = (sort) =>
    ['a', 'b'].sort((one, other) => {
      const text = seen(shown, state({ sort }))
      return text.indexOf(`\n  ${one} `) - text.indexOf(`\n  ${other} `)
    })
  expect([order('name'), order('lag'), order('hit')]).toEqual([
    ['a', 'b'],
    ['b', 'a'],
    ['b', 'a'],
  ])
})

test('keys choose, open, sort, pause and go back', () => {
  const shown = once([instance('a', 60), instance('b', 60), instance('c', 60)])
  const given = state()
  const pressed = (text) => {
    for (const key of keysOf(text)) ACTS[key]?.(given, shown, () => {})
    return { ...given }
  }
  expect(pressed('\x1b[B').chosen).toBe('id-a')
  expect(pressed('jj\x1b[B\x1bOA').chosen).toBe('id-b')
  expect(pressed('\r').opened).toBe('id-b')
  expect(pressed('j').opened).toBe('id-c')
  expect(pressed('\x1b').opened).toBe(undefined)
  expect(pressed('sS s').sort).toBe('hit')
  expect(pressed('S').sort).toBe('name')
  expect(given.isPaused).toBe(true)
  expect(pressed('p').isPaused).toBe(false)
  // Keys that mean nothing here do nothing.
  const before = { ...given }
  expect(pressed('\x1b[15~x\x1b[1;5C')).toEqual(before)
})
