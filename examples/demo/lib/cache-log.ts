/** One decision of the cache, as `cache-handler.js` keeps it. */
export type Decision = {
  number: number
  at: number
  call: 'get' | 'set' | 'invalidate'
  kind: string
  key: string
  tier: string
  outcome: string
  reason: string
}

export type Stats = { [name: string]: number | string | Stats }

export type CacheLog = { decisions: Decision[]; stats: Stats }

const kinds: Record<string, string> = {
  USE_CACHE: 'use cache',
  APP_PAGE: 'page',
  APP_ROUTE: 'route',
  PAGES: 'pages router',
  FETCH: 'fetch',
  IMAGE: 'image',
  TAG: 'tag',
}

export const kindLabel = (kind: string) => kinds[kind] ?? kind
