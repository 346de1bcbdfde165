// @ts-check

/**
 * Caches that an app may come from, and their settings in terms of Tiercel.
 *
 * @typedef {object} Becomes the equivalent of a setting
 * @property {string} [option] of Tiercel; the value is taken over if `as` can read it
 * @property {(value: any) => unknown} [as] the value for that option; nothing if it does not fit
 * @property {string} [variable] the variable of Tiercel, where the value comes from the environment
 * @property {string} [say] a line for the user
 */

/** @type {{ name: string, packages: RegExp }[]} */
const PEERS = [
  {
    name: '@fortedigital/nextjs-cache-handler',
    packages: /['"]@fortedigital\/nextjs-cache-handler/,
  },
  { name: '@neshca/cache-handler', packages: /['"]@neshca\/cache-handler/ },
  {
    name: '@trieb.work/nextjs-turbo-redis-cache',
    packages: /['"]@trieb\.work\/nextjs-turbo-redis-cache/,
  },
  { name: '@leejpsd/nextjs-cache-handler', packages: /['"]@leejpsd\/nextjs-cache-handler/ },
  {
    name: '@mrjasonroy/cache-components-cache-handler',
    packages: /['"]@mrjasonroy\/(?:cache-components-cache-handler|better-nextjs-cache-handler)/,
  },
  {
    name: "a handler of the app's own, on redis or ioredis",
    packages: /['"](?:redis|ioredis|@redis\/client)['"]/,
  },
]

/** @param {number} least @param {number} most */
const between = (least, most) => (/** @type {unknown} */ value) =>
  typeof value === 'number' ? Math.min(Math.max(Math.round(value), least), most) : undefined

const isTrue = (/** @type {unknown} */ value) => (value === true ? true : undefined)
const isFalse = (/** @type {unknown} */ value) => (value === false ? false : undefined)

/** @param {unknown} value */
function asNamespace(value) {
  const name = String(value).replace(/[:._-]+$/, '')
  return typeof value === 'string' && /^[\w.:-]{1,64}$/.test(name) ? name : undefined
}

/** @param {unknown} value */
function asUrl(value) {
  const isPlain = typeof value === 'string' && /^rediss?:\/\/[^@\s]+$/.test(value)
  return isPlain && !/\/\/(?:localhost|127\.0\.0\.1)\b/.test(value) ? value : undefined
}

const MADE = 'Tiercel looks after that itself'
const LIFETIMES = 'entries are kept for as long as Next.js may serve them; there is no option'
const TAGS = 'the table of tags is part of the protocol; there is no option'
const LEADERS = 'one instance generates for all, always; docs/stampede.md'
const URLS = 'the URL says it: redis+cluster:// or redis+sentinel://, see docs/redis.md'

/** @type {Record<string, Becomes>} */
const SETTINGS = {
  url: { option: 'redisUrl', as: asUrl, variable: 'TIERCEL_REDIS_URL' },
  redisUrl: { option: 'redisUrl', as: asUrl, variable: 'TIERCEL_REDIS_URL' },
  endpoint: {
    variable: 'TIERCEL_REDIS_URL',
    say: 'it is the host in TIERCEL_REDIS_URL=rediss://<endpoint>:6379',
  },
  password: { variable: 'TIERCEL_REDIS_PASSWORD', say: 'set TIERCEL_REDIS_PASSWORD' },
  username: { option: 'redisUsername', as: asNamespace, variable: 'TIERCEL_REDIS_USERNAME' },
  database: { option: 'redisDatabase', as: between(0, 255), variable: 'TIERCEL_REDIS_DATABASE' },
  keyPrefix: { option: 'namespace', as: asNamespace, variable: 'TIERCEL_NAMESPACE' },
  tls: { option: 'redisTls', as: isTrue, variable: 'TIERCEL_REDIS_TLS' },
  rejectUnauthorized: { option: 'redisTlsVerify', as: isFalse },
  timeoutMs: { option: 'commandTimeoutMs', as: between(10, 2_000) },
  getTimeoutMs: { option: 'commandTimeoutMs', as: between(10, 2_000) },
  abortTimeoutMs: { option: 'commandTimeoutMs', as: between(10, 2_000) },
  connectTimeout: { option: 'connectTimeoutMs', as: between(100, 30_000) },
  maxItemSizeBytes: {
    option: 'maxEntryMb',
    as: (value) => between(1, 1_024)(Math.ceil(value / 2 ** 20)),
  },
  debug: { option: 'debug', as: isTrue, variable: 'TIERCEL_DEBUG' },
  buildNamespace: {
    say: 'builds are told apart by themselves; TIERCEL_BUILD_NAME is for fleets whose instances build for themselves',
  },
  compression: { say: 'entries are compressed, unless compress is false' },
  maxItemsNumber: { say: 'memory is bounded in bytes: memoryMb, 64 by default' },
  memoryMaxEntries: { say: 'memory is bounded in bytes: memoryMb, 64 by default' },
  inMemoryCachingTime: {
    say: 'memory answers as long as an entry is fresh, and knows every invalidation',
  },
  redisGetDeduplication: { say: MADE },
  singleFlight: { say: LEADERS },
  singleFlightLockTtlSec: { say: LEADERS },
  staleWhileRevalidate: { say: MADE },
  isBuildPhase: { say: 'next build does not connect, unless redisInBuild is true' },
  fallback: { say: 'memory goes on while Redis is away, for outageServeMs' },
  hashTag: { say: 'keys of a cluster are spread by themselves' },
  nodes: { say: URLS },
  rootNodes: { say: URLS },
  sentinels: { say: URLS },
  sentinelPassword: {
    variable: 'TIERCEL_REDIS_SENTINEL_PASSWORD',
    say: 'set TIERCEL_REDIS_SENTINEL_PASSWORD',
  },
  defaultStaleAge: { say: LIFETIMES },
  estimateExpireAge: { say: LIFETIMES },
  useTtl: { say: LIFETIMES },
  ttl: { say: LIFETIMES },
  keyExpirationStrategy: { say: LIFETIMES },
  sharedTagsKey: { say: TAGS },
  sharedTagsTtlKey: { say: TAGS },
  tagPrefix: { say: TAGS },
  revalidateTagQuerySize: { say: TAGS },
  avgResyncIntervalMs: { say: TAGS },
  killContainerOnErrorThreshold: {
    say: 'there is none; ready() is for probes, see docs/deploy.md',
  },
  valueSerializer: {
    say: 'there is none: entries are compressed, and authenticated with `secret`, not encrypted',
  },
  setStrategy: {
    say: 'there is none: memory holds what is asked for; tiercel/memory is for one kind of use cache',
  },
  onMetric: { say: 'stats() and debug tell; see docs/observability.md' },
  logger: { say: 'stats() and debug tell; see docs/observability.md' },
}

/** Variables that peers read, and their equivalents. @type {Record<string, string>} */
const VARIABLES = {
  REDISHOST: 'TIERCEL_REDIS_URL=redis://$REDISHOST:$REDISPORT',
  REDIS_HOST: 'TIERCEL_REDIS_URL=redis://$REDIS_HOST:$REDIS_PORT',
  VALKEY_URL: 'TIERCEL_REDIS_URL=$VALKEY_URL',
  REDIS_PASSWORD: 'TIERCEL_REDIS_PASSWORD=$REDIS_PASSWORD',
  REDIS_ACCESS_KEY: 'TIERCEL_REDIS_PASSWORD=$REDIS_ACCESS_KEY',
  ELASTICACHE_ENDPOINT: 'TIERCEL_REDIS_URL=rediss://$ELASTICACHE_ENDPOINT:$ELASTICACHE_PORT',
  ELASTICACHE_AUTH_TOKEN: 'TIERCEL_REDIS_PASSWORD=$ELASTICACHE_AUTH_TOKEN',
  KEY_PREFIX: 'TIERCEL_NAMESPACE=$KEY_PREFIX',
  REDIS_COMMAND_TIMEOUT_MS: 'TIERCEL_COMMAND_TIMEOUT_MS=$REDIS_COMMAND_TIMEOUT_MS',
  DEBUG_CACHE_HANDLER: 'TIERCEL_DEBUG=1',
}

/** What a peer does in addition to caching for Next.js, by what its users import. */
const BESIDE = /** @type {Record<string, string>} */ ({
  registerInitialCache: 'remove it: the output of the build is read by itself',
  neshCache: "has no equivalent: use unstable_cache or 'use cache'",
  neshClassicCache: 'has no equivalent: use unstable_cache or fetch',
})

module.exports = { PEERS, SETTINGS, VARIABLES, BESIDE }
