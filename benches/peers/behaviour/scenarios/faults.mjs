// @ts-check
/** Messages that are lost, instances and servers that stand still, leave and come back. */
import { pause } from '../../../../tools/time.mjs'
import { places, worstOf } from '../places.mjs'
import { bearable, firstAnswers, promptness, shared, worst } from '../verdicts.mjs'

/** @typedef {import('../scenarios.mjs').Scenario} Scenario */
/** @typedef {import('../fleet.mjs').Fleet} Fleet */
/** @typedef {import('../fleet.mjs').Member} Member */
/** @typedef {keyof typeof places} Kind */

const WITHIN_MS = 15_000
const AWAY_MS = 2_000
const TRIES = 4

/** @param {Fleet} fleet @param {Kind[]} kinds @param {Member[]} members */
async function primed(fleet, kinds, members) {
  const all = []
  for (const kind of kinds) {
    const slug = fleet.slug()
    all.push({ kind, slug, old: await fleet.prime(kind, slug, members) })
  }
  return all
}

/** @param {Fleet} fleet @param {Member} member @param {{ kind: Kind, slug: string }[]} all */
async function invalidated(fleet, member, all) {
  for (const { kind, slug } of all) await fleet.invalidate(member, kind, slug)
}

/** @param {Fleet} fleet @param {Member} member @param {{ kind: Kind, slug: string, old: number }[]} all */
async function staleness(fleet, member, all) {
  const seen = await Promise.all(
    all.map(async ({ kind, slug, old }) => {
      const ms = await fleet.staleFor(member, kind, slug, old, WITHIN_MS)
      return [places[kind].says, promptness(ms, WITHIN_MS)]
    }),
  )
  return worst(Object.fromEntries(seen))
}

/** @type {Scenario} */
const frozen = {
  name: 'frozen instance',
  group: 'Faults',
  what: 'An instance stands still during an invalidation: its first answers afterwards are new',
  isSpoiled: true,
  async run(fleet, kinds) {
    const [first, second] = fleet.members
    const all = []
    for (let n = 0; n < TRIES; n++) all.push(...(await primed(fleet, kinds, [first, second])))
    first.signal('SIGSTOP')
    let answers
    try {
      await invalidated(fleet, second, all)
      await pause(AWAY_MS)
      answers = all.map(({ kind, slug }) => fleet.data(first, kind, slug))
      for (const answer of answers) answer.catch(() => {})
      await pause(100)
    } finally {
      first.signal('SIGCONT')
    }
    const values = await Promise.all(answers)
    const stale = (/** @type {Kind} */ kind) =>
      all.filter((one, index) => one.kind === kind && values[index] <= one.old).length
    return worstOf(kinds, (kind) => firstAnswers(stale(kind), TRIES))
  },
}

/** @type {Scenario} */
const lost = {
  name: 'lost messages',
  group: 'Faults',
  what: 'All messages of pub/sub are lost: an invalidation elsewhere is seen all the same',
  isShared: true,
  isSpoiled: true,
  async run(fleet, kinds) {
    const [first, second] = fleet.members
    const all = await primed(fleet, kinds, [first, second])
    first.link.dropMessages(1)
    await invalidated(fleet, second, all)
    return staleness(fleet, first, all)
  },
}

/** @param {string} name @param {string} what @param {(fleet: Fleet) => Promise<unknown>} meanwhile @returns {Scenario} */
const cutOff = (name, what, meanwhile) => ({
  name,
  group: 'Faults',
  what,
  isShared: true,
  isSpoiled: true,
  async run(fleet, kinds) {
    const [first, second] = fleet.members
    const all = await primed(fleet, kinds, [first, second])
    await first.link.refuse()
    first.link.reset()
    await invalidated(fleet, second, all)
    await pause(AWAY_MS)
    await meanwhile(fleet)
    await first.link.accept()
    return staleness(fleet, first, all)
  },
})

/** Held answers and new ones. @param {Fleet} fleet @param {Member} member @param {{ kind: Kind, slug: string }[]} all */
async function answersOf(fleet, member, all) {
  const answers = []
  for (const { kind, slug } of all) {
    answers.push(await fleet.timed(member, places[kind].path(slug)))
    answers.push(await fleet.timed(member, places[kind].path(fleet.slug())))
  }
  return answers
}

/** @param {string} name @param {string} what @param {(redis: any) => unknown} stop @param {(redis: any) => unknown} resume @returns {Scenario} */
const without = (name, what, stop, resume) => ({
  name,
  group: 'Faults',
  what,
  isShared: true,
  isSpoiled: true,
  async run(fleet, kinds) {
    const [first] = fleet.members
    const all = await primed(fleet, kinds, [first])
    await stop(fleet.redis)
    try {
      const seen = await Promise.all(
        all.map(async (one) => [
          places[one.kind].says,
          bearable(await answersOf(fleet, first, [one])),
        ]),
      )
      return worst(Object.fromEntries(seen))
    } finally {
      await resume(fleet.redis)
    }
  },
})

/** @type {Scenario} */
const absent = {
  name: 'start without Redis',
  group: 'Faults',
  what: 'An instance starts while Redis is away: it answers',
  isShared: true,
  async run(fleet, kinds) {
    const member = await fleet.join({ isCut: true })
    return worstOf(kinds, async (kind) =>
      bearable([await fleet.timed(member, places[kind].path(fleet.slug()))]),
    )
  },
}

/** @type {Scenario} */
const recovered = {
  name: 'Redis comes back',
  group: 'Faults',
  what: 'Redis was restarted and is empty: five seconds later instances share again',
  isShared: true,
  isSpoiled: true,
  async run(fleet, kinds) {
    const [first, second] = fleet.members
    await fleet.redis.kill()
    await Promise.all(kinds.map((kind) => fleet.ask(first, kind, fleet.slug()).catch(() => {})))
    await fleet.redis.restart()
    await pause(5_000)
    return worstOf(kinds, async (kind) => {
      const slug = fleet.slug()
      await fleet.prime(kind, slug, [first])
      const before = await fleet.ask(first, kind, slug)
      const after = await fleet.ask(second, kind, slug)
      return shared(before.origin === after.origin)
    })
  },
}

/** @type {Scenario[]} */
export const scenarios = [
  absent,
  frozen,
  lost,
  cutOff(
    'cut off',
    'An instance loses its connection during an invalidation: once it is back, the data is new',
    async () => {},
  ),
  cutOff('lost data', 'The same, and Redis has lost all data meanwhile', (fleet) =>
    fleet.redis.command('FLUSHALL'),
  ),
  without(
    'frozen Redis',
    'Redis stands still: answers do not hang',
    (redis) => redis.pause(),
    (redis) => redis.resume(),
  ),
  without(
    'no Redis',
    'Redis is gone: answers do not hang',
    (redis) => redis.kill(),
    (redis) => redis.restart(),
  ),
  recovered,
]
