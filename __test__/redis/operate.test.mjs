import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { start } from '../../tools/redis/servers.mjs'
import { fetched, ofFetch, page, pause, setFetch, tagged, until } from '../unit/support.mjs'
import { appOf, instancesOf, json, linesOf, run, terminal, visible } from './command.mjs'

// Each command is a process.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let server
beforeAll(async () => {
  server = await start('single', {
    maxmemory: '64mb',
    settings: { 'maxmemory-policy': 'volatile-lru' },
  })
})
afterAll(() => server?.stop())

const hour = { cacheControl: { revalidate: 3_600, expire: 86_400 } }
const isTerminal = existsSync('/usr/bin/script')

/** An app with so many instances. */
async function started(test, count, env) {
  const app = appOf(test, server.url)
  return { app, instances: await instancesOf(test, app, count, env) }
}

/** Resolves once every one of these is in the server. */
const shared = (app, count) =>
  until(`${count} entries are shared`, async () => {
    const { entries } = await json(['keys'], app)
    return entries.length >= count ? entries : undefined
  })

/** Has every instance hold the data of these tags. */
async function spread(instances, key, tags) {
  await instances[0].get('FETCH', key, ofFetch(tags))
  await instances[0].set(key, fetched(key), setFetch(tags))
  for (const one of instances) {
    await until(`${key} is held`, () => one.get('FETCH', key, ofFetch(tags)))
  }
}

/** What the instances answer for data now. */
const answers = (instances, key, tags) =>
  Promise.all(instances.map((one) => one.get('FETCH', key, ofFetch(tags))))

