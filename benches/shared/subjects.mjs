// @ts-check
/**
 * The subjects: Tiercel, the leanest handler that JavaScript allows (ideal.mjs), and handlers over
 * a client library, which GET and SET JSON with its bytes as base64. The latter judge neither tags
 * nor ages.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { streamOf } from '../handlers/values.mjs'
import { ideal } from './ideal.mjs'

const require = createRequire(import.meta.url)

/**
 * @typedef {object} Subject
 * @property {any} incremental an instance of `cacheHandler`, as for a request
 * @property {any} use a handler of `cacheHandlers`
 * @property {() => Promise<void>} settled resolves when the server has all values that were set
 * @property {() => any} close
 */

/** @typedef {{ get: (key: string) => Promise<any>, set: (key: string, value: string) => Promise<any> }} Client */

/** @param {Client} client */
function responses(client) {
  return {
    /** @param {string} key */
    async get(key) {
      const text = await client.get(key)
      if (text === null) return null
      const found = JSON.parse(text)
      const { value } = found
      if (value.kind === 'FETCH') return found
      value.rscData = Buffer.from(value.rscData, 'base64')
      const segments = Object.entries(value.segmentData)
      value.segmentData = new Map(
        segments.map(([name, bytes]) => [name, Buffer.from(bytes, 'base64')]),
      )
      return found
    },
    /** @param {string} key @param {any} value @param {any} ctx */
    set(key, value, { cacheControl }) {
      const plain = value.kind === 'FETCH' ? value : plainPage(value)
      const found = { lastModified: Date.now(), value: plain, cacheControl }
      return client.set(key, JSON.stringify(found))
    },
  }
}

/** @param {any} value */
function plainPage({ rscData, segmentData, ...value }) {
  const segments = [...segmentData].map(([name, bytes]) => [name, bytes.toString('base64')])
  const rest = { rscData: rscData.toString('base64'), segmentData: Object.fromEntries(segments) }
  return { ...value, ...rest }
}

/** @param {Client} client */
function uses(client) {
  return {
    /** @param {string} key */
    async get(key) {
      const text = await client.get(key)
      if (text === null) return undefined
      const entry = JSON.parse(text)
      return { ...entry, value: streamOf(Buffer.from(entry.value, 'base64')) }
    },
    /** @param {string} key @param {Promise<any>} pending */
    async set(key, pending) {
      const entry = await pending
      const chunks = []
      for await (const chunk of entry.value) chunks.push(chunk)
      const value = Buffer.concat(chunks).toString('base64')
      await client.set(key, JSON.stringify({ ...entry, value }))
    },
  }
}

/** @param {Client} client @param {() => any} close @returns {Subject} */
const over = (client, close) => ({
  incremental: responses(client),
  use: uses(client),
  settled: async () => {},
  close,
})

/** @type {Record<string, (url: string) => Promise<Subject>>} */
export const subjects = {
  'ideal JavaScript': ideal,

  async ioredis(url) {
    const client = new (require('ioredis').Redis)(url)
    return over(client, () => client.disconnect())
  },

  /** Not the default. */
  async 'ioredis, auto pipelining'(url) {
    const client = new (require('ioredis').Redis)(url, { enableAutoPipelining: true })
    return over(client, () => client.disconnect())
  },

  async 'node-redis'(url) {
    const client = require('redis').createClient({ url })
    await client.connect()
    return over(client, () => client.destroy())
  },

  async tiercel(url) {
    const dir = mkdtempSync(join(tmpdir(), 'tiercel-bench-'))
    // Pages are shared by instances of one build.
    mkdirSync(join(dir, '.next', 'server'), { recursive: true })
    writeFileSync(join(dir, '.next', 'BUILD_ID'), 'bench')
    const Tiercel = require('../../index.js')
    Tiercel.configure({ redisUrl: url, namespace: 'bench', writeQueueMb: 1_024 })
    const handler = () => new Tiercel({ serverDistDir: join(dir, '.next', 'server') })
    handler()
    const shared = () => Tiercel.stats().shared
    while (!(shared()?.leaseMs > 0)) await sleep(5)
    // Its request begins now: entries from before the first look at the server are not shared.
    const incremental = handler()
    return {
      incremental,
      use: Tiercel,
      // Except for the at most four writes under way.
      async settled() {
        while (shared().queuedWrites > 0) await sleep(1)
      },
      close: () => rmSync(dir, { recursive: true, force: true }),
    }
  },
}
