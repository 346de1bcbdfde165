import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { start } from '../../tools/redis/servers.mjs'
import { fetched, inChild, ofFetch, page, setFetch, tagged, until } from '../unit/support.mjs'
import { appOf, instancesOf, json, run, terminal, visible } from './command.mjs'

// What the instances of a fleet remember about something, when somebody asks all of them.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const isTerminal = existsSync('/usr/bin/script')
const hour = { cacheControl: { revalidate: 3_600, expire: 86_400 } }

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

/** What an instance is told by all. */
const why = (instance, about) => instance.run(({ Tiercel, about }) => Tiercel.why(about), { about })
const told = ({ instance, call, tier, outcome }) => `${instance} ${call} ${tier} ${outcome}`
/** Who made an invalidation, whoever tells of it; else who tells. */
const authorOf = ({ instance, reason }) => /^from (\S+)/.exec(reason)?.[1] ?? instance
const pidOf = (name) => Number(name.split(':').at(-1))

/** A page that one stores, another one reads, and a third one invalidates. */
async function visited(test, more) {
  const app = appOf(test, server.url)
  const instances = await instancesOf(test, app, 3, more)
  const [one, two, three] = instances
  await one.app.get('APP_PAGE', '/blog/a')
  await one.app.set('/blog/a', page(tagged('_N_T_/blog/a', 'posts')), hour)
  await until('another one reads it', () => two.app.get('APP_PAGE', '/blog/a'))
  await three.run(({ Tiercel }) => Tiercel.updateTags(['posts']))
  await two.app.get('APP_PAGE', '/blog/a')
  return { app, instances }
}

/** What `instance` is told, once `is` says that all have answered in time: a machine may be busy. */
const answered = (instance, about, is = ({ silent }) => silent.length === 0) =>
  until('all answer', async () => {
    const answer = await why(instance, about)
    return is(answer) ? answer : undefined
  })

test('a path finds the decisions of all three, in the order of time, under their names', async (test) => {
  const { app, instances } = await visited(test)
  const [one, two, three] = instances.map(({ pid }) => pid)
  const answer = await answered(instances[1], '/blog/a')
  expect(answer.instances.map(({ name }) => pidOf(name)).sort()).toEqual([one, two, three].sort())
  const whole = JSON.stringify(answer, null, 1)
  const callsOf = (pid) =>
    answer.decisions
      .filter(({ instance, call }) => pidOf(instance) === pid && call !== 'invalidate')
      .map(({ call, outcome }) => `${call} ${outcome}`)
  // Of each the newest first; which of two instances was first is as sure as their clocks are aligned.
  expect(callsOf(one), whole).toEqual(['set stored', 'get miss'])
  expect(callsOf(two).slice(0, 2), whole).toEqual(['get miss', 'get fresh'])
  expect(callsOf(three), whole).toEqual([])
  const times = answer.decisions.map(({ time }) => time)
  expect(times).toEqual(times.toSorted((one, other) => other - one))
  expect(Math.abs(times[0] - Date.now())).toBeLessThan(60_000)
  const last = answer.decisions.find(({ instance }) => pidOf(instance) === two)
  expect(last.reason).toContain('tag posts, hard')

  const invalidations = ({ decisions }) => decisions.filter(({ call }) => call === 'invalidate')
  // The third invalidated a tag of the page, of which it knows nothing.
  const [ofPage, ...others] = invalidations(answer)
  expect(others).toEqual([])
  expect(ofPage).toMatchObject({ key: 'posts', outcome: 'hard' })
  expect(pidOf(ofPage.reason)).toBe(three)

  const remembered = await until('all answer', async () => {
    const { remembered } = await json(['why', '/blog/a'], app)
    return remembered.silent.length === 0 ? remembered : undefined
  })
  // Clocks are aligned at each poll: of what comes within a ms, another may be the first.
  const listed = (decisions) =>
    decisions.map((one) => told({ ...one, instance: authorOf(one) })).sort()
  expect(listed(remembered.decisions)).toEqual(listed(answer.decisions))
  const byTag = await answered(instances[0], 'posts')
  expect(invalidations(byTag).map((each) => pidOf(each.instance))).toEqual([three])
  const found = byTag.instances.reduce((sum, each) => sum + each.found, 0)
  expect(found).toBe(byTag.decisions.length)
})

test('the URL of a fetch and the name of a function are known to whoever has seen them', async (test) => {
  const app = appOf(test, server.url)
  const [id, numbered] = ['80', '81'].map((digits) => digits.repeat(21))
  writeFileSync(
    join(app.serverDistDir, 'server-reference-manifest.json'),
    JSON.stringify({
      node: {
        [id]: { filename: 'app/page.tsx', exportedName: 'getPosts' },
        [numbered]: { filename: 'lib/a.js', exportedName: '$$RSC_SERVER_CACHE_3' },
      },
    }),
  )
  mkdirSync(join(app.serverDistDir, 'chunks'))
  writeFileSync(
    join(app.serverDistDir, 'chunks', 'a.js'),
    `registerServerReference(o,"${numbered}",null),Object.defineProperty(o,"name",{value:"getTags"})`,
  )
  const [one, two] = await instancesOf(test, app, 2)
  const fetchUrl = 'https://api.example/posts?page=2'
  await two.get('FETCH', 'f00d', { ...ofFetch(['posts']), fetchUrl })
  await two.set('f00d', fetched('x'), setFetch(['posts']))
  await two.useGet(`["build-1","${id}",[{"page":2}]]`, [])
  const ofUrl = (await why(one, 'api.example/posts')).decisions
  expect(ofUrl.map(({ key, subject }) => [key, subject])).toEqual(Array(2).fill(['f00d', fetchUrl]))
  const [ofFunction] = (await why(one, 'getPosts')).decisions
  expect(ofFunction).toMatchObject({ kind: 'USE_CACHE', subject: 'app/page.tsx getPosts' })
  expect(pidOf(ofFunction.instance)).toBe(two.pid)
  expect((await why(one, 'getAuthors')).decisions).toEqual([])
  // Whoever tells of it, and wherever the name stands, it is the same.
  await two.useGet(`["build-1","${numbered}",[]]`, [])
  const own = await two.run(({ Tiercel }) => Tiercel.decisions({ key: 'getTags' }))
  const all = [own, (await why(one, 'getTags')).decisions]
  expect(all.flat().map(({ subject }) => subject)).toEqual(Array(2).fill('lib/a.js getTags'))
  const { remembered } = await json(['why', 'getPosts'], app)
  expect(remembered.decisions).toHaveLength(1)
})

