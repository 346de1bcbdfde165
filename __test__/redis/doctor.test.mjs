import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { freePort } from '../../tools/ports.mjs'
import { start } from '../../tools/redis/servers.mjs'
import { fetched, ofFetch, page, setFetch, until } from '../unit/support.mjs'
import { appOf, instancesOf, json, linesOf, run, terminal } from './command.mjs'

const SUITED = { maxmemory: '64mb', settings: { 'maxmemory-policy': 'volatile-lru' } }
/** The least rights, as docs/redis.md has them. */
const RIGHTS =
  '+get +mget +getrange +set +exists +ping +info +client|id +eval +evalsha +publish +subscribe +time ' +
  '+pexpire +pttl +del +unlink +zadd +zscore +zmscore +zrem +zcount +zrange +zrevrange ' +
  '+zrangebyscore +zremrangebyrank +hset +hget +hdel +hgetall +pfadd +pfcount'
const isTerminal = existsSync('/usr/bin/script')
/** Groups of servers take a while to start, and each command is a process. */
const GROUP_MS = 90_000

vi.setConfig({ testTimeout: GROUP_MS, hookTimeout: GROUP_MS })

async function started({ onTestFinished }, kind, options) {
  const server = await start(kind, options)
  onTestFinished(() => server.stop())
  return server
}

/** What doctor finds wrong, as `area: text`, with its exit code. */
async function examined(app, ...args) {
  const { code, findings } = await json(['doctor', ...args], app)
  const of = (level) =>
    findings.filter((one) => one.level === level).map(({ area, text }) => `${area}: ${text}`)
  return { code, findings, problems: of('problem'), hints: of('hint'), fine: of('fine') }
}

const cureOf = ({ findings }, part) => findings.find(({ text }) => text.includes(part))?.cure

test('where all is as it should be there is no problem', async (test) => {
  const server = await started(test, 'single', SUITED)
  const app = appOf(test, server.url)
  const { code, problems, fine } = await examined(app)
  expect({ code, problems }).toEqual({ code: 0, problems: [] })
  for (const step of ['tcp', 'answer', 'login', 'primary', 'write']) {
    expect(fine).toContainEqual(expect.stringMatching(`^redis: ${step} `))
  }
  expect(fine).toContainEqual(expect.stringMatching(/^rights: the user may run all \d+ commands$/))
  expect(fine).toContainEqual(expect.stringMatching(/^addon: tiercel [\d.]+ loads here/))
})

test('no server, and one that cannot be found, are told apart', async (test) => {
  const app = appOf(test, `redis://127.0.0.1:${await freePort()}`)
  const refused = await examined(app)
  expect(refused.code).toBe(1)
  expect(refused.problems).toEqual([
    expect.stringMatching(/^redis: tcp 127\.0\.0\.1:\d+: .*refused/),
  ])
  expect(cureOf(refused, 'refused')).toContain('check host and port')

  const lost = await examined(appOf(test, 'redis://no-such-host.invalid'))
  expect(lost.problems).toEqual([expect.stringMatching(/^redis: dns no-such-host\.invalid: /)])
  const none = await examined({ ...app, env: {} })
  expect(none).toMatchObject({ code: 0, problems: [] })
  expect(none.hints).toContainEqual(expect.stringMatching(/^redis: no server is named/))
  const { code, stderr } = await run(['keys'], { ...app, env: {} })
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining('this app has no Redis'),
  })
})

test('a wrong password is named and not shown', async (test) => {
  const server = await started(test, 'single', { ...SUITED, requirepass: 'right-one' })
  for (const password of ['wrong-one', '']) {
    const login = password ? `:${password}@` : ''
    const app = appOf(test, `redis://${login}127.0.0.1:${server.port}`)
    const { code, problems, findings } = await examined(app)
    expect({ code, problems }).toEqual({
      code: 1,
      problems: [expect.stringMatching(/^redis: login 127\.0\.0\.1:\d+: (?:WRONGPASS|NOAUTH)/)],
    })
    expect(JSON.stringify(findings)).not.toMatch(/wrong-one|right-one/)
    const purge = await run(['purge', '--tag', 'a'], app)
    expect(purge).toMatchObject({ code: 1, stdout: '' })
    expect(purge.stderr).toMatch(
      /^tiercel: Redis cannot be used: it refuses the login: .*; tiercel doctor says more\n$/,
    )
  }
  expect((await examined(appOf(test, server.url))).problems).toEqual([])
})

