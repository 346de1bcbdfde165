/** One decision of the cache, as Tiercel tells it. */
export type Decision = {
  call: 'get' | 'set' | 'invalidate'
  kind: string
  key: string
  tier: string
  outcome: string
  reason: string
}

/** As `cache-handler.js` keeps it. */
export type NotedDecision = Decision & { number: number; at: number }

export type Stats = { [name: string]: number | string | number[] | Stats }

/** What one instance has decided, and its counters. */
export type InstanceLog = { decisions: NotedDecision[]; stats: Stats }

/** Of every instance, in order; `null` for one that does not answer. */
export type CacheLog = { instances: (InstanceLog | null)[]; addresses: string[] }

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
