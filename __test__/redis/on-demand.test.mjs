import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fleet } from '../../tools/instances/fleet.mjs'
import { start } from '../../tools/redis/servers.mjs'
import { until } from '../unit/support.mjs'

/** What the build knows and nobody else, as Next.js writes it. */
const SECRET = 'of-the-build'

let redis
let output
let instances

beforeAll(async () => {
  redis = await start('single')
  output = mkdtempSync(join(tmpdir(), 'tiercel-output-'))
  mkdirSync(join(output, 'server'))
  writeFileSync(join(output, 'BUILD_ID'), 'one')
  const manifest = { version: 4, preview: { previewModeId: SECRET } }
  writeFileSync(join(output, 'prerender-manifest.json'), JSON.stringify(manifest))
  instances = await fleet(2, { TIERCEL_REDIS_URL: redis.url, TIERCEL_NAMESPACE: 'demand' })
  for (const one of instances) {
    await until('it has a lease', async () =>
      (await one.run(({ Tiercel }) => {
        new Tiercel()
        return Tiercel.stats().shared.leaseMs > 0
      }))
        ? true
        : undefined,
    )
  }
})
afterAll(async () => {
  await instances?.stop()
  await redis?.stop()
  rmSync(output, { recursive: true, force: true })
})

/** One request for a page, as Next.js makes it: `get`, and `set` if it is generated. */
function request(instance, key, { html, shown } = {}) {
  return instance.run(
    async ({ Tiercel, dir, key, html, shown }) => {
      const _requestHeaders = shown === undefined ? {} : { 'x-prerender-revalidate': shown }
      const handler = new Tiercel({ serverDistDir: dir, _requestHeaders })
      const found = await handler.get(key, { kind: 'PAGES' })
      if (html !== undefined) {
        const value = { kind: 'PAGES', html, pageData: {}, headers: {}, status: 200 }
        await handler.set(key, value, { cacheControl: { revalidate: 600, expire: 6000 } })
      }
      const { fresh, sharedFresh } = Tiercel.stats().pages
      return { html: found?.value.html, fresh: fresh + sharedFresh }
    },
    { dir: join(output, 'server'), key, html, shown },
  )
}

let looks = 0

/** Whether a get was answered as fresh, and with what. */
async function look(instance, key) {
  // Of its own: nobody else generates it.
  const { fresh: before } = await request(instance, `/nothing/${looks++}`)
  const { html, fresh } = await request(instance, key)
  return { html, isFresh: fresh > before }
}

/** Both instances hold a page in memory, and have returned it twice. */
async function held(key) {
  await request(instances[0], key, { html: 'old' })
  for (const instance of [...instances, ...instances]) {
    await until('it is read', async () =>
      (await look(instance, key)).html === 'old' ? true : undefined,
    )
  }
}

describe('res.revalidate', () => {
  test('renews a page for every instance once it has resolved', async () => {
    const [one, two] = instances
    for (let turn = 0; turn < 50; turn++) {
      const key = `/renewed/${turn}`
      await held(key)
      await request(one, key, { html: 'new', shown: SECRET })
      expect(await look(two, key)).toEqual({ html: 'new', isFresh: true })
      expect(await look(one, key)).toEqual({ html: 'new', isFresh: true })
    }
  })

  test('that fails leaves the last page there was', async () => {
    const [one, two] = instances
    await held('/failing')
    await request(one, '/failing', { shown: SECRET })
    expect(await look(two, '/failing')).toEqual({ html: 'old', isFresh: false })
    expect((await look(one, '/failing')).html).toBe('old')
  })

  test('is believed only with what the build knows', async () => {
    const [one, two] = instances
    await held('/asked')
    await request(one, '/asked', { shown: 'a guess' })
    expect(await look(one, '/asked')).toEqual({ html: 'old', isFresh: true })
    expect(await look(two, '/asked')).toEqual({ html: 'old', isFresh: true })
  })

  test('leaves other pages alone', async () => {
    const [one, two] = instances
    await held('/pages/a')
    await held('/pages/b')
    await request(one, '/pages/a', { html: 'new', shown: SECRET })
    expect(await look(two, '/pages/b')).toEqual({ html: 'old', isFresh: true })
  })
})
