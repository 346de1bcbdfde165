import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installFixture } from '../../tools/next/fixtures.mjs'
import { openFixture, startOrigin } from '../../tools/next/support.mjs'
import { expectStaleThenNew, repliesUntilNew, settled } from './promises/watch.mjs'

// `next start apps/web`, and a custom server with `dir`: what runs is not where it runs from.

/** An app, and the one whose Next.js, of another minor, the working directory knows. */
const apps = [
  ['minor-16.2', 'components-16.4'],
  ['components-16.4', 'minor-16.2'],
]

/**
 * Calls a handler before Next.js is ready, as scripts that seed a cache do, with the options that
 * next.config of one of the apps has for it.
 */
const SERVER = `
  const { createRequire } = require('node:module')
  const { createServer } = require('node:http')
  const { APP: dir, PORT: port, HOSTNAME: hostname } = process.env
  const ofApp = createRequire(dir + '/package.json')
  const Tiercel = ofApp('tiercel')
  Tiercel.configure({ memoryMb: 48 })
  const main = async () => {
    await new Tiercel().get('early', { kind: 'FETCH', tags: [] })
    await Tiercel.updateTags(['early'])
    const app = ofApp('next')({ dir, dev: false, hostname, port: Number(port) })
    await app.prepare()
    createServer(app.getRequestHandler()).listen(Number(port), hostname, () => {
      console.log('Ready in a moment')
    })
  }
  main()`

/** Nobody listens there; what it would be called there is told all the same. */
const away = { TIERCEL_REDIS_URL: 'redis://127.0.0.1:9' }

describe.each(apps)('%s', (name, other) => {
  let app
  let origin
  /** Without a Next.js of its own, and with another one. */
  const roots = {}

  beforeAll(async () => {
    origin = await startOrigin()
    const { folder } = await installFixture(other)
    app = await openFixture(name, origin)
    await app.build()
    for (const kind of ['bare', 'hoisted']) {
      roots[kind] = await mkdtemp(path.join(os.tmpdir(), 'tiercel-root-'))
      await writeFile(path.join(roots[kind], 'package.json'), '{ "name": "root" }')
      await writeFile(path.join(roots[kind], 'server.js'), SERVER)
    }
    await mkdir(path.join(roots.hoisted, 'node_modules'))
    const next = path.join(folder, 'node_modules/next')
    await symlink(next, path.join(roots.hoisted, 'node_modules/next'))
  })
  afterAll(async () => {
    for (const root of Object.values(roots)) await rm(root, { recursive: true })
    await origin?.stop()
  })

  describe.each([
    ['next start <dir>', 'bare', undefined],
    ['next start <dir>', 'hoisted', undefined],
    ['a custom server', 'bare', 'server.js'],
    ['a custom server', 'hoisted', 'server.js'],
    ['a custom server', 'the app', 'server.js'],
  ])('by %s from a root that is %s', (_, kind, script) => {
    let server

    beforeAll(async () => {
      const file = script && path.join(roots[kind] ?? roots.bare, script)
      server = await app.start({ from: roots[kind] ?? app.folder, script: file })
    })
    afterAll(() => server?.stop())

    it('what an action with updateTag generated stays', async () => {
      const read = async () => (await server.json('/api/cache?of=plain&name=action')).value
      const old = await read()
      const shown = await server.submit('/cached-action', { how: 'update' })
      expect(shown.status).toBe(200)
      expect(shown.generation).not.toBe(old)
      expect(await read()).toBe(shown.generation)
    })

    it.runIf(name === 'minor-16.2')('a soft invalidation shows the page once more', async () => {
      const how = () => server.invalidate({ tag: 'blog-max', how: 'max' })
      await expectStaleThenNew(server, '/blog/max', how)
    })

    it.runIf(name === 'minor-16.2')('a hard one of a closed page is no 404', async () => {
      const before = await settled(server, '/locked/zero')
      await server.invalidate({ tag: 'locked-zero', how: 0 })
      const replies = await repliesUntilNew(server, '/locked/zero', before.generation)
      expect(replies.map((reply) => reply.status)).not.toContain(404)
    })

    it('nothing is said of it', () => {
      expect(server.log()).not.toMatch(/tiercel:|Error/)
    })
  })

  it.each(['bare', 'hoisted'])('the app is told apart from the root that is %s', async (kind) => {
    const server = await app.start({ from: roots[kind], env: away })
    try {
      await server.get('/api/cache?of=plain&name=once')
      const told = `, namespace fixture-${name}:production (package.json)`
      await expect.poll(() => server.log()).toContain(told)
    } finally {
      await server.stop()
    }
  })

  it('a name that was chosen too early is admitted', async () => {
    const server = await app.start({ from: roots.bare, script: 'server.js', env: away })
    try {
      await server.get('/api/cache?of=plain&name=once')
      expect(server.log()).toContain(', namespace root:production (package.json)')
      // A line leaves in the turn of the event loop after the one that answers.
      const said = () => server.log().match(/tiercel: .* fixture-\S+:production/g)
      await expect.poll(said).toHaveLength(1)
    } finally {
      await server.stop()
    }
  })
})
