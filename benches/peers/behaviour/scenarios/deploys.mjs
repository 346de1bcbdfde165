// @ts-check
/** Many requests at once, restarts, and instances of another build. */
import { pause } from '../../../../tools/time.mjs'
import { ASKED_BY_BUILDS } from '../apps.mjs'
import { PROCESSES, SETTLE_MS } from '../fleet.mjs'
import { places, worstOf } from '../places.mjs'
import { intact, promptness, shared, stampede } from '../verdicts.mjs'

/** @typedef {import('../scenarios.mjs').Scenario} Scenario */
/** @typedef {keyof typeof places} Kind */

const REQUESTS = 20
const GENERATION_MS = 400
/** More than the `revalidate` of the page. */
const UNTIL_STALE_MS = 2_500
const WITHIN_MS = 10_000

/** @param {import('../fleet.mjs').Fleet} fleet @param {string} path */
const flood = (fleet, path) =>
  Promise.all(
    fleet.members
      .slice(0, PROCESSES)
      .flatMap((member) =>
        Array.from({ length: REQUESTS }, async () => (await member.get(path)).status),
      ),
  )

/** @param {import('../fleet.mjs').Fleet} fleet @param {string} path @param {string} key */
async function flooded(fleet, path, key) {
  const before = fleet.origin.count(key)
  fleet.origin.delayMs = GENERATION_MS
  try {
    const broken = (await flood(fleet, path)).find((status) => status !== 200)
    if (broken) throw new Error(`status ${broken}`)
    await pause(2 * GENERATION_MS)
  } finally {
    fleet.origin.delayMs = 0
  }
  return stampede(fleet.origin.count(key) - before, PROCESSES, PROCESSES * REQUESTS)
}

/** @param {Kind} kind @param {string} what @returns {Scenario} */
const cold = (kind, what) => ({
  name: `stampede ${kind}`,
  group: `A stampede: ${PROCESSES} instances, ${REQUESTS} requests each`,
  what,
  needs: places[kind].needs,
  run(fleet) {
    const slug = fleet.slug()
    return flooded(fleet, places[kind].path(slug), places[kind].key(slug))
  },
})

/** @type {Scenario} */
const stale = {
  name: 'stampede stale',
  group: `A stampede: ${PROCESSES} instances, ${REQUESTS} requests each`,
  what: 'For a page that has become stale: rendered once',
  needs: 'page',
  async run(fleet) {
    const slug = fleet.slug()
    for (const member of fleet.members) await member.get(`/brief/${slug}`)
    await pause(UNTIL_STALE_MS)
    return flooded(fleet, `/brief/${slug}`, `brief-${slug}`)
  },
}

const GROUP = 'Restarts and deploys'

/** @type {Scenario} */
const prerendered = {
  name: 'prerendered',
  group: GROUP,
  what: 'The first request of a prerendered page is answered from the build',
  needs: 'page',
  async run(fleet) {
    const data = await fleet.data(await fleet.join(), 'page', 'built')
    return intact(data < ASKED_BY_BUILDS ? undefined : 'rendered again')
  },
}

/** @type {Scenario} */
const later = {
  name: 'later instance',
  group: GROUP,
  what: 'An instance that starts after an invalidation does not answer with its older build',
  needs: 'page',
  isSpoiled: true,
  async run(fleet) {
    const [first] = fleet.members
    const old = await fleet.prime('page', 'built', [first])
    await fleet.invalidate(first, 'page', 'built')
    await fleet.staleFor(first, 'page', 'built', old, WITHIN_MS)
    await pause(SETTLE_MS)
    const member = await fleet.join()
    const ms = await fleet.staleFor(member, 'page', 'built', ASKED_BY_BUILDS, WITHIN_MS)
    return promptness(ms, WITHIN_MS)
  },
}

/** @param {import('../fleet.mjs').Fleet} fleet @param {Kind[]} kinds @param {string} [build] */
async function surviving(fleet, kinds, build) {
  const [first] = fleet.members
  const all = []
  for (const kind of kinds) {
    const slug = fleet.slug()
    all.push({ kind, slug, old: await fleet.prime(kind, slug, [first]) })
  }
  const member = await fleet.join({ build })
  return worstOf(all, async ({ kind, slug, old }) =>
    shared((await fleet.data(member, kind, slug)) === old),
  )
}

/** @type {Scenario} */
const restart = {
  name: 'restart',
  group: GROUP,
  what: 'An instance that starts has what others generated',
  run: (fleet, kinds) => surviving(fleet, kinds),
}

/** Not `'use cache'`: Next.js puts the BUILD_ID into its keys. @type {Scenario} */
const data = {
  name: 'deploy data',
  group: GROUP,
  what: 'An instance of a new build has the data of a `fetch` and of `unstable_cache`',
  needs: 'page',
  run: (fleet) => surviving(fleet, ['fetch', 'unstable'], 'second'),
}

/** @type {Scenario} */
const mixed = {
  name: 'deploy page',
  group: GROUP,
  what: 'A new build does not answer with pages that the old build has rendered',
  needs: 'page',
  async run(fleet) {
    const [first] = fleet.members
    const slug = fleet.slug()
    await fleet.prime('page', slug, [first])
    const { generation } = await fleet.ask(first, 'page', slug)
    const member = await fleet.join({ build: 'second' })
    const shown = await fleet.ask(member, 'page', slug)
    return intact(shown.generation === generation ? 'the page of the old build' : undefined)
  },
}

/** @type {Scenario} */
const rolling = {
  name: 'deploy invalidation',
  group: GROUP,
  what: 'During a rolling deploy, an invalidation on the new build holds on the old one',
  async run(fleet, kinds) {
    const [first] = fleet.members
    const member = await fleet.join({ build: 'second' })
    return worstOf(kinds, async (kind) => {
      const slug = fleet.slug()
      const old = await fleet.prime(kind, slug, [first, member])
      await fleet.invalidate(member, kind, slug)
      return promptness(await fleet.staleFor(first, kind, slug, old, WITHIN_MS), WITHIN_MS)
    })
  },
}

/** @type {Scenario[]} */
export const scenarios = [
  cold('page', 'For a page that nobody has: rendered once'),
  cold('fetch', 'For a `fetch` that nobody has: asked once'),
  cold('use', "For a `'use cache'` function: run once"),
  stale,
  prerendered,
  restart,
  data,
  mixed,
  rolling,
  later,
]
