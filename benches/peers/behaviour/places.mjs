// @ts-check
/** The places of the app: what a scenario asks for. */
import { worst } from './verdicts.mjs'

/**
 * @typedef {object} Place
 * @property {string} says its name in a cell
 * @property {'page' | 'use'} needs the interface that caches it
 * @property {(slug: string) => string} path
 * @property {(slug: string) => string} tag
 * @property {(slug: string) => string} key that the origin is asked for
 * @property {boolean} [isPagesRouter] invalidated by `res.revalidate`
 */

/** @param {string} name @param {Omit<Place, 'tag' | 'key' | 'needs'> & { needs?: 'use' }} own @returns {Place} */
const place = (name, own) => ({
  needs: 'page',
  tag: (slug) => `${name}-${slug}`,
  key: (slug) => `${name}-${slug}`,
  ...own,
})

export const places = {
  page: place('page', { says: 'page', path: (slug) => `/page/${slug}` }),
  route: place('route', { says: 'route', path: (slug) => `/api/route/${slug}` }),
  legacy: place('legacy', {
    says: 'Pages Router',
    path: (slug) => `/legacy/${slug}`,
    isPagesRouter: true,
  }),
  fetch: place('fetch', { says: 'fetch', path: (slug) => `/api/fetch?name=${slug}` }),
  unstable: place('unstable', {
    says: 'unstable_cache',
    path: (slug) => `/api/unstable?name=${slug}`,
  }),
  use: place('use', {
    says: "'use cache'",
    needs: 'use',
    path: (slug) => `/api/use?name=${slug}`,
  }),
}

/** @typedef {keyof typeof places} Kind */

/**
 * The worst of what is seen at several places, one after the other.
 *
 * @template {Kind | { kind: Kind }} One
 * @param {One[]} all
 * @param {(one: One) => import('./verdicts.mjs').Outcome | Promise<import('./verdicts.mjs').Outcome>} judge
 */
export async function worstOf(all, judge) {
  /** @type {Record<string, import('./verdicts.mjs').Outcome>} */
  const seen = {}
  for (const one of all) {
    const kind = /** @type {Kind} */ (typeof one === 'string' ? one : one.kind)
    seen[places[kind].says] = await judge(one)
  }
  return worst(seen)
}
