/** One entry of each kind on an instance: how it is stored, found, and how its body is read. */
import { fetched, page, tagged } from '../unit/support.mjs'
import { image } from '../unit/values.mjs'

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
  PAGES: ({ html }) => html,
  IMAGE: ({ buffer }) => String(buffer),
}

/** How long an entry is fresh, and how long it may be served, in seconds. */
const HOUR = { revalidate: 3600, expire: 31_536_000 }

const inContext = (life) => ({ cacheControl: life })

/** `cacheHandler`: `set(by, key, body, tags)` in a request of its own, or in one that has begun. */
function singular(kind, holding, contextOf = inContext) {
  return {
    set: (by, key, body, tags = [], life = HOUR) =>
      by.set(key, holding(body, tags, life), contextOf(life, tags)),
    async read(by, key, softTags = []) {
      const found = await by.get(kind, key, { tags: [], softTags })
      return found ? bodyOf[kind](found.value) : undefined
    },
    /** What Next.js is told of it; `more` of the context of the get. */
    async terms(by, key, softTags = [], more = {}) {
      const found = await by.get(kind, key, { tags: [], softTags, ...more })
      return found ? { ...found, body: bodyOf[kind](found.value) } : undefined
    },
  }
}

export const kinds = {
  page: singular('APP_PAGE', (html, tags) => page({ html, ...tagged(...tags) })),
  route: singular('APP_ROUTE', (body, tags) => route(body, tagged(...tags))),
  fetch: singular(
    'FETCH',
    (body, _, { revalidate }) => fetched(body, { revalidate }),
    (_, tags) => ({ fetchCache: true, tags }),
  ),
  'use cache': {
    set: (by, key, body, tags = [], life = {}) => by.useSet(key, body, { tags, ...life }),
    async read(by, key, softTags = []) {
      const found = await by.useGet(key, softTags)
      return found && String(found.value)
    },
    async terms(by, key, softTags = [], { unit } = {}) {
      const found = await by.useGet(key, softTags, unit)
      return found && { ...found, body: String(found.value) }
    },
  },
}

/** Kinds that have no tags. */
export const untagged = {
  'pages router': singular('PAGES', (html) => ({
    kind: 'PAGES',
    html,
    pageData: {},
    headers: {},
    status: 200,
  })),
  image: singular('IMAGE', (body) => image(Buffer.from(body))),
}

/** Whether Next.js takes an answer for a stale one, by the clock of its process. */
export function isStale({ revalidate, timestamp, lastModified, cacheControl, value }, now) {
  const secs = revalidate ?? cacheControl?.revalidate ?? value.revalidate
  return (timestamp ?? lastModified) + secs * 1_000 < now
}
