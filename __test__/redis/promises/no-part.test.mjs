import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { appWith, directory, until, write } from '../../unit/support.mjs'
import { kinds } from '../kinds.mjs'
import { counted, crowd, everyKind, Lane } from './visits.mjs'

// Who generates in any case, or never, neither waits for others nor keeps them waiting.

const memory = fileURLToPath(new URL('../../../memory.js', import.meta.url))
const PAGES = ['page', 'route', 'pages router']
/** Nobody took a lease but the one instance that leads, and nobody waited. */
const ALONE = { taken: 1, followed: 0, timedOut: 0 }

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

test.for(PAGES)('on-demand revalidation generates at once: %s', async (what, test) => {
  const context = onDemand(test)
  const [leading, other] = await crowd(test, server, 2)
  const lane = new Lane(what)
  const leader = await (await lane.visit(leading, context({}))).ask()
  const visit = await (await lane.visit(other, context({ 'x-prerender-revalidate': 'x' }))).ask()
  expect([leader.body, visit.body]).toEqual([undefined, undefined])
  await theyStandAlone([leading, other])
  await visit.generate('on demand')
  await until('it is everywhere', async () => {
    const { body } = await (await lane.visit(leading, context({}))).ask()
    return body === 'on demand' ? true : undefined
  })
})

for (const [name, env] of [
  ['a build', { NEXT_PHASE: 'phase-production-build' }],
  ['next dev', { __NEXT_DEV_SERVER: '1' }],
]) {
  test.for(everyKind)(`${name} generates all it misses: %s`, async ([what], test) => {
    const envOf = (n) => (n === 1 ? env : {})
    const [leading, other] = await crowd(test, server, 2, { envOf })
    const lane = new Lane(what)
    expect((await lane.ask(leading)).body).toBe(undefined)
    expect((await lane.ask(other)).body).toBe(undefined)
    await theyStandAlone([leading, other])
  })
}

test.for([
  ['page', { isRoutePPREnabled: true }],
  ['route', { isFallback: true }],
  ['pages router', { isFallback: true }],
])('a miss that often no set follows: %s, %o', async ([what, context], test) => {
  const fleet = await crowd(test, server, 2)
  const lane = new Lane(what)
  expect((await lane.ask(fleet[0], context)).body).toBe(undefined)
  expect(await counted(fleet)).toMatchObject({ taken: 0 })
  expect((await lane.ask(fleet[0])).body).toBe(undefined)
  expect((await lane.ask(fleet[1], context)).body).toBe(undefined)
  await theyStandAlone(fleet)
})

test.for(
  ['next-router-prefetch', 'next-router-segment-prefetch', 'x-middleware-prefetch'].flatMap(
    (name) => ['page', 'route'].map((what) => [what, name]),
  ),
)('a prefetch of something stale never leads: %s, %s', async ([what, name], test) => {
  const fleet = await crowd(test, server, 2)
  const lane = new Lane(what)
  await lane.spread(fleet, 'old')
  await fleet[0].invalidate(lane.tags, { expire: 600 })
  for (const by of [...fleet, ...fleet]) {
    const visit = await lane.visit(by, { _requestHeaders: { [name]: '1' } })
    expect(await visit.ask()).toMatchObject({ body: 'old', isStale: false })
  }
  expect(await counted(fleet)).toMatchObject({ taken: 0 })
  expect((await lane.ask(fleet[1])).isStale).toBe(true)
})

test('tiercel/memory asks its own process only', async (test) => {
  const [leading, other] = await crowd(test, server, 2)
  const [single, plural] = [new Lane('fetch'), new Lane('use cache')]
  for (const lane of [single, plural]) expect((await lane.ask(leading)).body).toBe(undefined)
  const ask = async ({ require, memory, single, plural }) => {
    const Memory = require(memory)
    const found = await new Memory().get(single, { kind: 'FETCH', tags: [], softTags: [] })
    return [found, (await Memory.get(plural, [])) ?? null]
  }
  const keys = { memory, single: single.key, plural: plural.key }
  expect(await other.run(ask, keys)).toEqual([null, null])
  expect(await counted([other])).toMatchObject({ taken: 0, followed: 0 })
})

test.for(['16.0.11', '16.3.8'])(
  'before 16.4 Next.js remembers for how long something stale looks fresh: %s',
  async (version, test) => {
    const fleet = await crowd(test, server, 2, { cwd: appWith(test, version) })
    const lane = new Lane('page')
    // Next.js has its table before it asks a handler for anything.
    for (const one of fleet) expect(await remembered(one, lane.key)).toBe(undefined)
    await lane.spread(fleet, 'old')
    await fleet[0].invalidate(lane.tags, { expire: 600 })
    const leader = await lane.ask(fleet[0])
    expect(await remembered(fleet[0], lane.key)).toBe(3_600)
    expect(await lane.ask(fleet[1])).toMatchObject({ body: 'old' })
    expect(await remembered(fleet[1], lane.key)).toBe(2)
    await leader.generate('new')
    await until('the new one is there', async () =>
      (await kinds.page.read(fleet[1], lane.key)) === 'new' ? true : undefined,
    )
    expect(await remembered(fleet[1], lane.key)).toBe(3_600)
  },
)

/** The lifetime of a page in Next's own table, in seconds. */
const remembered = (by, key) =>
  by.run(
    ({ require, key }) => {
      const path = 'dist/server/lib/incremental-cache/shared-cache-controls.external.js'
      const { SharedCacheControls } = require(`${process.cwd()}/node_modules/next/${path}`)
      return SharedCacheControls.cacheControls.get(key)?.revalidate
    },
    { key },
  )

async function theyStandAlone(fleet) {
  const { taken, followed, timedOut } = await counted(fleet)
  expect({ taken, followed, timedOut }).toEqual(ALONE)
}

/** What the constructor of a handler is told by an app whose build knows the word `x`. */
function onDemand(test) {
  const dir = directory(test)
  const manifest = { version: 4, preview: { previewModeId: 'x' } }
  write(dir, { BUILD_ID: 'one', 'prerender-manifest.json': manifest, 'server/none': '' })
  return (_requestHeaders) => ({ serverDistDir: join(dir, 'server'), _requestHeaders })
}
