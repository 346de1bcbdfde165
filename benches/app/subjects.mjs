// @ts-check
/**
 * What is measured, and by whom: each case has subjects of one call each. `call(nth)` makes the call,
 * and throws when its result is not what it has to be.
 */
import { createHash } from 'node:crypto'
import { cacheCases } from './caches.mjs'
import { app, KEYS } from './own.mjs'
import { peer } from './peers.mjs'

const MANY = 1_000_000

/**
 * @typedef {object} Subject
 * @property {(nth: number) => Promise<any>} call
 * @property {() => any} [close]
 *
 * @typedef {object} Case
 * @property {number[]} widths calls under way together
 * @property {number} [goal] of the main thread, by `against`
 * @property {number} [goalFrom] from so many under way on; from one by default
 * @property {string} [against]
 * @property {number} [goalUs] of the main thread, in us
 * @property {Record<string, (url: string) => Promise<Subject>>} subjects
 */

const must = (/** @type {any} */ is, what = 'unexpected') => {
  if (!is) throw new Error(String(what))
}
const names = (/** @type {string} */ what) => Array.from({ length: KEYS }, (_, n) => `${what}-${n}`)
const ids = names('id')

/** @param {string} url */
async function ioredis(url) {
  const { Redis } = await peer('ioredis')
  return new Redis(url)
}

/** @param {string} url */
async function nodeRedis(url) {
  const client = (await peer('redis')).createClient({ url })
  await client.connect()
  return client
}

/** @param {string} url @param {number} limit */
async function flexible(url, limit, more = {}) {
  const { RateLimiterRedis } = await peer('rate-limiter-flexible')
  const storeClient = await ioredis(url)
  const limiter = new RateLimiterRedis({ storeClient, points: limit, duration: 3600, ...more })
  const ask = (/** @type {string} */ id) =>
    limiter.consume(id).then(
      () => true,
      (/** @type {any} */ refused) => {
        if (refused instanceof Error) throw refused
        return false
      },
    )
  const isAdmitted = (/** @type {any} */ told) => told
  return { ask, isAdmitted, close: () => storeClient.disconnect() }
}

/** Its scripts over ioredis, in place of its own client, which speaks HTTP.
 * @param {string} url @param {number} limit */
async function upstash(url, limit) {
  const { Ratelimit } = await peer('@upstash/ratelimit')
  const client = await ioredis(url)
  /** Ours by its own, whose first line only Upstash's server understands. @type {Map<string, string>} */
  const hashes = new Map()
  const redis = {
    async evalsha(
      /** @type {string} */ sha,
      /** @type {string[]} */ keys,
      /** @type {any[]} */ args,
    ) {
      const own = hashes.get(sha)
      if (own === undefined) throw new Error('NOSCRIPT')
      return client.evalsha(own, keys.length, ...keys, ...args)
    },
    async eval(
      /** @type {string} */ text,
      /** @type {string[]} */ keys,
      /** @type {any[]} */ args,
    ) {
      const own = await client.script('LOAD', text.replace(/^#!.*\n/, ''))
      hashes.set(createHash('sha1').update(text).digest('hex'), own)
      return client.evalsha(own, keys.length, ...keys, ...args)
    },
  }
  const limiter = new Ratelimit({ redis, limiter: Ratelimit.slidingWindow(limit, '3600 s') })
  const ask = (/** @type {string} */ id) => limiter.limit(id)
  const isAdmitted = (/** @type {any} */ told) => told.success
  return { ask, isAdmitted, close: () => client.disconnect() }
}

/** @param {number} limit */
async function own(limit) {
  const limiter = (await app()).rateLimit({ name: `bench-${limit}`, limit, window: '1h' })
  const ask = (/** @type {string} */ id) => limiter.limit(id)
  return { ask, isAdmitted: (/** @type {any} */ told) => told.success }
}

/**
 * @typedef {{ ask: (id: string) => Promise<any>, isAdmitted: (told: any) => boolean,
 *   close?: () => any }} Limiter
 */

/** @param {Promise<Limiter>} making */
async function admitting(making) {
  const { ask, isAdmitted, close } = await making
  return { call: async (/** @type {number} */ nth) => must(isAdmitted(await ask(ids[nth]))), close }
}

/** One id that is over its limit. @param {Promise<Limiter>} making */
async function refusing(making) {
  const { ask, isAdmitted, close } = await making
  for (let n = 0; n < 3; n++) await ask('flood')
  return { call: async () => must(!isAdmitted(await ask('flood'))), close }
}

const session = { role: 'admin', cart: [1, 2, 3], name: 'A person of the bench', theme: 'dark' }

/** @param {string} url @param {boolean} touches */
async function connectRedis(url, touches) {
  const { RedisStore } = await peer('connect-redis')
  const client = await nodeRedis(url)
  const store = new RedisStore({ client })
  const held = { cookie: { originalMaxAge: 604_800_000 }, user: 'user', ...session }
  for (const id of ids) await store.set(id, held)
  const call = async (/** @type {number} */ nth) => {
    const found = await store.get(ids[nth])
    must(found.role === 'admin')
    if (touches) await store.touch(ids[nth], found)
  }
  return { call, close: () => client.destroy() }
}

/** @type {Record<string, Case>} */
export const cases = {
  limit: {
    widths: [1, 16, 128],
    goal: 0.5,
    against: 'rate-limiter-flexible',
    subjects: {
      tiercel: () => admitting(own(MANY)),
      'rate-limiter-flexible': (url) => admitting(flexible(url, MANY)),
      '@upstash/ratelimit over ioredis': (url) => admitting(upstash(url, MANY)),
    },
  },
  'limit, blocked id': {
    widths: [1],
    goalUs: 1,
    subjects: {
      tiercel: () => refusing(own(1)),
      'rate-limiter-flexible': (url) =>
        refusing(flexible(url, 1, { inMemoryBlockOnConsumed: 1, keyPrefix: 'blocked' })),
      '@upstash/ratelimit over ioredis': (url) => refusing(upstash(url, 1)),
    },
  },
  'lock and unlock': {
    widths: [1, 16],
    subjects: {
      async tiercel() {
        const { lock } = await app()
        return {
          call: async (nth) => must((await lock(ids[nth], { ttl: '10s' }, () => 5)) === 5),
        }
      },
      async redlock(url) {
        const Redlock = (await peer('redlock')).default
        const client = await ioredis(url)
        const redlock = new Redlock([client])
        const call = async (/** @type {number} */ nth) => {
          const held = await redlock.lock(`lock-${ids[nth]}`, 10_000)
          await held.unlock()
        }
        return { call, close: () => client.disconnect() }
      },
    },
  },
  'read a session': {
    widths: [1, 16, 128],
    subjects: {
      async tiercel() {
        const store = (await app()).sessions({ name: 'bench' })
        const all = await Promise.all(ids.map((id) => store.create(id, session)))
        return { call: async (nth) => must((await store.get(all[nth]))?.data.role === 'admin') }
      },
      'connect-redis': (url) => connectRedis(url, false),
      'connect-redis, rolling': (url) => connectRedis(url, true),
    },
  },
  ...cacheCases,
}
