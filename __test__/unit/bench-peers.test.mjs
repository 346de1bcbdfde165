import { describe, expect, test } from 'vitest'
import { median } from '../../benches/handlers/contest.mjs'
import { decades, plotOf, themes } from '../../benches/peers/plot.mjs'
import { choose, isWanted } from '../../benches/peers/run.mjs'
import { sumOf } from '../../benches/peers/statistics.mjs'
import { subjects } from '../../benches/peers/subjects.mjs'
import { figure, overview, tableOf } from '../../benches/peers/table.mjs'
import { kinds, wrong } from '../../benches/peers/values.mjs'
import { workloads } from '../../benches/peers/workloads.mjs'

const us = (...values) => values.map((value) => ({ value, main: value / 2, cpu: value * 2 }))

/** One that measured, one that failed once, one that never had a right answer. */
const result = {
  name: 'warm get, page',
  unit: 'us',
  sums: {
    Tiercel: sumOf(us(30, 10, 20), []),
    sometimes: sumOf(us(200), ['html came back as <b>']),
    never: sumOf([], ['lost | it', 'other bytes came back', 'lost | it']),
  },
}

describe('samples', () => {
  test('the median of an even number lies between the two in the middle', () => {
    expect(median([9, 1, 4])).toBe(4)
    expect(median([9, 1, 4, 6])).toBe(5)
  })

  test('a sum has the least and the most, and does not change what it is given', () => {
    const figures = us(30, 10, 20)
    expect(sumOf(figures, [])).toMatchObject({
      samples: 3,
      fails: 0,
      value: { median: 20, min: 10, max: 30 },
      main: { median: 10, min: 5, max: 15 },
      cpu: { median: 40, min: 20, max: 60 },
    })
    expect(figures.map(({ value }) => value)).toEqual([30, 10, 20])
  })

  test('failures are counted, and the most frequent one is told', () => {
    const { never, sometimes } = result.sums
    expect(never).toMatchObject({ samples: 3, fails: 3, failed: 'lost | it' })
    expect(never.value).toBeUndefined()
    expect(sometimes).toMatchObject({ samples: 2, fails: 1, value: { median: 200 } })
  })

  test('what was not measured is not zero', () => {
    expect(sumOf([{ value: 1 }], []).main).toBeUndefined()
  })
})

describe('tables', () => {
  test('a row for each subject: figures, or what it did instead', () => {
    const lines = tableOf(result).split('\n')
    expect(lines).toEqual([
      '### Warm get, page',
      '',
      '| | us | main thread, us | all threads, us |',
      '| --- | --- | --- | --- |',
      '| Tiercel | 20.0 (10.0 to 30.0) | 10.0 (5.00 to 15.0) | 40.0 (20.0 to 60.0) |',
      '| sometimes | 200; **fails**, 1 of 2: html came back as <b> | 100 | 400 |',
      '| never | **fails**: lost \\| it | | |',
    ])
  })

  test('generations are whole numbers, and have no CPU time', () => {
    const sums = { one: sumOf([{ value: 4 }, { value: 100 }], []) }
    const text = tableOf({ name: 'stampede', unit: 'generations', sums })
    expect(text).toContain('| | generations |\n| --- | --- |\n| one | 52 (4 to 100) |')
  })

  test('the overview has a column for each subject of any measure', () => {
    const other = { name: 'seen', unit: 'ms', sums: { another: sumOf([{ value: 1_234.5 }], []) } }
    expect(overview([result, other]).split('\n')).toEqual([
      '| median | Tiercel | sometimes | never | another |',
      '| --- | --- | --- | --- | --- |',
      '| warm get, page, us | 20.0 | 200, fails 1 of 2 | fails | – |',
      '| seen, ms | – | – | – | 1,235 |',
    ])
  })

  test('figures have three digits', () => {
    expect([0.12345, 1.2345, 12.345, 123.45, 12_345].map(figure)).toEqual([
      '0.12',
      '1.23',
      '12.3',
      '123',
      '12,345',
    ])
  })
})

