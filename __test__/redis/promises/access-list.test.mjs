import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { findServer, start } from '../../../tools/redis/servers.mjs'
import { pause, until } from '../../unit/support.mjs'
import { appOf, run } from '../command.mjs'
import { arrives, connected, team } from '../instances.mjs'
import { kinds } from '../kinds.mjs'
import { rounds, STRICT } from './support.mjs'

// With the rights that docs/redis.md lists everything works; with fewer it says so, or is slower, and
// is never wrong.

const PAGE = readFileSync(fileURLToPath(new URL('../../../docs/redis.md', import.meta.url)), 'utf8')
const NAMESPACE = 'shop:production'
const APP = fileURLToPath(new URL('../../../app.js', import.meta.url))
const PATIENCE_MS = 60_000

/** The user as the page has it, with its commands; in a cluster with those it adds. */
function user(kind = 'single') {
  const block = /user (tiercel [\s\S]*?)\n```/.exec(PAGE)?.[1]
  const more = /in a cluster also\s+`([^`]+)`/.exec(PAGE)?.[1]
  const rights = block.replace(/\\\n\s*/g, '')
  // As the page says of the oldest.
  if (kind === 'redis60') return rights.replace(/resetchannels &\S+ | \+zmscore/g, '')
  return `${rights}${kind === 'cluster' ? ` ${more}` : ''}`
}

/** Servers that let nobody in but that user and the tests, and instances that log in as it. */
async function guarded({ onTestFinished }, kind, rights, count = 2) {
  // Replicas log in, too.
  const settings = { masteruser: 'tests', masterauth: 'of-the-tests' }
  const nobody = kind === 'redis60' ? 'default off +hello' : 'default off'
  const server = await start(kind, { users: [nobody, rights], settings })
  onTestFinished(() => server.stop())
  const fleet = await team(count, {
    TIERCEL_REDIS_URL: server.url,
    TIERCEL_REDIS_USERNAME: 'tiercel',
    TIERCEL_REDIS_PASSWORD: 'password',
    TIERCEL_NAMESPACE: NAMESPACE,
    ...STRICT,
  })
  onTestFinished(() => fleet.stop())
  return { server, fleet }
}

/** What was refused to somebody, on any server of a topology. */
async function refusals(server) {
  const refused = new Set()
  for (const one of server.nodes ?? [server]) {
    for (const entry of await one.command('ACL', 'LOG')) {
      refused.add(entry[entry.indexOf('object') + 1])
    }
  }
  return [...refused]
}

/** All that the app's own code can ask for, in ways that take every branch of the scripts. */
const useAll = async ({ require, APP }) => {
  const { codes, counter, kv, lock, rateLimit, sessions, tokens } = require(APP)
  const values = kv('a')
  await values.set('key', 'x')
  await values.setIfAbsent('key', 'y', '1h')
  await values.expire('key', '1h')
  await values.getAndDelete('key')
  await values.increment('n')
  await values.increment('n')
  await values.delete('n')
  await values.get('n')
  const { issue, consume, revoke } = tokens()
  await consume(await issue(5))
  await revoke(await issue())
  const mails = codes({ resend: { after: 0 } })
  const { code } = await mails.issue('x')
  await mails.verify('x', '000000')
  await mails.verify('x', code)
  await mails.revoke('x')
  await Promise.all([1, 2, 3].map(() => lock('key', { ttl: '1s' }, () => {})))
  const windows = [
    { limit: 2, window: '1h', algorithm: 'fixed-window' },
    { limit: 2, window: '1h', algorithm: 'sliding-window' },
    { limit: 2, window: '1h', algorithm: 'token-bucket' },
  ]
  const limiter = rateLimit({ name: 'a', windows })
  for (let n = 0; n < 3; n++) await limiter.limit('id')
  await limiter.block('id', '1h')
  await limiter.reset('id')
  const fast = rateLimit({ name: 'b', limit: 1_000, window: '1h', mode: 'fast' })
  for (let n = 0; n < 20; n++) await fast.limit('id')
  const permits = rateLimit.concurrency({ name: 'a', limit: 1, ttl: '1s' })
  await permits.run('id', async () => {
    await permits.acquire('id')
    await new Promise((end) => setTimeout(end, 1_200))
  })
  await permits.peek('id')
  const views = counter('views', { ttl: 1 })
  views.add('a')
  views.unique('a', 'x')
  await views.flush()
  await new Promise((end) => setTimeout(end, 1_100))
  views.add('b')
  await Promise.all([views.get('b'), views.series('b', 1), views.top(), views.uniques('b')])
  await views.reset('b')
  const users = sessions({ maxPerUser: 2 })
  const ids = [await users.create('u'), await users.create('u'), await users.create('u')]
  await users.update(ids[2], 5)
  await users.rotate(ids[2])
  await users.list('u')
  await users.destroy(ids[2])
  await users.destroyAll('u')
}

/** An invalidation that others could not be told of yet says so. */
const isHereOnly = (invalidation) =>
  expect(invalidation).rejects.toMatchObject({ code: 'TIERCEL_NOT_RECORDED' })

const makes = ['redis6', 'redis60']
const found = await Promise.all(makes.map(findServer))
const there = makes.filter((_, n) => !found[n].missing)

test.for(['single', 'sentinel', 'cluster', ...there])(
  'the rights in docs/redis.md are enough, and none is missed: %s',
  async (kind, test) => {
    const { server, fleet } = await guarded(test, kind, user(kind), 3)
    await Promise.all([...fleet].map(connected))
    const told = await rounds(fleet, { count: 10, rounds: 4 })
    expect(told.old).toBe(0)
    const [one, two] = fleet
    for (const [what, kind] of Object.entries(kinds)) {
      await kind.set(one, what, 'x', ['soft'])
      await arrives(kind, two, what)
    }
    await one.invalidate(['soft'], { expire: 60 })
    await two.invalidate(['soft'], { expire: 30 })
    // Many at once, somebody new who loads the table, and one that goes for good.
    await two.run(({ Tiercel }) => Promise.all(['a', 'b', 'c'].map((key) => Tiercel.get(key, []))))
    await one.run(useAll, { APP })
    const { instances } = await two.run(({ Tiercel }) => Tiercel.why('soft'))
    expect(instances).toHaveLength(3)
    await fleet[2].kill()
    await one.invalidate(['after'])
    await pause(1_100)
    expect(await refusals(server)).toEqual([])
    if (kind !== 'single' && kind !== 'cluster') return
    await commands(test, server)
    expect(await refusals(server)).toEqual([])
  },
  PATIENCE_MS,
)

/** The commands that docs/cli.md says need no more. */
async function commands(test, server) {
  const login = { TIERCEL_REDIS_USERNAME: 'tiercel', TIERCEL_REDIS_PASSWORD: 'password' }
  const app = appOf(test, server.url, NAMESPACE)
  const env = { ...app.env, ...login }
  for (const args of [
    ['purge', '--tag', 'soft'],
    ['stats'],
    ['instances'],
    ['top', '--once'],
    ['why', '/page'],
    ['inspect', '/page'],
  ]) {
    const { stderr } = await run(args, { ...app, env })
    expect(stderr, args[0]).not.toMatch(/cannot be used|NOPERM|refuses/)
  }
}

test(
  'without PUBLISH and SUBSCRIBE polls tell the truth',
  async (test) => {
    const rights = user().replace(/ \+(publish|subscribe)/g, '')
    const { server, fleet } = await guarded(test, 'single', rights, 3)
    await Promise.all([...fleet].map(connected))
    const told = await rounds(fleet, { count: 20, rounds: 3 })
    expect(told.old).toBe(0)
    expect((await refusals(server)).sort()).toEqual(['publish', 'subscribe'])
  },
  PATIENCE_MS,
)

test(
  'without EVAL it says so once, shares entries, and invalidates in its own process',
  async (test) => {
    const rights = user().replace(/ \+(eval|evalsha)\b/g, '')
    const { fleet } = await guarded(test, 'single', rights)
    const [one, two] = fleet
    const told = () => one.log().match(/^tiercel: .*(script|EVAL).*$/gim) ?? []
    await until('it says so', () => (told().length ? true : undefined))
    for (const [what, kind] of Object.entries(kinds)) {
      await kind.set(one, what, 'x', [what])
      expect(await arrives(kind, two, what)).toBe('x')
      await isHereOnly(one.invalidate([what]))
      expect(await kind.read(one, what)).toBe(undefined)
    }
    expect(told().length).toBe(1)
    expect(one.log()).not.toContain('password')
  },
  PATIENCE_MS,
)

test.for([
  ['scripts', ['-eval', '-evalsha'], ['+eval', '+evalsha']],
  ['a command of its scripts', ['-zadd'], ['+zadd']],
  ['its keys', ['resetkeys', '~other:*'], [`~${NAMESPACE}:*`, `~{${NAMESPACE}}:*`]],
])(
  'who may not use %s for half a second is a member again soon after',
  async ([, take, give], test) => {
    const { server, fleet } = await guarded(test, 'single', user())
    await Promise.all([...fleet].map(connected))
    const [one, two] = fleet
    const { fetch } = kinds
    for (const key of ['before', 'meanwhile', 'after']) {
      await fetch.set(one, key, 'x', [key])
      expect(await arrives(fetch, two, key)).toBe('x')
    }
    await server.command('ACL', 'SETUSER', 'tiercel', ...take)
    const shared = (instance) =>
      instance.run(async ({ Tiercel }) => (await Tiercel.ready({ timeoutMs: 0 })).shared)
    await until('it says so', async () => ((await shared(one)) === 'denied' ? true : undefined))
    await until('it is said', () => (/user/.test(one.log()) ? true : undefined))
    expect((await one.stats()).shared.refuses).not.toBe('')
    await isHereOnly(one.invalidate(['meanwhile']))
    expect(await fetch.read(one, 'meanwhile')).toBe(undefined)
    await pause(500)
    await server.command('ACL', 'SETUSER', 'tiercel', ...give)
    for (const each of fleet) {
      const isBack = async () => ((await shared(each)) === 'connected' ? true : undefined)
      await until('it is back', isBack, { within: 5_000 })
    }
    // What was invalidated meanwhile is told, and so is what is invalidated from now on.
    await until('it is told', async () => ((await fetch.read(two, 'meanwhile')) ? undefined : true))
    await one.invalidate(['after'])
    expect(await fetch.read(two, 'after')).toBe(undefined)
    expect(await fetch.read(two, 'before')).toBe('x')
    expect((await one.stats()).shared.refuses).toBe('')
    expect(one.log()).toMatch(/again/)
  },
  PATIENCE_MS,
)

test('a server that is set up wrong for a cache is told of, if it may be asked', async (test) => {
  const { fleet } = await guarded(test, 'single', user(), 1)
  const is = 'maxmemory 0 and maxmemory-policy noeviction'
  await until('it says so', () => (fleet[0].log().includes(is) ? true : undefined))
  const other = await guarded(test, 'single', user().replace(' +info', ''), 1)
  await connected(other.fleet[0])
  await pause(200)
  expect(other.fleet[0].log()).not.toContain('maxmemory')
})

test(
  'keys and channels of other namespaces are out of reach',
  async (test) => {
    const { server, fleet } = await guarded(test, 'single', user(), 1)
    await connected(fleet[0])
    const client = await server.client({ username: 'tiercel', password: 'password' })
    test.onTestFinished(() => client.close())
    for (const command of [
      ['GET', 'other:{x}'],
      ['SET', 'other', 'x'],
      ['PUBLISH', '{other}:m0', 'x'],
      ['FLUSHALL'],
      ['CONFIG', 'GET', '*'],
      ['KEYS', '*'],
    ]) {
      await expect(client.command(...command), command[0]).rejects.toThrow('NOPERM')
    }
  },
  PATIENCE_MS,
)
