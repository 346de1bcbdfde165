import { cpSync, readFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fleet } from '../../tools/instances/fleet.mjs'
import { start } from '../../tools/redis/servers.mjs'
import { appIn, directory, hour, inChild, ofPage, page, until, write } from '../unit/support.mjs'
import { connected, newName } from './instances.mjs'

// What tells builds apart, and when one began to read.

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

const TAGGED = { headers: { 'x-next-cache-tags': 'a' }, status: 200 }

/** What `next build` has written by the time that it renders. */
const compiled = (id = 'random') => ({
  'package.json': { type: 'commonjs' },
  'build-manifest.json': { pages: {} },
  'server/app-paths-manifest.json': {},
  'server/server-reference-manifest.json': { encryptionKey: id },
})

/** What it writes in the end: one page, `/built`, with the tag `a`. */
const rendered = (text) => ({
  BUILD_ID: 'v1',
  'server/app/built.html': text,
  'server/app/built.rsc': text,
  'server/app/built.meta': TAGGED,
})

/** Loads the handler as a process of `next build` does. */
async function within({ index, serverDistDir }) {
  const Tiercel = require(index)
  for (let n = 0; n < 3; n++) new Tiercel({ serverDistDir, flushToDisk: true })
}

/** A build with a constant build id, during which the handler was loaded. */
async function build(dir, text, manifests = compiled()) {
  write(dir, manifests)
  const given = { serverDistDir: join(dir, 'server') }
  const env = { NEXT_PHASE: 'phase-production-build' }
  const cwd = appIn(join(dir, 'app'), '16.4.6')
  const { code, stderr } = await inChild(within, { given, env, cwd })
  expect([code, stderr]).toEqual([0, ''])
  write(dir, rendered(text))
  return dir
}

/** A process that serves a build; all of a test are of one app. */
async function serving(test, dir, namespace, env = {}) {
  const instances = await fleet(1, {
    TIERCEL_REDIS_URL: server.url,
    TIERCEL_NAMESPACE: namespace,
    TIERCEL_WAIT_MS: '0',
    ...env,
  })
  test.onTestFinished(() => instances.stop())
  const [one] = instances
  const serverDistDir = join(dir, 'server')
  await one.run(({ Tiercel, serverDistDir }) => void new Tiercel({ serverDistDir }), {
    serverDistDir,
  })
  await connected(one)
  return one
}

const shown = async (one, path = '/built') => (await one.get('APP_PAGE', path, ofPage))?.value.html

/** What the first of two builds has generated, once it lies in the server. */
async function generatedBy(first, reader) {
  for (const path of ['/built', '/other']) await first.set(path, page({ html: 'generated' }), hour)
  await until('it is stored', async () =>
    (await shown(reader, '/other')) === 'generated' ? true : undefined,
  )
}

describe('with a constant build id', () => {
  test('a new build does not show what the old one has generated', async (test) => {
    const namespace = newName('builds')
    const old = await build(directory(test), 'old')
    const first = await serving(test, old, namespace)
    await generatedBy(first, await serving(test, old, namespace))
    const second = await serving(test, await build(directory(test), 'new'), namespace)
    expect(await shown(second)).toBe('new')
    expect(await shown(second, '/other')).toBeUndefined()
  })

  test('nor does one in the same folder, which was not cleaned', async (test) => {
    const namespace = newName('builds')
    const dir = await build(directory(test), 'old')
    const first = await serving(test, dir, namespace)
    await generatedBy(first, await serving(test, dir, namespace))
    await build(dir, 'new')
    const second = await serving(test, dir, namespace)
    expect(await shown(second)).toBe('new')
  })

  test('replicas that copied one build share what they generate', async (test) => {
    const namespace = newName('builds')
    const dir = await build(directory(test), 'built')
    const copy = directory(test)
    cpSync(dir, copy, { recursive: true })
    const first = await serving(test, dir, namespace)
    await generatedBy(first, await serving(test, copy, namespace))
  })

  test('builds during which no handler was loaded are told apart by their manifests', async (test) => {
    const namespace = newName('builds')
    const [old, other] = [directory(test), directory(test)]
    write(old, { ...compiled('one'), ...rendered('old') })
    write(other, { ...compiled('two'), ...rendered('new') })
    const first = await serving(test, old, namespace)
    await generatedBy(first, await serving(test, old, namespace))
    const second = await serving(test, other, namespace)
    expect(await shown(second)).toBe('new')
  })
})

test('buildName: builds that were made apart share pages, and two apps of that name do not', async (test) => {
  const namespace = newName('builds')
  const env = { TIERCEL_BUILD_NAME: 'commit' }
  const one = await serving(test, await build(directory(test), 'one'), namespace, env)
  const two = await build(directory(test), 'two')
  await generatedBy(one, await serving(test, two, namespace, env))
  write(two, { 'package.json': { name: 'another' } })
  const app = join(two, 'app/.next')
  cpSync(await build(directory(test), 'three'), app, { recursive: true })
  expect(await shown(await serving(test, app, namespace, env), '/other')).toBeUndefined()
})

/** Dates all of a build; what a build does takes no time otherwise. */
function date(dir, files, secondsAgo) {
  const at = Date.now() / 1_000 - secondsAgo
  for (const file of Object.keys(files)) utimesSync(join(dir, file), at, at)
}

