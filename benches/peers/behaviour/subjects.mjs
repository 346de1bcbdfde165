// @ts-check
/**
 * The subjects as an app has them: each peer set up as its documentation says for production. `files`
 * are laid into a copy of the app, whose next.config takes `own` of handlers.mjs.
 */
import { fileURLToPath } from 'node:url'

const peers = fileURLToPath(new URL('..', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))

/**
 * @typedef {object} Subject
 * @property {string} [package] printed with its version
 * @property {('page' | 'use')[]} interfaces what it takes part in; the rest of the app has Next's own
 * @property {boolean} [isAlone] needs no Redis
 * @property {Record<string, string>} files
 * @property {(at: { url: string, port: number, build: string }) => Record<string, string>} env of a
 *   server; `build` is the BUILD_ID
 * @property {string[]} [seed] a command of the package that fills the cache before a server starts
 */

/** @param {string} config @param {string} [before] */
const handlers = (config, before = '') => `import { createRequire } from 'node:module'
${before}
const { resolve } = createRequire(import.meta.url)

export const own = ${config}
`

/** The example for production in the README of what it comes from. @param {string} name @param {string} from */
const production = (name, from) => `import { PHASE_PRODUCTION_BUILD } from 'next/constants.js'
import { load } from ${JSON.stringify(from)}

const { createClient } = await load('redis')
const { CacheHandler } = await load('${name}')
const { default: createLruHandler } = await load('${name}/local-lru')
const { default: createRedisHandler } = await load('${name}/redis-strings')

async function connected() {
  const client = createClient({ url: process.env.REDIS_URL, pingInterval: 10_000 })
  client.on('error', () => {
    global.cacheHandlerConfig = null
    global.cacheHandlerConfigPromise = null
  })
  try {
    await client.connect()
  } catch {
    await client.disconnect().catch(() => {})
  }
  return client
}

async function made() {
  const client = process.env.NEXT_PHASE === PHASE_PRODUCTION_BUILD ? undefined : await connected()
  const isReady = client?.isReady
  const handlers = isReady ? [HANDLERS] : [createLruHandler()]
  global.cacheHandlerConfigPromise = null
  global.cacheHandlerConfig = { handlers }
  return global.cacheHandlerConfig
}

CacheHandler.onCreation(() => {
  if (global.cacheHandlerConfig) return global.cacheHandlerConfig
  global.cacheHandlerConfigPromise ??= made()
  return global.cacheHandlerConfigPromise
})

export default CacheHandler
`

/** The hook that takes what `next build` made. @param {string} name @param {string} from */
const instrumentation = (name, from) => `export async function register() {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  const loader = ${JSON.stringify(from)}
  const { load } = await import(/* turbopackIgnore: true */ loader)
  const { registerInitialCache } = await load('${name}/instrumentation')
  const file = process.cwd() + '/cache-handler.mjs'
  const { default: CacheHandler } = await import(/* turbopackIgnore: true */ file)
  await registerInitialCache(CacheHandler)
}
`

/** @param {string} name @param {string} from a module that loads what lies beside it @param {string} handler */
const ofNeshca = (name, from, handler) => ({
  'handlers.mjs': handlers(
    "{ cacheHandler: resolve('./cache-handler.mjs'), cacheMaxMemorySize: 0 }",
  ),
  'cache-handler.mjs': production(name, from).replace('HANDLERS', handler),
  'instrumentation.js': instrumentation(name, from),
})

const modules = `${peers}load.mjs`
const redis4 = `${peers}redis4/load.mjs`
const neshcas = `${peers}redis4/require.mjs`
const turbo = '@trieb.work/nextjs-turbo-redis-cache'
const jason = '@mrjasonroy/cache-components-cache-handler'
const leejpsd = '@leejpsd/nextjs-cache-handler'
const forte = '@fortedigital/nextjs-cache-handler'

/** @param {string} kind @param {string} make */
const ofLeejpsd = (kind, make) => `const { ${make} } = require('${leejpsd}/${kind}')

module.exports = ${make}({
  client: { type: 'redis', url: process.env.REDIS_URL },
  buildNamespace: process.env.DEPLOYMENT_VERSION,
  abortTimeoutMs: 1500,
  tagPubSub: true,
  singleFlight: true,
})
`

