import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporary } from '../../tools/redis/server.mjs'
import { start } from '../../tools/redis/servers.mjs'
import { inChild } from '../unit/support.mjs'
import { newName } from './instances.mjs'

// What a process takes in all that moves many times its bounds: memory and the queue of writes with a
// fifth each, and so much for tables, buffers, and what V8 has not collected yet.
const [MEMORY_MB, QUEUE_MB, REST_MB] = [64, 32, 40]
const MOST_MB = (MEMORY_MB + QUEUE_MB) * 1.2 + REST_MB

const dir = temporary()
let server
beforeAll(async () => {
  server = await start('single')
  // Pages are shared by those of one build.
  mkdirSync(join(dir, 'server'))
  writeFileSync(join(dir, 'BUILD_ID'), 'one')
})
afterAll(async () => {
  await server?.stop()
  rmSync(dir, { recursive: true, force: true })
})

/** By how much the greatest RSS of a process that stores so much exceeds that of one that has begun. */
async function fill({ index, serverDistDir, load, count, standsStill }) {
  const Tiercel = require(index)
  const filled = (size, n) => Buffer.alloc(size, `entry ${n};`)
  const loads = {
    async 'entries of 2 kB'(n, key) {
      const data = { headers: {}, body: filled(2_000, n).toString('latin1') }
      await new Tiercel().set(key, { kind: 'FETCH', data, revalidate: 600 }, { tags: ['a'] })
    },
    async 'pages of 63 kB'(n, key) {
      const rscData = filled(20_000, n)
      const html = filled(43_000, n).toString('latin1')
      const segmentData = new Map([['/_full', rscData]])
      const value = { kind: 'APP_PAGE', html, rscData, headers: {}, segmentData }
      await new Tiercel().set(key, value, { cacheControl: { revalidate: 600 } })
      return new Tiercel().get(key, { kind: 'APP_PAGE' })
    },
  }
  const rssMb = () => process.memoryUsage.rss() / 2 ** 20
  new Tiercel({ serverDistDir, dev: false })
  while (!(Tiercel.stats().shared.leaseMs > 0)) await new Promise((wake) => setTimeout(wake, 20))
  let mostMb = 0
  const step = async (n, key) => {
    await loads[load](n, key)
    // A server turns its event loop all the time.
    if (n % 16 === 0) await new Promise((wake) => setImmediate(wake))
    if (n % 32 === 0) mostMb = Math.max(mostMb, rssMb())
  }
  // What the runtime takes to run this at all.
  for (let n = 0; n < count / 50; n++) await step(n, `key${n % 10}`)
  const beforeMb = rssMb()
  for (let n = 0; n < count; n++) {
    if (n === count >> 2 && standsStill) process.kill(standsStill, 'SIGSTOP')
    await step(n, `key-${n}`)
  }
  const { memory, shared } = Tiercel.stats()
  if (standsStill) process.kill(standsStill, 'SIGCONT')
  const isFull = memory.bytes > 0.9 * memory.capacityBytes
  return { tookMb: mostMb - beforeMb, isFull, queuedMb: shared.queuedBytes / 2 ** 20 }
}

describe.each([
  ['entries of 2 kB', 70_000],
  ['pages of 63 kB', 2_400],
])('%s', (load, count) => {
  /** @param {boolean} isStill */
  const filled = async (isStill) => {
    const standsStill = isStill ? server.pid : undefined
    const env = {
      TIERCEL_REDIS_URL: server.url,
      TIERCEL_NAMESPACE: newName('rss'),
      TIERCEL_MEMORY_MB: `${MEMORY_MB}`,
      TIERCEL_WRITE_QUEUE_MB: `${QUEUE_MB}`,
      TIERCEL_OUTAGE_SERVE_MS: '3600000',
    }
    const given = { serverDistDir: join(dir, 'server'), load, count, standsStill }
    const { code, answer } = await inChild(fill, { given, env, within: 200_000 })
    expect({ code, ...answer }).toMatchObject({ code: 0, isFull: true })
    if (process.env.TIERCEL_TEST_FIGURES) console.log(load, isStill, answer)
    return answer
  }

  test('a process takes what its bounds say', { timeout: 210_000 }, async () => {
    expect((await filled(false)).tookMb).toBeLessThan(MOST_MB)
  })

  test('also while the server stands still', { timeout: 210_000 }, async () => {
    const { tookMb, queuedMb } = await filled(true)
    expect(queuedMb).toBeGreaterThan(QUEUE_MB * 0.9)
    expect(queuedMb).toBeLessThanOrEqual(QUEUE_MB)
    expect(tookMb).toBeLessThan(MOST_MB)
  })
})