describe('plots', () => {
  const how = { theme: 'light', own: 'Tiercel', note: 'a < b & "c"' }

  test('the axis has round numbers around all figures', () => {
    expect(decades([20, 3_000])).toEqual([10, 100, 1_000, 10_000])
    expect(decades([100])).toEqual([100, 1_000])
    expect(decades([0])).toEqual([1, 10])
  })

  test('a dot for each median, further to the right for more', () => {
    const dots = [...plotOf(result, how).matchAll(/<circle class="(\w+)" cx="([\d.]+)"/g)]
    expect(dots.map(([, kind]) => kind)).toEqual(['own', 'other'])
    expect(Number(dots[1][2])).toBeGreaterThan(Number(dots[0][2]))
  })

  test('who failed has a line of its own, with what it did', () => {
    expect(plotOf(result, how)).toContain('>fails: lost | it</text>')
    expect(plotOf(result, how)).toContain('>200, fails sometimes</text>')
  })

  test('text is escaped', () => {
    expect(plotOf(result, how)).toContain('>a &lt; b &amp; &quot;c&quot;</text>')
  })

  test('both themes draw the same in other colors', () => {
    const [light, dark] = ['light', 'dark'].map((theme) => plotOf(result, { ...how, theme }))
    const plain = (svg) => svg.replace(/<style>[\s\S]*<\/style>/, '')
    expect(plain(light)).toBe(plain(dark))
    expect(light).toContain(themes.light.own)
    expect(dark).toContain(themes.dark.own)
  })
})

describe('what is chosen', () => {
  const all = workloads({ rounds: { often: 1, seldom: 1 }, scale: 1, stored: [1_000], held: 1 })

  test('all words have to be there, in any order', () => {
    expect(isWanted('tiercel HOT', 'hot get, page Tiercel')).toBe(true)
    expect(isWanted('hot fetch', 'hot get, page Tiercel')).toBe(false)
    expect(isWanted('', 'anything')).toBe(true)
  })

  test('every subject takes part in every workload of its interfaces', () => {
    const chosen = choose(all, '')
    for (const workload of all) {
      const names = chosen.filter((one) => one.workload === workload).map(({ name }) => name)
      const wanted = Object.keys(subjects).filter(
        (name) =>
          subjects[name].interfaces.includes(workload.by) &&
          !(workload.invalidates && name === 'ideal JavaScript'),
      )
      expect(names).toEqual(wanted)
    }
  })

  test('of a workload only the measures that were asked for', () => {
    const chosen = choose(all, 'hot page neshca')
    expect(chosen).toMatchObject([{ name: 'neshca', measures: new Set(['hot get, page']) }])
  })

  test('names of measures differ, as do those of their files', () => {
    const names = all.flatMap(({ measures }) => measures.map(({ name }) => name))
    const shared = ['load of the module', 'from there to the first answer']
    const own = names.filter((name) => !shared.includes(name))
    expect(new Set(own.map((name) => name.replace(/[^a-z0-9]+/gi, '-'))).size).toBe(own.length)
  })
})

describe('answers', () => {
  const found = (change) => {
    const value = kinds.page.make(0)
    return { value: { ...value, ...change } }
  }
  const stored = () => kinds.page.make(0)

  test('an equal page is right', async () => {
    expect(await wrong(found({}), stored())).toBeUndefined()
  })

  test.each([
    [{ html: 'x' }, 'other html came back'],
    [{ rscData: { type: 'Buffer', data: [] } }, 'rscData came back as Object'],
    [{ rscData: new Uint8Array(4) }, 'other bytes of rscData came back'],
    [{ segmentData: {} }, 'segmentData came back as Object'],
    [{ segmentData: new Map() }, 'a segment came back as undefined'],
  ])('a page with another %o is not', async (change, why) => {
    expect(await wrong(found(change), stored())).toBe(why)
  })

  test('nothing is not', async () => {
    expect(await wrong(undefined, stored())).toBe('nothing was found')
  })

  test('an entry with other tags is not', async () => {
    const make = () => kinds["'use cache'"].make(0)
    expect(await wrong(make(), make())).toBeUndefined()
    expect(await wrong({ ...make(), tags: [] }, make())).toBe('tags  came back')
  })
})