/** @type {Record<string, Subject>} */
export const subjects = {
  Tiercel: {
    interfaces: ['page', 'use'],
    files: {
      'handlers.mjs': `const tiercel = ${JSON.stringify(`${root}index.js`)}

export const own = {
  cacheHandler: tiercel,
  cacheHandlers: { default: tiercel, remote: tiercel },
  cacheMaxMemorySize: 0,
}
`,
    },
    env: ({ url }) => ({ REDIS_URL: url, TIERCEL_NAMESPACE: 'seen' }),
  },

  "Next's own": {
    package: 'next',
    interfaces: ['page', 'use'],
    isAlone: true,
    files: { 'handlers.mjs': 'export const own = {}\n' },
    env: () => ({}),
  },

  fortedigital: {
    package: forte,
    interfaces: ['page'],
    // Of its composite example the part that every entry without a special tag takes.
    files: ofNeshca(forte, modules, "createRedisHandler({ client, keyPrefix: 'nextjs:' })"),
    env: ({ url }) => ({ REDIS_URL: url }),
  },

  'trieb.work': {
    package: turbo,
    interfaces: ['page', 'use'],
    files: {
      'handlers.mjs': handlers(`{
  cacheHandler: resolve('./pages.cjs'),
  cacheHandlers: { default: resolve('./uses.cjs'), remote: resolve('./uses.cjs') },
  cacheMaxMemorySize: 0,
}`),
      'pages.cjs': `const { createRequire } = require('node:module')

module.exports = createRequire(${JSON.stringify(redis4)})('${turbo}')
`,
      'uses.cjs': `const { createRequire } = require('node:module')

module.exports = createRequire(${JSON.stringify(redis4)})('${turbo}').redisCacheHandler
`,
    },
    env: ({ url }) => ({ REDIS_URL: url, VERCEL_ENV: 'production' }),
  },

  mrjasonroy: {
    package: jason,
    interfaces: ['use'],
    files: {
      'handlers.mjs': handlers(`{
  cacheHandlers: { default: resolve('./uses.mjs'), remote: resolve('./uses.mjs') },
  cacheMaxMemorySize: 0,
}`),
      'uses.mjs': `import { createCacheHandler } from '${jason}'

export default createCacheHandler({ type: 'redis' })
`,
    },
    env: ({ url }) => ({ REDIS_URL: url }),
  },

  nimpl: {
    package: '@nimpl/cache-redis',
    interfaces: ['use'],
    files: {
      'handlers.mjs': `const nimpl = import.meta.resolve('@nimpl/cache-redis')

export const own = { cacheHandlers: { default: nimpl, remote: nimpl } }
`,
    },
    env: ({ url }) => ({ REDIS_URL: url }),
  },

  leejpsd: {
    package: leejpsd,
    interfaces: ['page', 'use'],
    files: {
      'handlers.mjs': handlers(`{
  deploymentId: process.env.DEPLOYMENT_VERSION,
  cacheHandler: resolve('./pages.cjs'),
  cacheHandlers: { default: resolve('./uses.cjs') },
  cacheMaxMemorySize: 0,
}`),
      'pages.cjs': ofLeejpsd('incremental', 'createIncrementalCacheHandler'),
      'uses.cjs': ofLeejpsd('cache-components', 'createCacheComponentsHandler'),
    },
    env: ({ url, build }) => ({ REDIS_URL: url, DEPLOYMENT_VERSION: build }),
    seed: [`${peers}node_modules/${leejpsd}/bin/cli.cjs`, 'seed'],
  },

  neshca: {
    package: '@neshca/cache-handler',
    interfaces: ['page'],
    files: ofNeshca(
      '@neshca/cache-handler',
      neshcas,
      "createRedisHandler({ client, keyPrefix: 'nextjs:' })",
    ),
    env: ({ url }) => ({ REDIS_URL: url }),
  },
}
