// @ts-check
/** What an invalidation on one instance does on another one. */
import { pause } from '../../../../tools/time.mjs'
import { SETTLE_MS } from '../fleet.mjs'
import { places } from '../places.mjs'
import { promptness, returned } from '../verdicts.mjs'

/** @typedef {import('../scenarios.mjs').Scenario} Scenario */
/** @typedef {keyof typeof places} Kind */

const WITHIN_MS = 10_000
/** How long a render takes during which something is invalidated, and when that is. */
const RENDER_MS = 1_500
const MIDDLE_MS = 500

/**
 * @param {string} name @param {string} what @param {Kind} kind
 * @param {(fleet: import('../fleet.mjs').Fleet, member: any, slug: string) => Promise<unknown>} invalidate
 * @param {string} [suffix] of the names
 * @returns {Scenario}
 */
const elsewhere = (name, what, kind, invalidate, suffix = '') => ({
  name,
  group: 'Invalidated on another instance',
  what,
  needs: places[kind].needs,
  async run(fleet) {
    const slug = fleet.slug() + suffix
    const [first, second] = fleet.members
    const old = await fleet.prime(kind, slug, [first, second])
    await invalidate(fleet, second, slug)
    return promptness(await fleet.staleFor(first, kind, slug, old, WITHIN_MS), WITHIN_MS)
  },
})

/** @param {Kind} kind @param {string} what */
const byTag = (kind, what) =>
  elsewhere(`tag ${kind}`, what, kind, (fleet, member, slug) =>
    fleet.invalidate(member, kind, slug),
  )

/** @param {Kind} kind @param {string} what */
const soft = (kind, what) =>
  elsewhere(`soft ${kind}`, what, kind, (fleet, member, slug) =>
    fleet.invalidate(member, kind, slug, 'max'),
  )

const NOT_ASCII = '-ü-日本-ß'

/** @param {string} path @param {string} [how] */
const byPath = (path, how) => async (/** @type {any} */ member) => {
  const { status } = await member.invalidate({ path, ...(how && { how }) })
  if (status !== 200) throw new Error(`the invalidation: status ${status}`)
}

/**
 * An invalidation while a render is under way that has read the data already.
 *
 * @param {Kind} kind @param {'own' | 'other'} where @param {string} what @returns {Scenario}
 */
const overlap = (kind, where, what) => ({
  name: `overlap ${kind} ${where}`,
  group: 'Invalidated during a generation',
  what,
  needs: places[kind].needs,
  async run(fleet) {
    const slug = fleet.slug()
    const [first, second] = fleet.members
    fleet.origin.delayMs = RENDER_MS
    const rendered = fleet.data(first, kind, slug)
    // It is awaited later, and may fail before.
    rendered.catch(() => {})
    try {
      await pause(MIDDLE_MS)
      await fleet.invalidate(where === 'own' ? first : second, kind, slug)
      const old = await rendered
      fleet.origin.delayMs = 0
      await pause(SETTLE_MS)
      const after = []
      for (const member of fleet.members) after.push(await fleet.data(member, kind, slug))
      return returned(old, after)
    } finally {
      fleet.origin.delayMs = 0
      await rendered.catch(() => {})
    }
  },
})

/** Spoils: everything is invalidated, and what `next build` made, too. @type {Scenario} */
const layout = {
  ...elsewhere('path layout', 'Everything below a layout', 'page', (_, member) =>
    byPath('/', 'layout')(member),
  ),
  isSpoiled: true,
}

/** @type {Scenario[]} */
export const scenarios = [
  byTag('page', 'A page by its tag: new on the other instance'),
  elsewhere('path page', 'A page by its path', 'page', (_, member, slug) =>
    byPath(`/page/${slug}`)(member),
  ),
  elsewhere('path pattern', 'All pages of a route by its pattern', 'page', (_, member) =>
    byPath('/page/[slug]', 'page')(member),
  ),
  soft('page', "A page with `revalidateTag(tag, 'max')`: stale answers end"),
  byTag('route', 'A route handler by its tag'),
  byTag('legacy', 'A page of the Pages Router by `res.revalidate`'),
  byTag('fetch', 'A `fetch` by its tag'),
  byTag('unstable', '`unstable_cache` by its tag'),
  byTag('use', "`'use cache'` by its tag"),
  soft('use', "`'use cache'` with `revalidateTag(tag, 'max')`: stale answers end"),
  elsewhere(
    'tag unicode',
    'A `fetch` by a tag with characters beyond ASCII',
    'fetch',
    (fleet, member, slug) => fleet.invalidate(member, 'fetch', slug),
    NOT_ASCII,
  ),
  elsewhere(
    'path unicode',
    'A page by a path with characters beyond ASCII',
    'page',
    (_, member, slug) => byPath(`/page/${slug}`)(member),
    NOT_ASCII,
  ),
  overlap('page', 'own', 'The instance that renders a page: old data does not come back'),
  overlap('page', 'other', 'Another instance than the one that renders the page'),
  overlap('fetch', 'other', 'The same for a `fetch`'),
  overlap('use', 'own', "The instance that runs a `'use cache'` function"),
  overlap('use', 'other', 'Another instance than the one that runs the function'),
  layout,
]
