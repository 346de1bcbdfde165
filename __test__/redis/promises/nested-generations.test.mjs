import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { appWith, timed, until } from '../../unit/support.mjs'
import { SETTLED_MS } from './support.mjs'
import { crowd, Lane } from './visits.mjs'

// What reads another entry while it is generated: it is never fresher than that, and nobody waits
// for each other for ever.

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

const PARTS = ['fetch', 'use cache']
const pairs = (outers) => outers.flatMap((outer) => PARTS.map((inner) => [outer, inner]))
/** Types of the work unit stores of Next.js, and whether what reads in them is kept. */
const KEPT = { cache: true, 'unstable-cache': true, prerender: true, 'prerender-legacy': true }
const UNITS = Object.entries({ ...KEPT, request: false, 'private-cache': false })

test.for(PARTS.flatMap((what) => UNITS.map(([unit, isKept]) => [what, unit, isKept])))(
  'something stale looks fresh only to what is not kept: %s in %s',
  async ([what, unit, isKept], test) => {
    const cwd = appWith(test, '16.4.6')
    const fleet = await crowd(test, server, 2, { cwd })
    const [here, there] = fleet
    const lane = new Lane(what)
    await lane.spread(fleet, 'old')
    await here.invalidate(lane.tags, { expire: 600 })
    expect((await lane.ask(here, { unit: 'request' })).isStale).toBe(true)
    for (const by of [here, there, here, there]) {
      const { isStale, body } = await lane.ask(by, { unit })
      expect({ isStale, body }).toEqual({ isStale: isKept, body: 'old' })
    }
  },
)

test.for(pairs(['fetch', 'use cache']))(
  'before 16.4, who kept something stale is stale itself: %s of %s',
  async ([what, part], test) => {
    const cwd = appWith(test, '16.2.12')
    const fleet = await crowd(test, server, 2, { cwd })
    const [here, there] = fleet
    const [outer, inner] = [new Lane(what), new Lane(part)]
    const [within, unit] = [{ unit: 'request' }, { unit: 'cache' }]
    outer.tags.push(inner.tag)
    await inner.spread(fleet, 'old')
    await here.invalidate([inner.tag], { expire: 600 })
    const leader = await inner.ask(here, within)
    expect(leader.isStale).toBe(true)

    const generation = await outer.ask(there, within)
    expect(generation.body).toBe(undefined)
    expect((await inner.ask(there, unit)).body).toBe('old')
    await generation.generate('of the old one')
    await leader.generate('new')
    await until('the new one is there', async () =>
      (await inner.ask(there, within)).body === 'new' ? true : undefined,
    )

    const next = await outer.ask(there, within)
    expect(next).toMatchObject({ body: 'of the old one', isStale: true })
    expect(await inner.ask(there, unit)).toMatchObject({ body: 'new', isStale: false })
    await next.generate('of the new one')
    for (const by of [there, here]) {
      const found = await until('it is everywhere', async () => {
        const visit = await outer.ask(by, within)
        return visit.body === 'of the new one' ? visit : undefined
      })
      expect(found.isStale).toBe(false)
    }
  },
)

test.for(pairs(['page', 'route', 'fetch', 'use cache']))(
  'what two instances lead and each other need settles: %s and %s',
  async ([one, other], test) => {
    const [here, there] = await crowd(test, server, 2)
    const [first, second] = [new Lane(one), new Lane(other)]
    const [a, b] = [await first.ask(here), await second.ask(there)]
    expect([a.body, b.body]).toEqual([undefined, undefined])
    // Each now needs what the other generates.
    const needed = [second.ask(here), first.ask(there)]
    for (const { value, ms } of await Promise.all(needed.map(timed))) {
      expect(ms).toBeLessThan(SETTLED_MS + 1_000)
      if (value.body === undefined) await value.generate('x')
    }
    await Promise.all([a.generate('x'), b.generate('x')])
    for (const lane of [first, second]) {
      for (const by of [here, there]) expect(await lane.read(by)).toBe('x')
    }
  },
)