describe('rights', () => {
  test('a missing one is named by its command, and the documented ones are enough', async (test) => {
    const keys = '~shop:* ~{shop:*}:* resetchannels &{shop:*'
    const users = [
      'default off',
      `all on >pw ${keys} -@all ${RIGHTS}`,
      `few on >pw ${keys} -@all ${RIGHTS.replace('+zadd ', '').replace('+subscribe ', '')}`,
      `other on >pw ~other:* ~{other:*}:* &* -@all ${RIGHTS}`,
    ]
    const server = await started(test, 'single', { ...SUITED, users })
    const at = (user) => appOf(test, `redis://${user}:pw@127.0.0.1:${server.port}`)
    const all = await examined(at('all'))
    expect(all).toMatchObject({ code: 0, problems: [] })
    expect(all.hints).toContainEqual(
      expect.stringMatching(
        /^rights: the user may not run scan, .*, which only this command line needs$/,
      ),
    )

    const few = await examined(at('few'))
    expect(few.code).toBe(1)
    expect(few.problems).toEqual(['rights: the user may not run zadd, which invalidations need'])
    expect(few.hints).toContainEqual(
      'rights: the user may not run subscribe, which invalidations need to be quick',
    )
    expect(cureOf(few, 'run zadd')).toContain('+zadd')

    const other = await examined(at('other'))
    expect(other).toMatchObject({ code: 1 })
    expect(other.problems[0]).toMatch(/^redis: write .*(?:NOPERM|No permissions)/)
  })

  test('they are asked from a server that says them, too', async (test) => {
    const users = [
      'default off',
      `app on >pw ~* resetchannels &* -@all ${RIGHTS.replace('+hdel ', '')} +acl +scan +strlen`,
    ]
    const server = await started(test, 'single', { ...SUITED, users })
    const app = appOf(test, `redis://app:pw@127.0.0.1:${server.port}`)
    const { problems } = await examined(app)
    expect(problems).toEqual(['rights: the user may not run hdel, which invalidations need'])
  })
})

test('a server that is set up badly, and one that is full', async (test) => {
  const server = await started(test, 'single')
  const app = appOf(test, server.url)
  const unbounded = await examined(app)
  expect(unbounded.code).toBe(1)
  expect(unbounded.problems).toEqual([expect.stringMatching(/^memory: .* no bound/)])
  await server.command('CONFIG', 'SET', 'maxmemory', '1')
  const full = await examined(app)
  expect(full.problems[0]).toMatch(/^redis: write .*OOM/)
  expect(cureOf(full, 'OOM')).toContain('volatile-lru')
})

test('a replica, a database that is not there, and a port of something else', async (test) => {
  const group = await started(test, 'sentinel', SUITED)
  const [primary, replica] = group.servers
  const wrong = await examined(appOf(test, replica.url))
  expect(wrong.problems).toEqual([
    expect.stringMatching(`^redis: primary .*: it is a replica of 127.0.0.1:${primary.port}`),
  ])
  const missing = await examined(appOf(test, `${primary.url}/99`))
  expect(missing.problems).toEqual([expect.stringMatching(/^redis: database .*: .*out of range/)])

  const found = await examined(appOf(test, group.url))
  expect(found).toMatchObject({ code: 0, problems: [] })
  expect(found.fine).toContainEqual(
    expect.stringMatching(/^redis: sentinel mymaster: a majority names 127\.0\.0\.1:/),
  )
  expect(found.hints).toContainEqual(expect.stringMatching(/min-replicas-to-write 0/))
  const named = await examined(appOf(test, group.url.replace('mymaster', 'other')))
  expect(named.problems).toEqual([expect.stringMatching(/^redis: sentinel other: no majority/)])

  // Lists come from a replica.
  const app = appOf(test, group.url)
  const [one] = await instancesOf(test, app, 1)
  await one.get('FETCH', 'a', ofFetch([]))
  await one.set('a', fetched('a'), setFetch([]))
  const { entries } = await until('a replica has it', async () => {
    const listed = await json(['keys'], app)
    return listed.entries.length > 0 ? listed : undefined
  })
  expect(entries.map(({ key }) => key)).toEqual(['a'])
  expect(await json(['purge', '--all'], app)).toMatchObject({ isEverywhere: true, acknowledged: 1 })
})

