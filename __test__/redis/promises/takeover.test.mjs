import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { pause, until } from '../../unit/support.mjs'
import { counted, crowd, Lane, WAYS } from './visits.mjs'

// A generation that began before an invalidation brings nothing that is of use after it: the next
// one does not wait for it.

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

const TAGGED = WAYS.filter(([, way]) => way !== 'age')
const HARD = undefined
const SOFT = { expire: 600 }
const SEQUENCES = Object.entries({
  'soft, then soft': [SOFT, SOFT],
  'soft, then hard': [SOFT, HARD],
  'hard, then hard': [HARD, HARD],
})

test.for(TAGGED.flatMap(([what, way]) => SEQUENCES.map(([how, both]) => [how, what, way, both])))(
  'invalidated again while it is generated, another generates at once: %s, %s, by %s',
  async ([, what, way, [first, second]], test) => {
    const fleet = await crowd(test, server, 3)
    const [early, late, other] = fleet
    const lane = new Lane(what)
    const tags = [way === 'its tag' ? lane.tag : lane.asked]
    await lane.spread(fleet, 'old')
    await other.invalidate(tags, first)
    const leader = await lane.ask(early)
    expect(leader.isStale || leader.body === undefined).toBe(true)
    await other.invalidate(tags, second)

    const next = await lane.ask(late)
    expect(next.isStale || next.body === undefined).toBe(true)
    const { taken, followed, timedOut } = await counted(fleet)
    expect({ taken, followed, timedOut }).toEqual({ taken: 2, followed: 0, timedOut: 0 })

    // Whatever the first one stores, it is not taken for the second.
    await leader.generate('too early')
    const meanwhile = await lane.visit(other)
    const answered = meanwhile.ask()
    await pause(200)
    await next.generate('new')
    await answered
    if (second === HARD) expect(meanwhile.body).toBe('new')
    else expect(meanwhile).toMatchObject({ isStale: false })
    expect(await lane.ask(late)).toMatchObject({ body: 'new', isStale: false })
  },
)

const ASKED = ['fetch', 'use cache']

test.for(
  ASKED.flatMap((what) => [
    [what, 'hard', HARD],
    [what, 'soft', SOFT],
  ]),
)('by a tag of who asks also what was never there: %s, %s', async ([what, , how], test) => {
  const [early, late, other] = await crowd(test, server, 3)
  const lane = new Lane(what)
  expect((await lane.ask(early)).body).toBe(undefined)
  await other.invalidate([lane.asked], how)
  expect((await lane.ask(late)).body).toBe(undefined)
  const { taken, followed } = await counted([early, late])
  expect({ taken, followed }).toEqual({ taken: 2, followed: 0 })
})

test.for(TAGGED)(
  'who waits while it is invalidated gets nothing from before: %s, by %s',
  async ([what, way], test) => {
    const fleet = await crowd(test, server, 4)
    const [leading, waiting, later, other] = fleet
    const lane = new Lane(what)
    const leader = await lane.ask(leading)
    const visits = [await lane.visit(waiting), await lane.visit(later)]
    const settled = []
    const answer = async (visit) => {
      await visit.ask()
      settled.push(visit)
      if (visit.body !== undefined) return visit.body
      await pause(100)
      await visit.generate('new')
      return 'generates'
    }
    const early = answer(visits[0])
    await pause(100)
    await other.invalidate([way === 'its tag' ? lane.tag : lane.asked])
    const after = answer(visits[1])
    await pause(100)
    await leader.generate('old')
    const answers = await Promise.all([early, after])
    expect(answers).not.toContain('old')
    expect(answers).toContain('generates')
    // What was stored last may be from before: then one more generates.
    for (const by of fleet) {
      await until('the new one is there', async () => {
        const visit = await lane.ask(by)
        expect(visit.body).not.toBe('old')
        if (visit.body === undefined) await visit.generate('new')
        return visit.body
      })
    }
  },
)