describe('purge', () => {
  test('by tag: no instance answers with it once the command has returned', async (test) => {
    const { app, instances } = await started(test, 3)
    await spread(instances, 'a', ['posts'])
    await spread(instances, 'b', ['authors'])
    const purged = await json(['purge', '--tag', 'posts'], app)
    expect(await answers(instances, 'a', ['posts'])).toEqual([null, null, null])
    expect(await answers(instances, 'b', ['authors'])).not.toContain(null)
    expect(purged).toMatchObject({ code: 0, isEverywhere: true, instances: 3, acknowledged: 3 })
    expect(purged.acknowledgedMs).toBeLessThanOrEqual(purged.tookMs)
  })

  test('says who acknowledged and how long it took, for a reader', async (test) => {
    const { app, instances } = await started(test, 2)
    await spread(instances, 'a', ['posts'])
    const { code, stdout } = await run(['purge', '--tag', 'posts', '--soft'], app)
    expect({ code, lines: stdout.split('\n') }).toEqual({
      code: 0,
      lines: [
        expect.stringMatching(/^posts: stale since [\d:]+, in effect everywhere after [\d.]+ m?s$/),
        expect.stringMatching(/^2 of 2 instances acknowledged within [\d.]+ m?s$/),
        '',
      ],
    })
    const [found] = await answers(instances, 'a', ['posts'])
    expect(found.lastModified).toBe(-1)
  })

  test('an instance that stands still cannot answer with it either', async (test) => {
    const { app, instances } = await started(test, 2)
    await spread(instances, 'a', ['posts'])
    instances[1].pause()
    const purged = await json(['purge', '--tag', 'posts'], app)
    expect(purged).toMatchObject({ isEverywhere: true, instances: 2, acknowledged: 1 })
    instances[1].resume()
    expect(await answers(instances, 'a', ['posts'])).toEqual([null, null])
  })

  test('is repeated after invalidationGraceMs, and says so', async (test) => {
    const { app } = await started(test, 1)
    const env = { ...app.env, TIERCEL_INVALIDATION_GRACE_MS: '50' }
    const said = await run(['purge', '--tag', 'posts'], { ...app, env })
    expect(said).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^It is repeated after 50 ms/),
    })
    expect(said.stdout.match(/^posts: invalidated at/gm)).toHaveLength(2)
    const once = await json(['purge', '--tag', 'posts'], app)
    const twice = await json(['purge', '--tag', 'posts'], { ...app, env })
    expect([once.repeatedAfterMs, twice.repeatedAfterMs]).toEqual([undefined, 50])
  })

  test('by kind, key and path, in memory and in the server', async (test) => {
    const { app, instances } = await started(test, 2)
    const [one, two] = instances
    await spread(instances, 'a'.repeat(64), [])
    await spread(instances, 'b'.repeat(64), [])
    for (const path of ['/blog', '/about']) {
      await one.app.get('APP_PAGE', path)
      await one.app.set(path, page(tagged(`_N_T_${path}`)), hour)
      await until('it is shared', () => two.app.get('APP_PAGE', path))
    }
    const pages = () =>
      Promise.all(['/blog', '/about'].map((path) => two.app.get('APP_PAGE', path)))

    expect(await json(['purge', '--key', 'a'.repeat(64)], app)).toMatchObject({ code: 0 })
    expect(await answers(instances, 'a'.repeat(64), [])).toEqual([null, null])
    expect(await answers(instances, 'b'.repeat(64), [])).not.toContain(null)

    expect(await json(['purge', '--path', '/blog'], app)).toMatchObject({ code: 0 })
    expect(await pages()).toEqual([null, expect.anything()])

    const { freed } = await json(['purge', '--kind', 'fetch'], app)
    expect(freed.entries).toBe(2)
    expect(await answers(instances, 'b'.repeat(64), [])).toEqual([null, null])
    expect(await pages()).toEqual([null, expect.anything()])
    const { entries } = await json(['keys', '--kind', 'fetch'], app)
    expect(entries).toEqual([])
  })

  test('a page without tags, of the Pages Router, goes by its path', async (test) => {
    const { app, instances } = await started(test, 2)
    const [one, two] = instances
    const old = { kind: 'PAGES', html: '<p>old</p>', pageData: {}, headers: {}, status: 200 }
    await one.app.get('PAGES', '/old')
    await one.app.set('/old', old, hour)
    await until('it is shared', () => two.app.get('PAGES', '/old'))
    expect((await run(['purge', '--path', '/old'], app)).code).toBe(0)
    expect(await two.app.get('PAGES', '/old')).toBe(null)
  })

  test('everything, and the memory of the server is free', async (test) => {
    const { app, instances } = await started(test, 2)
    await spread(instances, 'a', ['posts'])
    await spread(instances, 'b', [])
    const dry = await json(['purge', '--all', '--dry-run'], app)
    expect(dry).toMatchObject({ code: 0, entries: 2, byKind: { fetch: { entries: 2 } } })
    expect(await answers(instances, 'b', [])).not.toContain(null)
    const purged = await json(['purge', '--all'], app)
    expect(await answers(instances, 'a', ['posts'])).toEqual([null, null])
    expect(await answers(instances, 'b', [])).toEqual([null, null])
    expect(purged).toMatchObject({ isEverywhere: true, acknowledged: 2, freed: { entries: 2 } })
    // What is generated from now on lives.
    await spread(instances, 'b', [])
  })

  test('what other builds left behind is removed, and nothing of this one', async (test) => {
    const { app, instances } = await started(test, 1)
    const [one] = instances
    await one.app.get('APP_PAGE', '/blog')
    await one.app.set('/blog', page(), hour)
    await spread(instances, 'a', [])
    await shared(app, 2)
    expect(await json(['purge', '--build', 'old', '--dry-run'], app)).toMatchObject({ entries: 0 })
    writeFileSync(join(app.cwd, '.next', 'BUILD_ID'), 'build-2')
    const purged = await json(['purge', '--build', 'old'], app)
    expect(purged).toMatchObject({ code: 0, freed: { entries: 1 } })
    const { entries } = await json(['keys'], app)
    expect(entries.map(({ kind }) => kind)).toEqual(['fetch'])
  })

  const wrong = [
    [[], 'what to purge is missing'],
    [['--all', '--tag', 'a'], '--all goes with no other'],
    [['--build', 'build-1'], '--build takes old'],
    [['--build', 'old', '--soft'], '--build is never soft'],
    [['--kind', 'html'], '--kind takes one of'],
    [['--path', 'blog'], '--path takes a path that begins with /'],
    [['--tag', 'a', '--expire', 'soon'], '--expire takes a number of seconds'],
    [['posts'], 'it takes flags only'],
  ]
  test.each(wrong)('%j is refused with what is wrong', async (args, what) => {
    const { code, stdout, stderr } = await run(['purge', ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(what)
    expect(stderr).toMatch(/^tiercel: [^\n]*; see tiercel purge --help\n$/)
  })

  test.skipIf(!isTerminal)('on a terminal --all asks, and no is the default', async (test) => {
    const { app, instances } = await started(test, 1)
    await spread(instances, 'a', [])
    const no = await terminal(['purge', '--all'], { ...app, input: '\n' })
    expect(visible(no.stdout)).toContain(`Invalidate everything of ${app.namespace} on redis`)
    expect(visible(no.stdout)).toContain('Nothing was invalidated.')
    expect(no.code).toBe(1)
    const left = await terminal(['purge', '--all'], { ...app, input: '\u0004', prompt: '[y/N]' })
    expect(visible(left.stdout)).toContain('Nothing was invalidated.')
    expect(left.code).toBe(1)
    expect(await answers(instances, 'a', [])).not.toContain(null)
    const yes = await terminal(['purge', '--all'], { ...app, input: 'yes\n' })
    expect(visible(yes.stdout)).toContain('everything: invalidated at')
    expect(yes.code).toBe(0)
    expect(await answers(instances, 'a', [])).toEqual([null])
  })
})

