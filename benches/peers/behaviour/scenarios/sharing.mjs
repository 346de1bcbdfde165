// @ts-check
/** What another instance has of what one has generated. */
import { pause } from '../../../../tools/time.mjs'
import { SETTLE_MS } from '../fleet.mjs'
import { places } from '../places.mjs'
import { intact, quietness, shared } from '../verdicts.mjs'

/** @typedef {import('../scenarios.mjs').Scenario} Scenario */
/** @typedef {import('../fleet.mjs').Fleet} Fleet */

const HITS = 200

/** @param {keyof typeof places} kind @param {string} what @returns {Scenario} */
const sharing = (kind, what) => ({
  name: `share ${kind}`,
  group: 'Sharing',
  what,
  needs: places[kind].needs,
  async run(fleet) {
    const slug = fleet.slug()
    const [first, second] = fleet.members
    const before = await fleet.ask(first, kind, slug)
    await pause(SETTLE_MS)
    const after = await fleet.ask(second, kind, slug)
    const isSame = after.generation === before.generation && after.origin === before.origin
    return shared(isSame && fleet.asked(kind, slug) === 1)
  },
})

/**
 * What an answer has to be on the instance that generated it, and on one that did not.
 *
 * @param {string} name @param {string} what @param {'page' | 'use'} needs
 * @param {(slug: string) => string} path
 * @param {(slug: string) => string} key
 * @param {(reply: any) => string | undefined} wrong
 * @returns {Scenario}
 */
const kept = (name, what, needs, path, key, wrong) => ({
  name,
  group: 'What comes back',
  what,
  needs,
  async run(fleet) {
    const slug = fleet.slug()
    const [first, second] = fleet.members
    const made = wrong(await first.get(path(slug)))
    if (made) return intact(`at once: ${made}`)
    await pause(SETTLE_MS)
    const before = wrong(await first.get(path(slug)))
    if (before) return intact(`by itself: ${before}`)
    const after = wrong(await second.get(path(slug)))
    if (after) return intact(`elsewhere: ${after}`)
    const count = fleet.origin.count(key(slug)) - 1_000
    return intact(undefined, count > 1)
  },
})

/** @param {{ bytes: Buffer, status: number }} reply */
function wrongBytes({ bytes, status }) {
  if (status !== 200) return `status ${status}`
  const isRight = bytes.length === 256 && bytes.every((byte, index) => byte === index)
  return isRight ? undefined : `other bytes (${bytes.length} of 256)`
}

/** @param {any} reply */
function wrongHeaders(reply) {
  const cookies = reply.headers.getSetCookie().length
  return wrongBytes(reply) ?? (cookies === 2 ? undefined : `${cookies} of 2 cookies`)
}

/** @param {number} status @returns {(reply: any) => string | undefined} */
const notStatus = (status) => (reply) =>
  reply.status === status ? undefined : `status ${reply.status}`

/** A page that one instance rendered, as a navigation of the router gets it from another one. */
const navigation = /** @type {Scenario} */ ({
  name: 'navigation',
  group: 'What comes back',
  what: 'A navigation gets the payload of a page that another instance rendered',
  needs: 'page',
  async run(fleet) {
    const slug = fleet.slug()
    const [first, second] = fleet.members
    const { generation } = await fleet.ask(first, 'page', slug)
    await pause(SETTLE_MS)
    const reply = await second.navigate(`/page/${slug}`)
    if (reply.status !== 200) return intact(`status ${reply.status}`)
    if (!/text\/x-component/.test(reply.headers.get('content-type'))) return intact('no payload')
    return intact(undefined, reply.generation !== generation)
  },
})

/** @type {Scenario} */
const prefetch = {
  name: 'prefetch',
  group: 'What comes back',
  what: 'So does a prefetch of a segment',
  needs: 'page',
  async run(fleet) {
    const slug = fleet.slug()
    const [first, second] = fleet.members
    await fleet.ask(first, 'page', slug)
    await pause(SETTLE_MS)
    const [own, other] = await Promise.all(
      [first, second].map((member) => member.prefetch(`/page/${slug}`, '/_tree')),
    )
    if (other.status !== own.status) return intact(`status ${other.status}, not ${own.status}`)
    if (other.status === 200 && !other.bytes.equals(own.bytes)) return intact('other bytes')
    const count = fleet.asked('page', slug)
    if (other.status >= 400) return intact(`status ${other.status}`)
    return intact(undefined, count > 1)
  },
}

/** @param {keyof typeof places} kind @param {string} what @returns {Scenario} */
const quiet = (kind, what) => ({
  name: `traffic ${kind}`,
  group: 'Sharing',
  what,
  needs: places[kind].needs,
  isShared: true,
  async run(fleet) {
    const slug = fleet.slug()
    const [member] = fleet.members
    await fleet.prime(kind, slug, [member])
    const total = () => member.link.bytes.up + member.link.bytes.down
    const before = total()
    for (let n = 0; n < HITS; n++) await fleet.ask(member, kind, slug)
    return quietness(total() - before, HITS)
  },
})

/** @type {Scenario[]} */
export const scenarios = [
  sharing('page', 'A page that one instance rendered is not rendered by another one'),
  sharing('route', 'The same for a route handler'),
  sharing('legacy', 'The same for a page of the Pages Router'),
  sharing('fetch', 'The same for a `fetch`'),
  sharing('unstable', 'The same for `unstable_cache`'),
  sharing('use', "The same for `'use cache'`"),
  quiet('fetch', 'A hit of a `fetch` that the instance has makes no call of Redis'),
  quiet('use', "The same for `'use cache'`"),
  navigation,
  prefetch,
  kept(
    'not found',
    'A page that is not found stays a 404, and is rendered once',
    'page',
    (slug) => `/gone/${slug}`,
    (slug) => `gone-${slug}`,
    notStatus(404),
  ),
  kept(
    'redirect',
    'A page that redirects still does, and is rendered once',
    'page',
    (slug) => `/moved/${slug}`,
    (slug) => `moved-${slug}`,
    notStatus(307),
  ),
  kept(
    'bytes route',
    'All 256 bytes and both cookies of a route handler',
    'page',
    (slug) => `/api/bytes/${slug}`,
    (slug) => `bytes-${slug}`,
    wrongHeaders,
  ),
  kept(
    'bytes use',
    "All 256 bytes of a `Uint8Array` from `'use cache'`",
    'use',
    (slug) => `/api/use?bytes&name=${slug}`,
    (slug) => `use-bytes-${slug}`,
    wrongBytes,
  ),
]
