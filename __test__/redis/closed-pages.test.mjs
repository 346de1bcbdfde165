import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fleet } from '../../tools/instances/fleet.mjs'
import { startProxy } from '../../tools/redis/proxy.mjs'
import { start } from '../../tools/redis/servers.mjs'
import { appWith, directory, hour, ofPage, page, pause, until, write } from '../unit/support.mjs'
import { connected, newName } from './instances.mjs'

// Before 16.4 a miss of a page of `dynamicParams = false` is a 404. So it is never one, also where
// nobody can tell whether what is held is current.

const faults = {
  'a server that is away': async (proxy) => {
    await proxy.refuse()
    proxy.reset()
  },
  'a server that answers no more': (proxy) => proxy.blackHole(),
  'a server that answers when its lease is over': (proxy) => proxy.delay(1_100, 'down'),
}

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

/** The output of a build that knows these pages of `/locked/[slug]`. */
function outputOf(test, slugs) {
  const dir = directory(test)
  const paths = slugs.map((slug) => `/locked/${slug}`)
  const route = (path) => [path, { srcRoute: '/locked/[slug]', dataRoute: `${path}.rsc` }]
  write(dir, {
    BUILD_ID: 'one',
    'prerender-manifest.json': {
      version: 4,
      routes: Object.fromEntries(paths.map(route)),
      dynamicRoutes: { '/locked/[slug]': { fallback: false } },
    },
  })
  for (const path of paths) {
    const meta = { headers: { 'x-next-cache-tags': '' }, status: 200 }
    const files = { '.html': 'of the build', '.rsc': 'of the build', '.meta': meta }
    for (const [ending, content] of Object.entries(files)) {
      write(dir, { [`server/app${path}${ending}`]: content })
    }
  }
  return join(dir, 'server')
}

/** An instance of an app that serves such output, and whose memory answers under a lease only. */
async function started(test, version, serverDistDir) {
  const proxy = await startProxy(server)
  test.onTestFinished(() => proxy.stop())
  const env = {
    TIERCEL_REDIS_URL: proxy.url,
    TIERCEL_NAMESPACE: newName('closed'),
    TIERCEL_OUTAGE_SERVE_MS: '0',
  }
  const instances = await fleet(1, env, { cwd: appWith(test, version) })
  test.onTestFinished(() => instances.stop())
  const [one] = instances
  await one.run(({ Tiercel, serverDistDir }) => void new Tiercel({ serverDistDir, dev: false }), {
    serverDistDir,
  })
  await connected(one)
  return { one, proxy }
}

describe.each(['16.2.12', '16.3.8'])('Next.js %s', (version) => {
  test.for(Object.entries(faults))('a closed page outlives %s', async ([, begin], test) => {
    const slugs = ['generated', ...Array.from({ length: 40 }, (_, n) => `built-${n}`)]
    const { one, proxy } = await started(test, version, outputOf(test, slugs))
    const find = async (key) => (await one.get('APP_PAGE', key, ofPage))?.value.html
    for (const key of ['/locked/generated', '/open']) {
      await one.set(key, page({ html: 'generated' }), hour)
      expect(await find(key)).toBe('generated')
    }
    await begin(proxy)
    const seen = []
    for (const slug of slugs.slice(1)) {
      seen.push(await find('/locked/generated'), await find(`/locked/${slug}`))
      await pause(50)
    }
    expect(new Set(seen)).toEqual(new Set(['generated', 'of the build']))
    // Of a page that can be generated anew memory says nothing then.
    await until('memory may not answer', async () => ((await find('/open')) ? undefined : true))
  })
})
