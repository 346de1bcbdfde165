import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { directory, write } from './support.mjs'

const { keysOfPath, matches } = createRequire(import.meta.url)('../../js/operate/routes.js')

test('a route answers the paths that its segments allow', () => {
  const yes = [
    ['/page', '/'],
    ['/(shop)/blog/[slug]/page', '/blog/a'],
    ['/@modal/blog/page', '/blog'],
    ['/docs/[[...rest]]/page', '/docs'],
    ['/docs/[...rest]/page', '/docs/a/b'],
    ['/a.b/route', '/a.b'],
    ['/guides/[slug]', '/guides/x'],
  ]
  const no = [
    ['/blog/[slug]/page', '/blog'],
    ['/docs/[...rest]/page', '/docs'],
    ['/a.b/route', '/axb'],
    ['/page', '/blog'],
  ]
  for (const [route, path] of yes) expect(matches(route, path), route).toBe(true)
  for (const [route, path] of no) expect(matches(route, path), route).toBe(false)
})

test('a path has its own key, and those that the Next.js of the app makes of its routes', (test) => {
  const dir = directory(test)
  write(dir, {
    'next/dist/server/lib/route-cache-key.js':
      "exports.getRouteCacheKey = (path, { kind }) => ['/route-cache', kind, 'x', '$' + path].join('/')",
    'server/pages-manifest.json': { '/old': 'pages/old.js', '/other': 'pages/other.js' },
    'server/app-paths-manifest.json': { '/blog/[slug]/page': 'app/blog/[slug]/page.js' },
  })
  const serverDir = `${dir}/server`
  const next = { root: `${dir}/next`, version: '16.4.6' }
  expect(keysOfPath({ next, serverDir }, '/old/')).toEqual(['/old', '/route-cache/PAGES/x/$/old'])
  expect(keysOfPath({ next, serverDir }, '/blog/a')).toEqual([
    '/blog/a',
    '/route-cache/APP_PAGE/x/$/blog/a',
  ])
  expect(keysOfPath({ serverDir }, '/')).toEqual(['/index', '/'])
})