test('a cluster: the way to it, its keys on all nodes, and a purge', async (test) => {
  const cluster = await started(test, 'cluster', {
    ...SUITED,
    settings: { ...SUITED.settings, 'cluster-require-full-coverage': 'no' },
  })
  const app = appOf(test, cluster.url)
  const { problems, fine, code } = await examined(app)
  expect({ code, problems }).toEqual({ code: 0, problems: [] })
  expect(fine).toContainEqual(expect.stringMatching(/^redis: cluster .*: every slot has a primary/))
  expect(fine.filter((text) => text.startsWith('memory: '))).toHaveLength(3)
  const [one] = await instancesOf(test, app, 1)
  const keys = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => letter.repeat(64))
  for (const key of keys) {
    await one.get('FETCH', key, ofFetch([]))
    await one.set(key, fetched(key), setFetch([]))
  }
  const { entries } = await until('all are listed', async () => {
    const listed = await json(['keys'], app)
    return listed.entries.length === keys.length ? listed : undefined
  })
  expect(entries.map(({ key }) => key).sort()).toEqual(keys)
  expect((await json(['inspect', keys[3]], app)).parts.body.content).toBe(keys[3])
  const purged = await json(['purge', '--kind', 'fetch'], app)
  expect(purged).toMatchObject({ isEverywhere: true, acknowledged: 1, freed: { entries: 6 } })
  expect(await one.get('FETCH', keys[0], ofFetch([]))).toBe(null)
})

test('TLS: a certificate that is not trusted is told from one that is', async (test) => {
  const server = await started(test, 'tls', SUITED)
  const untrusted = await examined(appOf(test, server.url))
  expect(untrusted.code).toBe(1)
  expect(untrusted.problems).toEqual([expect.stringMatching(/^redis: tls .*certificate/i)])
  expect(cureOf(untrusted, 'tls ')).toContain('redisTlsCaFile')
  const app = appOf(test, server.url)
  const trusting = { ...app, env: { ...app.env, TIERCEL_REDIS_TLS_CA_FILE: server.tls.ca } }
  const trusted = await examined(trusting)
  expect(trusted).toMatchObject({ code: 0, problems: [] })
  expect(trusted.fine).toContainEqual(expect.stringMatching(/^redis: tls .*encrypted/))
  const plain = await examined(appOf(test, server.url.replace('rediss', 'redis')))
  expect(plain.problems).toEqual([expect.stringMatching(/^redis: answer /)])
})

test('what lies under the namespace: other apps, other builds, another type', async (test) => {
  const server = await started(test, 'single', SUITED)
  const app = appOf(test, server.url)
  const [one] = await instancesOf(test, app, 1)
  await one.app.get('APP_PAGE', '/blog')
  await one.app.set('/blog', page(), { cacheControl: { revalidate: 60, expire: 600 } })
  await until('it is shared', async () => {
    const { entries } = await json(['keys'], app)
    return entries.length > 0 ? true : undefined
  })
  expect((await examined(app)).hints).not.toContainEqual(expect.stringMatching(/^keys: /))

  const other = appOf(test, server.url, app.namespace)
  writeFileSync(join(other.cwd, 'package.json'), JSON.stringify({ name: 'another-shop' }))
  writeFileSync(join(other.cwd, '.next', 'BUILD_ID'), 'build-2')
  const { code, problems, hints } = await examined(other)
  expect(code).toBe(1)
  expect(problems).toEqual([expect.stringMatching(/^keys: another app shares the namespace/)])
  expect(hints).toContainEqual(expect.stringMatching(/^keys: 1 entries, .* of builds other than/))
  await server.command('SET', `{${app.namespace}}:p`, 'foreign')
  await one.kill()
  await server.command('DEL', `{${app.namespace}}:p`)
  await server.command('SET', `{${app.namespace}}:p`, 'foreign')
  expect((await examined(app)).problems).toContainEqual(
    `keys: {${app.namespace}}:p is a string and should be a hash`,
  )
})

