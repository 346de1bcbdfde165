import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Fleet } from '../../benches/peers/behaviour/fleet.mjs'
import {
  cell,
  features,
  full,
  merged,
  replaced,
  short,
  tally,
} from '../../benches/peers/behaviour/report.mjs'
import { kindsOf, scenarios, takesPart } from '../../benches/peers/behaviour/scenarios.mjs'
import { subjects } from '../../benches/peers/behaviour/subjects.mjs'
import {
  bearable,
  firstAnswers,
  intact,
  promptness,
  quietness,
  returned,
  shared,
  stampede,
  worst,
} from '../../benches/peers/behaviour/verdicts.mjs'
import { pause } from '../../tools/time.mjs'

const here = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const recorded = JSON.parse(here('benches/peers/behaviour/seen.json'))

describe('verdicts', () => {
  test.each([
    [shared(true), 'yes', 'the same generation'],
    [shared(false), 'no', 'generated again'],
    [promptness(0.4, 10_000), 'yes', 'new at once'],
    [promptness(999, 10_000), 'yes', 'new after 999 ms'],
    [promptness(5_000, 10_000), 'partly', 'stale for 5 s'],
    [promptness(undefined, 10_000), 'no', 'stale for more than 10 s'],
    [returned(7, [8, 9]), 'yes', 'new data everywhere'],
    [returned(7, [8, 7, 6]), 'no', 'old data on 2 of 3'],
    [returned(7, [8, undefined]), 'fails', 'no data in an answer'],
    [firstAnswers(0, 4), 'yes', '4 of 4 new'],
    [firstAnswers(1, 4), 'no', '1 of 4 old'],
    [stampede(1, 3, 60), 'yes', '1 generation of 60 requests'],
    [stampede(3, 3, 60), 'partly', '3 generations of 60 requests'],
    [stampede(4, 3, 60), 'no', '4 generations of 60 requests'],
    [stampede(0, 3, 60), 'fails', 'no generation'],
    [intact(undefined), 'yes', 'as it was'],
    [intact(undefined, true), 'partly', 'right, but generated again'],
    [intact('status 500', true), 'no', 'status 500'],
    [quietness(2_000, 200), 'yes', '10 bytes a hit'],
    [quietness(200_000, 200), 'no', '1000 bytes a hit'],
  ])('%o', (outcome, verdict, seen) => {
    expect(outcome).toEqual({ verdict, seen })
  })

  test('an answer that is slow hangs, and one that is none or an error fails', () => {
    const quick = { status: 200, ms: 20 }
    expect(bearable([quick, { status: 200, ms: 2_999 }]).verdict).toBe('yes')
    expect(bearable([quick, { status: 200, ms: 9_000 }])).toEqual({
      verdict: 'no',
      seen: 'slowest answer 9 s',
    })
    expect(bearable([quick, { status: 500, ms: 1 }])).toEqual({
      verdict: 'fails',
      seen: '1 of 2: status 500',
    })
    expect(bearable([{ status: 0, ms: 15_000 }]).seen).toBe('none in 15 s')
  })

  test('of several places the worst counts; some without is partly', () => {
    const [yes, no] = [shared(true), shared(false)]
    const fails = { verdict: 'fails', seen: 'status 500' }
    expect(worst({ page: yes, fetch: yes })).toEqual(yes)
    expect(worst({ page: no, fetch: no })).toEqual(no)
    expect(worst({ page: yes, fetch: no })).toEqual({
      verdict: 'partly',
      seen: 'page: the same generation; fetch: generated again',
    })
    expect(worst({ page: yes, fetch: fails }).verdict).toBe('fails')
    expect(worst({}).verdict).toBe('fails')
  })
})