/** Whether the output of a build answers, some time after `a` was invalidated. */
async function answers(test, dir, namespace) {
  const one = await serving(test, dir, namespace)
  return shown(one)
}

/** An invalidation of `a`, just now, in a fleet of its own. */
async function invalidatedFleet(test) {
  const namespace = newName('builds')
  const one = await serving(test, await build(directory(test), 'any'), namespace)
  await one.invalidate(['a'])
  return namespace
}

describe('after an invalidation', () => {
  test('the output of a build that began more than a minute later is fresh', async (test) => {
    const namespace = await invalidatedFleet(test)
    const dir = directory(test)
    write(dir, { ...compiled(), ...rendered('built') })
    date(dir, { ...compiled(), ...rendered() }, -90)
    expect(await answers(test, dir, namespace)).toBe('built')
  })

  test('that of a build within that minute is not', async (test) => {
    const namespace = await invalidatedFleet(test)
    const dir = directory(test)
    write(dir, { ...compiled(), ...rendered('built') })
    date(dir, { ...compiled(), ...rendered() }, -30)
    expect(await answers(test, dir, namespace)).toBeUndefined()
  })

  test('nor is what was written later by a build that had begun before', async (test) => {
    const namespace = await invalidatedFleet(test)
    const dir = directory(test)
    write(dir, { ...compiled(), ...rendered('built') })
    date(dir, rendered(), -3_600)
    expect(await answers(test, dir, namespace)).toBeUndefined()
  })

  test('nor if a copy has dated all of it anew', async (test) => {
    const namespace = await invalidatedFleet(test)
    const dir = await build(directory(test), 'built')
    date(dir, { ...compiled(), ...rendered(), 'server/pages/.tiercel-build': '' }, -3_600)
    expect(await answers(test, dir, namespace)).toBeUndefined()
  })

  test('where all dates are lost, it counts when the handler was loaded in the build', async (test) => {
    const namespace = await invalidatedFleet(test)
    const dir = directory(test)
    write(dir, compiled())
    date(dir, compiled(), -90)
    await build(dir, 'built', {})
    const mark = JSON.parse(readFileSync(join(dir, 'server/pages/.tiercel-build')))
    write(dir, { 'server/pages/.tiercel-build': { ...mark, beganMs: Date.now() + 90_000 } })
    date(dir, { ...compiled(), ...rendered() }, Date.now() / 1_000)
    expect(await answers(test, dir, namespace)).toBe('built')
  })
})

describe('two namespaces of one build', () => {
  /** What a process says of it that serves a build. */
  async function serve({ index, serverDistDir, isTold }) {
    const Tiercel = require(index)
    let told
    const onNotice = ({ code, text }) => {
      if (code === 'other-namespace') told = text
    }
    Tiercel.configure({ onNotice })
    new Tiercel({ serverDistDir })
    const until = performance.now() + (isTold ? 10_000 : 700)
    while (performance.now() < until && told === undefined) {
      await new Promise((wake) => setTimeout(wake, 20))
    }
    const { state, refuses } = Tiercel.stats().shared
    return { told: told ?? null, state, refuses }
  }
  const served = async (dir, namespace, isTold, env = {}) => {
    const given = { serverDistDir: join(dir, 'server'), isTold }
    const cwd = appIn(join(dir, 'app'), '16.4.6')
    const named = namespace ? { TIERCEL_NAMESPACE: namespace } : {}
    const all = { REDIS_URL: server.url, NODE_ENV: 'production', ...named, ...env }
    return (await inChild(serve, { given, cwd, env: all })).answer
  }
  const fine = { told: null, state: 'connected', refuses: '' }

  test('are told of, unless both are given', async (test) => {
    const dir = await build(directory(test), 'built')
    const [one, other] = [newName('builds'), newName('builds')]
    expect(await served(dir, one, false)).toEqual(fine)
    expect(await served(dir, other, false)).toEqual(fine)
    const { told } = await served(dir, undefined, true)
    expect(told).toContain(`this build uses the namespace ${one} on`)
    expect(told).toContain('and this one app:production')
    const another = await build(directory(test), 'another')
    expect(await served(another, undefined, false)).toEqual(fine)
  })

  test('are told of no more once the others follow the advice', async (test) => {
    const dir = await build(directory(test), 'built')
    const own = newName('builds')
    expect(await served(dir, undefined, false)).toEqual(fine)
    expect((await served(dir, own, true)).told).toContain('uses the namespace app:production on')
    expect(await served(dir, own, false)).toEqual(fine)
  })

  test('are not looked for where a user may touch one only', async (test) => {
    const dir = await build(directory(test), 'built')
    await served(dir, newName('builds'), false)
    const [user, own] = ['limited', 'app:production']
    const keys = [`~${own}*`, `~{${own}}*`, `&{${own}}*`]
    await server.command('ACL', 'SETUSER', user, 'on', '>secret', ...keys, '+@all')
    const url = server.url.replace('redis://', `redis://${user}:secret@`)
    expect(await served(dir, undefined, false, { REDIS_URL: url })).toEqual(fine)
  })
})