describe('keys and inspect', () => {
  test('entries are listed by kind, tag, size and age, and shown with what is in them', async (test) => {
    const { app, instances } = await started(test, 1)
    const [one] = instances
    const segmentData = new Map([['/_tree', Buffer.from('tree')]])
    await one.app.get('APP_PAGE', '/blog')
    await one.app.set('/blog', page({ ...tagged('posts'), segmentData }), hour)
    await spread(instances, 'small', ['posts', 'größe'])
    await one.set('large', fetched('x'.repeat(30_000)), setFetch([]))
    await one.useSet('used', 'value', { tags: ['posts'] })
    await shared(app, 4)
    const list = async (...args) =>
      (await json(['keys', ...args], app)).entries.map(({ key }) => key)
    expect((await list('--kind', 'fetch')).sort()).toEqual(['large', 'small'])
    expect((await list('--tag', 'posts')).sort()).toEqual(['/blog', 'small', 'used'])
    expect(await list('--tag', 'größe')).toEqual(['small'])
    expect(await list('--path', 'blog')).toEqual(['/blog'])
    expect(await list('--older-than', '1h')).toEqual([])
    expect(await list('--largest', '1', '--kind', 'fetch')).toHaveLength(1)

    const { parts, ...about } = await json(['inspect', '/blog'], app)
    expect(about).toMatchObject({ code: 0, kind: 'page', key: '/blog', revalidateSecs: 3_600 })
    expect(about.judged).toMatchObject({ verdict: 'fresh', by: 'age' })
    expect(parts.html).toEqual({
      bytes: 11,
      encoding: 'utf8',
      isWhole: true,
      content: '<p>page</p>',
    })
    expect(Object.keys(parts)).toEqual(['headers', 'html', 'rsc', 'segment:/_tree'])
    const raw = await run(['inspect', '/blog', '--part', 'segment:/_tree'], app)
    expect(raw).toEqual({ code: 0, stdout: 'tree', stderr: '' })
    const data = await json(['inspect', 'small'], app)
    expect(data.parts.body.content).toBe('small')
    const byAddress = await json(['inspect', data.address], app)
    expect(byAddress.key).toBe('small')
    expect((await json(['inspect', 'used'], app)).parts.body.content).toBe('value')
    // Nothing was changed.
    expect(await one.app.get('APP_PAGE', '/blog')).not.toBe(null)
    expect((await run(['inspect', 'nothing'], app)).code).toBe(1)
  })

  test.skipIf(!isTerminal)('a list fits into terminals of 80 and of 200 columns', async (test) => {
    const { app, instances } = await started(test, 1)
    await spread(instances, `${'long-key-'.repeat(30)}\u001b[2J`, ['posts'])
    await shared(app, 1)
    for (const columns of [80, 200]) {
      const { code, stdout } = await terminal(['keys'], { ...app, columns })
      const lines = linesOf(stdout)
      expect(code).toBe(0)
      expect(lines.filter((line) => line.length > columns)).toEqual([])
      expect(lines.some((line) => line.includes('long-key-long-key'))).toBe(true)
      expect(lines.some((line) => line.includes('posts'))).toBe(columns === 200)
      // Colours, and nothing of the foreign text that moves a cursor.
      expect(stdout).toContain('\u001b[2mkind')
      expect(stdout).not.toContain('\u001b[2J')
    }
    const { stdout } = await terminal(['keys'], { ...app, env: { ...app.env, NO_COLOR: '1' } })
    expect(stdout).toContain('kind  ')
    expect(stdout).not.toContain('\u001b[2m')
    expect((await run(['keys'], app)).stdout).not.toContain('\u001b')
  })
})

