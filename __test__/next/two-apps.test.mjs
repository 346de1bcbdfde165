import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openBuilt } from '../../tools/next/fleet.mjs'
import { distOf } from '../../tools/next/support.mjs'

// A custom server that runs two apps in one process.

const SERVER = `
  const { createRequire } = require('node:module')
  const { createServer } = require('node:http')
  const { APP, SECOND, PORT, HOSTNAME: hostname } = process.env
  const port = Number(PORT)
  const next = createRequire(APP + '/package.json')('next')
  const main = async () => {
    const apps = [APP, SECOND].map((dir) => next({ dir, dev: false, hostname, port }))
    for (const app of apps) await app.prepare()
    const [one, two] = apps.map((app) => app.getRequestHandler())
    createServer((request, response) =>
      (request.headers['x-app'] === 'two' ? two : one)(request, response),
    ).listen(port, hostname, () => console.log('Ready in a moment'))
  }
  main()`

let on
let server
let second
beforeAll(async () => {
  on = await openBuilt('full-16.4')
  second = await mkdtemp(path.join(os.tmpdir(), 'tiercel-second-'))
  const { folder } = on.app
  const dist = distOf({})
  for (const name of ['next.config.mjs', 'fixture-config.mjs', 'public', dist]) {
    const filter = (file) => !file.endsWith('/standalone')
    await cp(path.join(folder, name), path.join(second, name), { recursive: true, filter })
  }
  await symlink(path.join(folder, 'node_modules'), path.join(second, 'node_modules'))
  await writeFile(path.join(second, 'package.json'), '{ "name": "second" }')
  // Another build of it: with an id and a page of its own.
  await writeFile(path.join(second, dist, 'BUILD_ID'), 'second')
  const page = path.join(second, dist, 'server/app/isr.html')
  const html = await readFile(page, 'utf8')
  await writeFile(page, html.replaceAll('isr:', 'isr-of-two:'))
  await writeFile(path.join(second, 'server.cjs'), SERVER)
})
afterEach(() => server?.stop())
afterAll(async () => {
  await on?.stop()
  await rm(second, { recursive: true })
})

it.each(['memory only', 'Redis'])('each app shows its own pages: %s', async (where) => {
  const url = where === 'Redis' ? on.redis.url : 'none'
  const env = { SECOND: second, TIERCEL_REDIS_URL: url, TIERCEL_NAMESPACE: 'two-apps' }
  const script = path.join(second, 'server.cjs')
  server = await on.app.start({ from: second, script, env })
  const get = async (app, page) => {
    const shown = await server.get(page, { 'x-app': app })
    expect(shown.status).toBe(200)
    return shown
  }
  for (let turn = 0; turn < 3; turn++) {
    expect((await get('one', '/isr')).generation).toMatch(/^isr:/)
    expect((await get('two', '/isr')).generation).toMatch(/^isr-of-two:/)
  }
  const [one, two] = [await get('one', '/blog/own'), await get('two', '/blog/own')]
  expect([one.cache, two.cache]).toEqual(['MISS', 'MISS'])
  expect(one.generation).not.toBe(two.generation)
  expect((await get('one', '/blog/own')).generation).toBe(one.generation)
  expect((await get('two', '/blog/own')).generation).toBe(two.generation)
})
