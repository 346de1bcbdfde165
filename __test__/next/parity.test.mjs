import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildOutput, builtMetadata, openFixture, startOrigin } from '../../tools/next/support.mjs'
import { prerendered } from './promises/isr.mjs'

const apps = ['full-16.4', 'minor-16.0', 'minor-16.2', 'minor-16.3']

const later = [
  ['/blog/later', 'a path no build knew'],
  ['/guides/later', 'pages router, fallback: blocking'],
  ['/posts/later', 'pages router, fallback: true'],
  ['/guides/none', 'pages router, notFound'],
  ['/guides/old', 'pages router, redirect'],
  ['/blog/gone', 'notFound() at request time'],
]

describe.each(apps)('%s answers as with the built-in cache', (name) => {
  const origins = []
  const servers = {}
  let app

  beforeAll(async () => {
    for (const handler of ['tiercel', 'builtin']) {
      const origin = await startOrigin()
      origins.push(origin)
      app = await openFixture(name, origin)
      await app.build({ handler })
      servers[handler] = await app.start({ handler })
    }
  })
  afterAll(async () => {
    for (const opened of [...Object.values(servers), ...origins]) await opened.stop()
  })

  const same = async (ask) => {
    expect(look(await ask(servers.tiercel))).toEqual(look(await ask(servers.builtin)))
  }

  it.each(prerendered)('%s, first request', (path) => same((server) => server.get(path)))

  it.each(['/isr', '/blog/first', '/locked/first', '/', '/missing'])('%s, navigation', (path) =>
    same((server) => server.navigate(path)),
  )

  it.each(['isr', 'blog/first'])('/%s, prefetch of every segment', async (page) => {
    const { segmentPaths } = await builtMetadata(app, page)
    for (const segment of segmentPaths) {
      await same((server) => server.prefetch(`/${page}`, segment))
    }
  })

  it.each(later)('%s (%s), first and second request', async (path) => {
    await same((server) => server.get(path))
    await same((server) => server.get(path))
  })

  it.each([
    ['/', 'app/index.html'],
    ['/isr', 'app/isr.html'],
    ['/blog/first', 'app/blog/first.html'],
    ['/locked/first', 'app/locked/first.html'],
    ['/api/static', 'app/api/static.body'],
    ['/api/binary', 'app/api/binary.body'],
    ['/ssg', 'pages/ssg.html'],
    ['/odd', 'pages/odd.html'],
    ['/_next/data/fixture/ssg.json', 'pages/ssg.json'],
    ['/_next/data/fixture/odd.json', 'pages/odd.json'],
  ])('%s is byte for byte what next build wrote', async (path, file) => {
    const built = await readFile(buildOutput(app, file))
    expect((await servers.tiercel.get(path)).bytes.equals(built)).toBe(true)
  })

  it('navigations and prefetches are byte for byte what next build wrote', async () => {
    const built = (file) => readFile(buildOutput(app, `app/blog/${file}`), 'utf8')
    const page = await servers.tiercel.navigate('/blog/first')
    expect(page.text === (await built('first.rsc'))).toBe(true)
    const { segmentPaths } = await builtMetadata(app, 'blog/first')
    for (const segment of segmentPaths) {
      const { text } = await servers.tiercel.prefetch('/blog/first', segment)
      expect(text === (await built(`first.segments${segment}.segment.rsc`))).toBe(true)
    }
  })
})

/**
 * What must be equal: all but what each build counts anew, the ETag of that, and the payload of
 * the render, whose rows come in the order in which they happened to be ready.
 */
function look({ status, headers, text, generation, origin }) {
  const kept = Object.fromEntries(headers)
  for (const own of ['date', 'etag', 'content-length', 'connection', 'keep-alive']) {
    if (own in kept) kept[own] = 'present'
  }
  const isPayload = kept['content-type'] === 'text/x-component'
  const shown = isPayload ? text.length > 0 : text.replaceAll(/<script.*?<\/script>/gs, '')
  const body = String(shown)
    .replaceAll(/[\w-]+:\d+:\d+/g, 'generation')
    .replaceAll(/\$ACTION_ID_\w+/g, 'action')
  return { status, headers: kept, body, origin, page: generation?.split(':')[0] }
}