describe('scenarios', () => {
  test('there are more than thirty, each with a name of its own', () => {
    expect(scenarios.length).toBeGreaterThan(30)
    expect(new Set(scenarios.map(({ name }) => name)).size).toBe(scenarios.length)
  })

  test('who has no interface for it, or no Redis, takes no part', () => {
    const page = { interfaces: ['page'] }
    const alone = { interfaces: ['page', 'use'], isAlone: true }
    expect(takesPart({ needs: 'use' }, page)).toBe(false)
    expect(takesPart({ needs: 'page' }, page)).toBe(true)
    expect(takesPart({ isShared: true }, alone)).toBe(false)
    expect(takesPart({}, alone)).toBe(true)
    expect(kindsOf(page)).toEqual(['page', 'fetch'])
    expect(kindsOf(alone)).toEqual(['page', 'fetch', 'use'])
  })

  /** A fetch on three servers that hold what they hold in `stores`, and run it once in each flight. */
  function servers(stores, flights, { isHeeded = true } = {}) {
    const counts = new Map()
    const origin = { delayMs: 0, count: (key) => 1_000 + (counts.get(key) ?? 0) }
    const fleet = new Fleet('a cache', {}, origin)
    const invalidated = new Map()
    const generate = async (slug, store) => {
      counts.set(`fetch-${slug}`, (counts.get(`fetch-${slug}`) ?? 0) + 1)
      const [value, since] = [counts.get(`fetch-${slug}`), invalidated.get(slug)]
      await pause(origin.delayMs)
      if (!isHeeded || invalidated.get(slug) === since) store.set(slug, value)
      return value
    }
    fleet.members = stores.map((store, index) => ({
      async get(path) {
        const slug = path.slice(path.indexOf('=') + 1)
        const flight = flights?.[index]
        let value = store.get(slug) ?? flight?.get(slug)
        if (!value) {
          value = generate(slug, store)
          flight?.set(slug, value)
        }
        return { status: 200, origin: await value }
      },
      async invalidate({ tag }) {
        const slug = tag.slice('fetch-'.length)
        invalidated.set(slug, (invalidated.get(slug) ?? 0) + 1)
        for (const one of stores) one.delete(slug)
        for (const one of flights ?? []) one.delete(slug)
        return { status: 200 }
      },
    }))
    return fleet
  }

  const verdictOf = async (name, fleet) =>
    (await scenarios.find((one) => one.name === name).run(fleet, ['fetch'])).verdict
  const alike = (make) => Array(3).fill(make())
  const apart = (make) => Array.from({ length: 3 }, make)
  const map = () => new Map()

  test.concurrent.each([
    ['share fetch', 'yes', servers(alike(map))],
    ['share fetch', 'no', servers(apart(map))],
    ['tag fetch', 'yes', servers(alike(map))],
    ['overlap fetch other', 'yes', servers(alike(map))],
    ['overlap fetch other', 'no', servers(alike(map), undefined, { isHeeded: false })],
    ['stampede fetch', 'yes', servers(alike(map), alike(map))],
    ['stampede fetch', 'partly', servers(apart(map), apart(map))],
    ['stampede fetch', 'no', servers(alike(map))],
  ])('%s: %s', async (name, verdict, fleet) => {
    expect(await verdictOf(name, fleet)).toBe(verdict)
  })
})

describe('tables', () => {
  const rows = [
    { name: 'one', group: 'First', what: 'A promise' },
    { name: 'two', group: 'Second', what: 'Another one' },
  ]
  const seen = {
    about: {
      date: '2026-12-01T00:00:00Z',
      machine: 'a machine',
      node: 'v1',
      next: '2',
      redis: '3',
    },
    subjects: {
      Tiercel: { date: '2026-12-01T00:00:00Z', outcomes: { one: shared(true), two: shared(true) } },
      peer: {
        version: '1.2.3',
        date: '2026-12-02T00:00:00Z',
        outcomes: { one: { verdict: 'fails', seen: 'a | b' } },
      },
    },
  }

  test('a cell has the verdict and what was seen; what takes no part is not a no', () => {
    expect(cell(shared(true))).toBe('yes: the same generation')
    expect(cell(seen.subjects.peer.outcomes.one)).toBe('**fails**: a \\| b')
    expect(cell(undefined)).toBe('–')
    expect(tally(seen.subjects.peer.outcomes, rows)).toEqual(['0', '0', '0', '1', '1'])
  })

  test('each group has a table with a column for each subject', () => {
    const text = full(seen, rows)
    expect(text).toContain('| A promise | yes: the same generation | **fails**: a \\| b |')
    expect(text).toContain('| Another one | yes: the same generation | – |')
    expect(text.match(/^### .*/gm)).toEqual(['### First', '### Second'])
    expect(text).toContain('peer 1.2.3 on 2026-12-02')
  })

  test('a run of some scenarios leaves the others, and the order of subjects, as they were', () => {
    const now = {
      about: seen.about,
      subjects: { peer: { date: 'x', outcomes: { two: shared(false) } } },
    }
    const all = merged(seen, now, ['peer', 'Tiercel', 'never run'])
    expect(Object.keys(all.subjects)).toEqual(['peer', 'Tiercel'])
    expect(Object.keys(all.subjects.peer.outcomes)).toEqual(['one', 'two'])
    expect(all.subjects.Tiercel).toEqual(seen.subjects.Tiercel)
  })

  test('a document without markers is not written', () => {
    const text = 'a\n<!-- seen:begin -->\nold\n<!-- seen:end -->\nb'
    expect(replaced(text, 'new')).toBe('a\n<!-- seen:begin -->\nnew\n<!-- seen:end -->\nb')
    expect(() => replaced('a', 'new')).toThrow('seen:begin')
  })
})

describe('documents', () => {
  test('docs/peers.md and the README have what was seen last', () => {
    for (const [file, part] of [
      ['docs/peers.md', full(recorded, scenarios)],
      ['README.md', short(recorded)],
    ]) {
      expect(here(file), `${file}: npm run test:peers -- --tables`).toBe(replaced(here(file), part))
    }
  })

  test('each line of the README is a scenario', () => {
    const names = scenarios.map(({ name }) => name)
    for (const [name] of features) expect(names).toContain(name)
  })

  test('what was recorded is of subjects and scenarios that exist', () => {
    const names = scenarios.map(({ name }) => name)
    for (const [subject, { outcomes }] of Object.entries(recorded.subjects)) {
      expect(Object.keys(subjects)).toContain(subject)
      for (const name of Object.keys(outcomes)) expect(names).toContain(name)
    }
  })
})