describe('the app', () => {
  /** An app whose standalone output says which handler it was built with. */
  function built(test, config, more = {}) {
    const app = appOf(test, 'none')
    const write = (name, content) => {
      mkdirSync(join(app.cwd, name, '..'), { recursive: true })
      writeFileSync(join(app.cwd, name), content)
    }
    write('.next/required-server-files.json', JSON.stringify({ config }))
    for (const [name, content] of Object.entries(more)) write(name, content)
    return { ...app, write }
  }

  test('a handler of another make, a second memory, a build without the addon', async (test) => {
    const other = built(
      test,
      { cacheHandler: '../handler.cjs' },
      { 'handler.cjs': 'module.exports = class {}' },
    )
    const found = await examined(other)
    expect(found.problems).toEqual([
      expect.stringMatching(/^handler: the build names .* is another cache handler$/),
    ])
    expect(found.hints).toContainEqual(
      expect.stringMatching(/^handler: .* does not set cacheMaxMemorySize to 0/),
    )
    const none = built(test, {})
    expect((await examined(none)).problems).toEqual([
      expect.stringMatching(/^handler: the build names no cacheHandler/),
    ])
    const source = `const Tiercel = require(${JSON.stringify(join(import.meta.dirname, '../../index.js'))})
      module.exports = class extends Tiercel {}`
    const config = { cacheHandler: '../handler.cjs', cacheMaxMemorySize: 0 }
    const own = built(test, config, {
      'handler.cjs': source,
      '.next/server/pages/.tiercel-build': JSON.stringify({ id: 'x', beganMs: 1 }),
    })
    expect((await examined(own)).problems).toEqual([])
    own.write('.next/standalone/server.js', '')
    expect((await examined(own)).problems).toEqual([
      expect.stringMatching(/^build: the standalone output holds no addon/),
    ])
    own.write('.next/standalone/node_modules/tiercel/tiercel.linux-x64-gnu.node', '')
    expect((await examined(own)).problems).toEqual([])
  })

  test('options of a handler file count, and a mistake in them is named', async (test) => {
    const server = await started(test, 'single', SUITED)
    const handler = (options) =>
      `const Tiercel = require(${JSON.stringify(join(import.meta.dirname, '../../index.js'))})
      module.exports = Tiercel.configure(${JSON.stringify(options)})`
    const config = { cacheHandler: '../handler.cjs', cacheMaxMemorySize: 0 }
    const options = { redisUrl: server.url, namespace: 'from:handler' }
    const app = built(test, config, { 'handler.cjs': handler(options) })
    expect((await json(['stats'], app)).namespace).toBe('from:handler')
    const given = ['stats', '--namespace', 'from:flag']
    expect((await json(given, app)).namespace).toBe('from:flag')
    app.write('handler.cjs', handler({ memoryMb: 'much' }))
    expect((await examined(app)).problems).toContainEqual(expect.stringContaining('memoryMb'))
    const stated = { redisUrl: server.url, namespace: 'from:json' }
    app.write('options.json', JSON.stringify(stated))
    expect((await json(['stats', '--config', join(app.cwd, 'options.json')], app)).namespace).toBe(
      'from:json',
    )
  })
})

test.skipIf(!isTerminal)('on terminals of 80 and 200 columns no line is wider', async (test) => {
  const app = appOf(test, `redis://127.0.0.1:${await freePort()}`)
  for (const columns of [80, 200]) {
    const { code, stdout } = await terminal(['doctor', '--all'], { ...app, columns })
    const lines = linesOf(stdout)
    expect(code).toBe(1)
    expect(lines.filter((line) => line.length > columns)).toEqual([])
    expect(lines.some((line) => /^x {2}redis {5}tcp /.test(line))).toBe(true)
    expect(stdout).toContain('\u001b[31mx')
  }
  const bare = await terminal(['doctor'], { ...app, env: { ...app.env, NO_COLOR: '1' } })
  expect(bare.stdout).not.toContain('\u001b[3')
  expect((await run(['doctor'], app)).stdout).not.toContain('\u001b')
})