test('many may ask at once, over the connection that is there', async (test) => {
  const { app, instances } = await visited(test)
  const connections = ({ Tiercel }) => Tiercel.stats().shared.connections
  for (const one of instances) await vi.waitUntil(async () => (await one.run(connections)) === 4)
  const received = async () =>
    Number(/total_connections_received:(\d+)/.exec(await server.command('INFO', 'stats'))[1])
  const all = await until('all answer', async () => {
    const before = [await received(), await received()]
    const all = await instances[0].run(({ Tiercel }) =>
      Promise.all(Array.from({ length: 6 }, () => Tiercel.why('/blog/a'))),
    )
    expect((await received()) - before[1]).toBe(before[1] - before[0])
    return all.every(({ silent }) => silent.length === 0) ? all : undefined
  })
  expect(all.map((each) => each.decisions.length)).toEqual(Array(6).fill(all[0].decisions.length))
  expect(await run(['why', ''], app)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('a path or a key is missing'),
  })
})

test('one that stands still, and one that knows no questions, are named', async (test) => {
  const { app, instances } = await visited(test, { TIERCEL_SNAPSHOT_SECONDS: '1' })
  const [one, , three] = instances
  await until('the third has told its name', async () => {
    const all = await one.run(({ Tiercel }) => Tiercel.instances())
    return all.length === 3 || undefined
  })
  // As an instance of another version: it is listed, and never answers.
  await server.command('ZADD', `{${app.namespace}}:i`, '9000000000000000', '00000000deadbeef')
  three.pause()
  const begun = performance.now()
  const answer = await why(one, '/blog/a')
  const tookMs = performance.now() - begun
  three.resume()
  const answers = answer.instances.map(({ name }) => pidOf(name))
  const asked = JSON.stringify({ pids: instances.map(({ pid }) => pid), answers, ...answer })
  expect(answer.silent, asked).toContain('00000000deadbeef')
  expect(answer.silent.map(pidOf), asked).toContain(three.pid)
  expect(answers, asked).not.toContain(three.pid)
  expect(tookMs).toBeGreaterThan(900)
  expect(tookMs).toBeLessThan(10_000)
  const { code, stdout } = await run(['why', 'posts'], app)
  expect({ code, stdout }).toMatchObject({
    stdout: expect.stringMatching(/00000000deadbeef does not answer within a second/),
  })
})

test('one that is not to remember says so, and answers all the same', async (test) => {
  const app = appOf(test, server.url)
  const [one] = await instancesOf(test, app, 1, { TIERCEL_DECISIONS: '0' })
  await one.app.get('APP_PAGE', '/blog/a')
  const answer = await why(one, '/blog/a')
  expect(answer).toMatchObject({
    decisions: [],
    silent: [],
    instances: [{ remembers: 0, found: 0 }],
  })
  const { stdout } = await run(['why', '/blog/a'], app)
  expect(stdout).toContain('1 instance remembers no decisions: the option `decisions` is 0')
})

test.skipIf(!isTerminal)('on a terminal of whatever width no line is too long', async (test) => {
  const { app } = await visited(test)
  for (const columns of [80, 200]) {
    const { lines, at } = await until('all answer', async () => {
      const { stdout } = await terminal(['why', '/blog/a'], { ...app, columns })
      const lines = visible(stdout).split('\n')
      expect(lines.filter((line) => line.length > columns)).toEqual([])
      const at = lines.findIndex((line) => /^decisions of 3 instances about it: \d+/.test(line))
      return at > 0 ? { lines, at } : undefined
    })
    expect(lines[at + 1]).toMatch(/^time +instance +call +result/)
    const times = lines
      .slice(at + 2)
      .flatMap((line) => /^[\d:.]+(?= .* (?:get|set) )/.exec(line) ?? [])
    expect(times.length).toBeGreaterThan(3)
    // The oldest first.
    expect(times).toEqual(times.toSorted())
  }
})

test('without Redis this process answers alone; what is no text is refused', async () => {
  const { answer } = await inChild(
    async ({ index }) => {
      const Tiercel = require(index)
      await new Tiercel().get('key', { kind: 'FETCH', tags: ['posts'] })
      const { decisions, instances, silent } = await Tiercel.why('key')
      const codes = []
      for (const bad of ['', 7, undefined]) {
        await Tiercel.why(bad).catch(({ code }) => codes.push(code))
      }
      return { decisions, silent, pids: instances.map(({ name }) => name), pid: process.pid, codes }
    },
    { env: { TIERCEL_REDIS_URL: 'none' } },
  )
  expect(answer.decisions).toMatchObject([{ call: 'get', key: 'key', outcome: 'miss' }])
  expect(pidOf(answer.pids[0])).toBe(answer.pid)
  expect(answer).toMatchObject({ silent: [], codes: Array(3).fill('TIERCEL_INVALID_ARGUMENT') })
})