describe('why', () => {
  const said = async (app, text) => (await json(['why', text], app)).said

  test('an entry is fresh, stale by age, softly stale, dead by tag, by the floor', async (test) => {
    const { app, instances } = await started(test, 1)
    await spread(instances, 'a', ['posts'])
    await shared(app, 1)
    expect(await said(app, 'a')).toMatch(
      /^fresh: the fetch was generated at .* ago, and is stale after/,
    )
    await json(['purge', '--tag', 'posts', '--soft'], app)
    expect(await said(app, 'a')).toMatch(
      /^stale: tag posts was invalidated softly at [\d:]+; the fetch/,
    )
    await json(['purge', '--tag', 'posts'], app)
    const dead = await json(['why', 'a'], app)
    expect(dead.said).toMatch(
      /^miss: tag posts was invalidated hard at [\d:]+; the fetch was generated/,
    )
    expect(dead).toMatchObject({ code: 1, isAnswered: false })
    expect(dead.invalidated).toMatchObject([{ tag: 'posts' }])

    await instances[0].get('FETCH', 'short', ofFetch([]))
    await instances[0].set('short', fetched('x', { revalidate: 1 }), setFetch([]))
    await shared(app, 2)
    await pause(1_100)
    expect(await said(app, 'short')).toMatch(
      /^stale: the fetch was generated at .* its revalidate is 1/,
    )

    await server.command('ZADD', `{${app.namespace}}:t`, '9000000000000000', 'f')
    expect(await said(app, 'short')).toContain('before everything was invalidated')
  })

  test('a page has the tags that it was stored with, and no others', async (test) => {
    const { app, instances } = await started(test, 1)
    const { app: one } = instances[0]
    const old = { kind: 'PAGES', html: '<p>old</p>', pageData: {}, headers: {}, status: 200 }
    await one.get('PAGES', '/old')
    await one.set('/old', old, hour)
    await shared(app, 1)
    await json(['purge', '--tag', '_N_T_/old'], app)
    expect(await one.get('PAGES', '/old')).not.toBe(null)
    expect(await said(app, '/old')).toMatch(/^fresh: /)
  })

  test('without its table, an entry is of another life of it; never stored, it is missing', async (test) => {
    const { app, instances } = await started(test, 1)
    await spread(instances, 'a', ['posts'])
    await shared(app, 1)
    expect(await said(app, 'never')).toMatch(
      /^miss: Redis holds nothing for never: it was never stored/,
    )
    expect(await said(app, '/never')).toContain('for the build here')
    await server.command('UNLINK', `{${app.namespace}}:t`)
    await until('the table begins anew', async () => {
      const told = await said(app, 'a')
      return told.includes('before Redis lost its table') ? told : undefined
    })
    rmSync(join(app.cwd, '.next', 'BUILD_ID'))
    expect(await said(app, '/never')).toMatch(
      /^unknown: where the page \/never lies depends on the build/,
    )
  })

  test.skipIf(!isTerminal)('on a terminal its lines are folded, and coloured', async (test) => {
    const { app, instances } = await started(test, 1)
    await spread(instances, 'a', ['posts'])
    await shared(app, 1)
    const { code, stdout } = await terminal(['why', 'a'], app)
    expect(code).toBe(0)
    expect(stdout).toContain('\u001b[32mfresh\u001b[0m: the fetch was generated at')
    expect(linesOf(stdout).filter((line) => line.length > 80)).toEqual([])
  })

  test('the lease of a generation is named, with and without an entry', async (test) => {
    const { app, instances } = await started(test, 1, {
      TIERCEL_WAIT_MS: '2000',
      TIERCEL_FETCH_WAIT_MS: '2000',
    })
    // A get that misses leads the generation.
    expect(await instances[0].app.get('APP_PAGE', '/slow')).toBe(null)
    expect(await said(app, '/slow')).toMatch(
      /^miss: .* instance [\da-f]{16} is generating it since/,
    )
  })
})

test('stats once, and as a line for each interval', async (test) => {
  const { app } = await started(test, 2)
  const once = await json(['stats'], app)
  expect(once).toMatchObject({
    code: 0,
    instances: 2,
    namespace: app.namespace,
    mostBytes: 64 << 20,
  })
  const { stdout } = await run(
    ['stats', '--watch', '--count', '2', '--interval', '0.2', '--json'],
    app,
  )
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines.map(({ instances }) => instances)).toEqual([2, 2])
  const { stdout: shown } = await run(['stats', '--watch', '--count', '1'], app)
  expect(shown.split('\n')[0]).toMatch(/^ *time +inst +behind +memory/)
})
