/** One entry of each kind on an instance: how it is stored, found, and how its body is read. */
import { fetched, hour, page, tagged } from '../unit/support.mjs'

const route = (body, more) => ({
  kind: 'APP_ROUTE',
  body: Buffer.from(body),
  status: 200,
  headers: {},
  ...more,
})

const bodyOf = {
  APP_PAGE: ({ html }) => html,
  APP_ROUTE: ({ body }) => String(body),
  FETCH: ({ data }) => data.body,
}

/** `cacheHandler`: `set(by, key, body, tags)` in a request of its own, or in one that has begun. */
function singular(kind, holding, contextOf) {
  return {
    set: (by, key, body, tags = []) => by.set(key, holding(body, tags), contextOf(tags)),
    async read(by, key, softTags = []) {
      const found = await by.get(kind, key, { tags: [], softTags })
      return found ? bodyOf[kind](found.value) : undefined
    },
    /** What Next.js is told of it, but for its body. */
    async terms(by, key, softTags = []) {
      const found = await by.get(kind, key, { tags: [], softTags })
      return found ?? undefined
    },
  }
}

export const kinds = {
  page: singular(
    'APP_PAGE',
    (html, tags) => page({ html, ...tagged(...tags) }),
    () => hour,
  ),
  route: singular(
    'APP_ROUTE',
    (body, tags) => route(body, tagged(...tags)),
    () => hour,
  ),
  fetch: singular(
    'FETCH',
    (body) => fetched(body),
    (tags) => ({ fetchCache: true, tags }),
  ),
  'use cache': {
    set: (by, key, body, tags = []) => by.useSet(key, body, { tags }),
    async read(by, key, softTags = []) {
      const found = await by.useGet(key, softTags)
      return found && String(found.value)
    },
    terms: (by, key, softTags = []) => by.useGet(key, softTags),
  },
}

/** Whether Next.js is told that an answer is stale: older than it is, or already past its time. */
export const isStale = ({ revalidate, lastModified }, now) =>
  revalidate === -1 || lastModified < now - 1_900
