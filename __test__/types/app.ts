import {
  cache,
  clientIp,
  codes,
  counter,
  kv,
  lock,
  onConnection,
  onDecision,
  rateLimit,
  sessions,
  tokens,
  tryLock,
} from 'tiercel/app'

export const known: Promise<{ id: string }> = cache.getOrSet(
  'key',
  async ({ stale, signal }) => ({ id: `${stale?.value.id} ${signal.aborted}` }),
  { revalidate: '5m', tags: ['a'], preset: 'own' },
)
export const wrapped: Promise<number> = cache.wrap((id: string, n: number) => id.length + n, {
  key: (id) => id,
})('x', 1)
// @ts-expect-error: a number is wanted
cache.wrap((n: number) => n, { key: 'fn' })('x')
export const several: Promise<string[]> = cache
  .namespace('a', { preset: 'catalog' })
  .getOrSetMany(['x'], async (missing, { of }) => {
    of('x').setOptions({ expire: '1h' })
    return missing
  })
export const read: Promise<Date | undefined> = cache.get<Date>('key', { shared: true })
// @ts-expect-error: no such unit
cache.set('key', 1, { revalidate: '5y' })
// @ts-expect-error: no such option
cache.invalidateTags(['a'], { hard: true })

export const text: Promise<string | null> = kv('a').get('key')
export const bytes: Promise<Buffer | null> = kv('a', { values: 'bytes' }).get('key')
export const json: Promise<{ a: 1 } | null> = kv<{ a: 1 }>('a', { values: 'json' }).get('key')
// @ts-expect-error: a text is wanted
kv('a').set('key', 5)
// @ts-expect-error: no such unit
kv('a', { ttl: '5y' })

export const data: Promise<{ data: number } | null> = tokens<number>().consume('x')
export const code = codes()
  .issue('x')
  .then((told) => (told.issued ? told.code : told.retryAfterMs))

export const held: Promise<number> = lock('key', { ttl: '5s' }, ({ token }) => token)
export const tried: Promise<string | undefined> = tryLock('key', () => 'x').then((told) =>
  told.acquired ? told.value : undefined,
)

export const limiter = rateLimit({ name: 'a', limit: 5, window: '1m', onError: 'closed' })
rateLimit({ name: 'a', windows: [{ limit: 5, window: 1, algorithm: 'token-bucket', burst: 9 }] })
// @ts-expect-error: without a window
rateLimit({ name: 'a', limit: 5 })
const tiers = rateLimit.tiers({ anonymous: { limit: 5, window: '1m' }, pro: limiter })
tiers.limit('pro', 'id')
// @ts-expect-error: no such tier
tiers.limit('other', 'id')
export const GET = limiter.route((request: Request) => new Response(request.url), {
  id: (request) => clientIp(request) ?? 'unknown',
})

rateLimit({ name: 'a', limit: 5, window: 1, mode: 'fast' })
const renders = rateLimit.concurrency({ name: 'a', limit: 5 })
export const ran: Promise<number> = renders.run('id', { waitMs: 5 }, ({ remaining }) => remaining)
export const POST = renders.route(async () => new Response(), { id: () => 'all' })
// @ts-expect-error: without a limit
rateLimit.concurrency({ name: 'a' })

const views = counter('views', { flushMs: 50, bucket: '1h', history: '1d' })
views.add('id', 5)
export const sum: Promise<number> = views
  .get('id')
  .then(async (all) => all + (await views.reset('id')))
export const first: Promise<string | undefined> = views.top(3).then(([one]) => one?.id)
// @ts-expect-error: a text is wanted
views.unique('id', 5)

export const role: Promise<string | undefined> = sessions<{ role: string }>()
  .get('id')
  .then((session) => session?.data.role)

export const ends: (() => void)[] = [
  onDecision((decisions) => decisions.filter(({ outcome }) => outcome === 'miss').length, {
    onError: (_, [first]) => first?.key,
  }),
  onConnection(async ({ state, reason }) => [state === 'away', reason?.code]),
]
// @ts-expect-error: it has no name
onDecision(() => {}, { name: 'x' })
