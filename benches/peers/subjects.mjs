// @ts-check
/**
 * The subjects: each peer set up as its documentation says, with its defaults; Next's own caches;
 * the least that JavaScript can do (../shared/ideal.mjs); Tiercel.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ideal } from '../shared/ideal.mjs'
import { load } from './install.mjs'
import { load as loadWithRedis4 } from './redis4/load.mjs'

/** The default of `cacheMaxMemorySize`. */
const NEXT_MEMORY = 50 << 20

/**
 * @typedef {{ url: string, dir: string }} At the server; the folder that is the app's
 *
 * @typedef {object} Opened
 * @property {() => any} [request] an instance of `cacheHandler`: Next.js makes one for each request
 * @property {any} [use] a handler of `cacheHandlers`
 * @property {() => Promise<void>} [settled] resolves when the server has all values that were set
 *
 * @typedef {object} Subject
 * @property {string} [package] printed with its version
 * @property {('page' | 'use')[]} interfaces
 * @property {boolean} [isBare] invalidates nothing
 * @property {Record<string, string>} [env]
 * @property {() => Promise<any>} load what an app loads
 * @property {(modules: any, at: At) => Promise<Opened>} open
 */

/** What Next.js passes to a constructor. @param {string} dir @param {any} [fs] */
const context = (dir, fs) => ({
  dev: false,
  fs,
  flushToDisk: true,
  serverDistDir: join(dir, '.next', 'server'),
  revalidatedTags: [],
  maxMemoryCacheSize: NEXT_MEMORY,
  _requestHeaders: {},
})

/** @param {any} Handler @param {At} at */
const made =
  (Handler, { dir }) =>
  () =>
    new Handler(context(dir))

/**
 * The quick start of `@neshca/cache-handler` and of what grew out of it.
 * @param {string} name
 * @param {(name: string) => Promise<any>} from
 * @returns {Pick<Subject, 'load' | 'open'>}
 */
const overRedisStrings = (name, from) => ({
  load: async () => ({
    handler: await from(name),
    strings: await from(`${name}/redis-strings`),
    redis: await from('redis'),
  }),
  async open({ handler: { CacheHandler }, strings, redis }, at) {
    const client = redis.createClient({ url: at.url })
    await client.connect()
    CacheHandler.onCreation(() => ({
      handlers: [strings.default({ client, keyPrefix: 'bench:' })],
    }))
    return { request: made(CacheHandler, at) }
  },
})

/** @type {Record<string, Subject>} */
export const subjects = {
  Tiercel: {
    interfaces: ['page', 'use'],
    // A burst of sets as here fills the default, and what does not fit is not shared.
    env: { TIERCEL_NAMESPACE: 'bench', TIERCEL_WRITE_QUEUE_MB: '1024' },
    load: async () => createRequire(import.meta.url)('../../index.js'),
    async open(Tiercel, at) {
      const request = made(Tiercel, at)
      request()
      const shared = () => Tiercel.stats().shared
      for (let tries = 0; !(shared()?.leaseMs > 0) && tries < 1_000; tries++) await sleep(5)
      // Except for the at most four writes under way.
      const settled = async () => {
        while (shared().queuedWrites > 0) await sleep(1)
      }
      return { request, use: Tiercel, settled }
    },
  },

  'ideal JavaScript': {
    interfaces: ['page', 'use'],
    isBare: true,
    load: async () => ideal,
    async open(open, { url }) {
      const { incremental, use } = await open(url)
      return { request: () => incremental, use }
    },
  },

  "Next's own": {
    package: 'next',
    interfaces: ['page', 'use'],
    load: async () => ({
      files: await load('next/dist/server/lib/incremental-cache/file-system-cache.js'),
      memory: await load('next/dist/server/lib/cache-handlers/default.js'),
      fs: await load('next/dist/server/lib/node-fs-methods.js'),
    }),
    async open({ files, memory, fs }, { dir }) {
      const FileSystemCache = files.default.default ?? files.default
      const { createDefaultCacheHandler } = memory.default ?? memory
      const { nodeFs } = fs.default ?? fs
      return {
        request: () => new FileSystemCache(context(dir, nodeFs)),
        use: createDefaultCacheHandler(NEXT_MEMORY),
      }
    },
  },

  leejpsd: {
    package: '@leejpsd/nextjs-cache-handler',
    interfaces: ['page', 'use'],
    env: { DEPLOYMENT_VERSION: 'bench' },
    load: async () => ({
      pages: await load('@leejpsd/nextjs-cache-handler/incremental'),
      uses: await load('@leejpsd/nextjs-cache-handler/cache-components'),
    }),
    async open({ pages, uses }, at) {
      const how = { client: { type: 'redis', url: at.url }, abortTimeoutMs: 1_500 }
      return {
        request: made(pages.createIncrementalCacheHandler(how), at),
        use: uses.createCacheComponentsHandler(how),
      }
    },
  },

  'trieb.work': {
    package: '@trieb.work/nextjs-turbo-redis-cache',
    interfaces: ['page', 'use'],
    env: { VERCEL_ENV: 'production', KEY_PREFIX: 'bench' },
    load: () => loadWithRedis4('@trieb.work/nextjs-turbo-redis-cache'),
    open: async (found, at) => ({
      request: made(found.default.default ?? found.default, at),
      use: found.redisCacheHandler,
    }),
  },

  mrjasonroy: {
    package: '@mrjasonroy/cache-components-cache-handler',
    interfaces: ['use'],
    load: () => load('@mrjasonroy/cache-components-cache-handler'),
    open: async ({ createCacheHandler }) => ({ use: createCacheHandler({ type: 'redis' }) }),
  },

  fortedigital: {
    package: '@fortedigital/nextjs-cache-handler',
    interfaces: ['page'],
    ...overRedisStrings('@fortedigital/nextjs-cache-handler', load),
  },

  neshca: {
    package: '@neshca/cache-handler',
    interfaces: ['page'],
    ...overRedisStrings('@neshca/cache-handler', loadWithRedis4),
  },

  nimpl: {
    package: '@nimpl/cache-redis',
    interfaces: ['use'],
    load: () => load('@nimpl/cache-redis'),
    async open({ default: use }) {
      // A read connects; until then it neither reads nor writes Redis. Probes ask so.
      await use.get('none', [])
      for (let tries = 0; !(await use.checkIsReady()) && tries < 200; tries++) await sleep(5)
      return { use }
    },
  },
}
