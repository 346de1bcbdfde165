// @ts-check
/** `getOrSet` that finds its value: in the memory of the process, and on Redis. */
import { app, KEYS, LOOP } from './own.mjs'
import { peer } from './peers.mjs'

const product = (/** @type {number} */ n) => ({
  id: n,
  name: `Product ${n}`,
  price: 19.99,
  stock: { berlin: 5, lyon: 0, porto: 17 },
  labels: ['new', 'wood', 'sale'],
  text: 'A chair that stands on four legs and is of wood. '.repeat(16),
})
const keys = Array.from({ length: KEYS }, (_, n) => `product-${n}`)
const TTL_SECS = 3_600

let made = 0
/** The origin, asked once for each key. @param {number} nth */
const origin = (nth) => {
  made++
  return product(nth)
}

/**
 * Fills, and then checks that the origin is asked no more.
 * @param {(nth: number) => Promise<any>} read
 * @param {() => any} [close]
 */
async function hitting(read, close) {
  for (let n = 0; n < KEYS; n++) await read(n)
  const before = made
  const call = async (/** @type {number} */ nth) => {
    const found = await read(nth)
    if (found.id !== nth || made !== before) throw new Error('no hit')
  }
  return { call, close }
}

/** @param {Record<string, unknown>} [more] */
async function own(more) {
  const { cache } = await app()
  const options = { revalidate: TTL_SECS, tags: ['products'], ...more }
  return hitting((nth) => cache.getOrSet(keys[nth], () => origin(nth), options))
}

/** @param {(bento: any) => Promise<any>} layersOf */
async function bento(layersOf) {
  const found = await peer('bentocache')
  const store = await layersOf(found)
  const cache = new found.BentoCache({ default: 'bench', stores: { bench: store } })
  const read = (/** @type {number} */ nth) =>
    cache.getOrSet({
      key: keys[nth],
      ttl: `${TTL_SECS}s`,
      tags: ['products'],
      factory: () => origin(nth),
    })
  return hitting(read, () => cache.disconnectAll())
}

/** @param {any} cache */
async function cachified(cache, close = () => {}) {
  const { cachified } = await peer('@epic-web/cachified')
  const read = (/** @type {number} */ nth) =>
    cachified({
      key: keys[nth],
      cache,
      ttl: TTL_SECS * 1_000,
      getFreshValue: async () => origin(nth),
    })
  return hitting(read, close)
}

/** JSON over node-redis, as its readme has it. @param {any} client */
const overRedis = (client) => ({
  name: 'redis',
  async get(/** @type {string} */ key) {
    const text = await client.get(`cachified:${key}`)
    return text === null ? null : JSON.parse(text)
  },
  set: (/** @type {string} */ key, /** @type {any} */ entry) =>
    client.set(`cachified:${key}`, JSON.stringify(entry), { PX: TTL_SECS * 1_000 }),
  delete: (/** @type {string} */ key) => client.del(`cachified:${key}`),
})

/** A promise of what is known: all else is the loop that awaits it, and looks at it. */
async function loop() {
  const known = keys.map((_, nth) => Promise.resolve(product(nth)))
  return hitting((nth) => known[nth])
}

async function bareMap() {
  const map = new Map()
  return hitting(async (nth) => {
    const found = map.get(keys[nth])
    if (found !== undefined) return found
    map.set(keys[nth], origin(nth))
    return map.get(keys[nth])
  })
}

/** @type {Record<string, import('./subjects.mjs').Case>} */
export const cacheCases = {
  'getOrSet, memory': {
    widths: [1],
    goal: 0.2,
    against: 'bentocache',
    goalUs: 1.5,
    subjects: {
      tiercel: () => own(),
      bentocache: () =>
        bento(async ({ bentostore }) => {
          const { memoryDriver } = await peer('bentocache/drivers/memory')
          return bentostore().useL1Layer(memoryDriver({ maxItems: 10_000 }))
        }),
      async 'cachified, lru-cache'() {
        const { LRUCache } = await peer('lru-cache')
        return cachified(new LRUCache({ max: 10_000 }))
      },
      'bare Map': bareMap,
      [LOOP]: loop,
    },
  },
  'getOrSet, memory, shared': {
    widths: [1],
    goalUs: 0.5,
    subjects: { tiercel: () => own({ shared: true }), 'bare Map': bareMap, [LOOP]: loop },
  },
  'getOrSet, Redis': {
    widths: [1, 16, 128],
    goal: 0.5,
    goalFrom: 16,
    against: 'bentocache',
    subjects: {
      tiercel: () => own(),
      bentocache: (url) =>
        bento(async ({ bentostore }) => {
          const { redisDriver } = await peer('bentocache/drivers/redis')
          const { Redis } = await peer('ioredis')
          return bentostore().useL2Layer(redisDriver({ connection: new Redis(url) }))
        }),
      async 'cachified, redis'(url) {
        const client = (await peer('redis')).createClient({ url })
        await client.connect()
        return cachified(overRedis(client), () => client.destroy())
      },
    },
  },
}
