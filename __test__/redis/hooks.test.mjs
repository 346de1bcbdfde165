import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../tools/redis/servers.mjs'
import { index, until } from '../unit/support.mjs'
import { newName } from './instances.mjs'

// One function in a fleet of four, each a process that also invalidates.

let server
beforeAll(async () => {
  server = await start('single')
})
afterAll(() => server?.stop())

/** An instance: what it is told goes to a file, by one line each. */
const script = `
  const fs = require('node:fs')
  const Tiercel = require(${JSON.stringify(index)})
  const { onInvalidate } = require(${JSON.stringify(index.replace('index.js', 'app.js'))})
  const { FILE } = process.env
  new Tiercel()
  onInvalidate((event) => {
    if (fs.existsSync(FILE + '.fail')) throw new Error('not now')
    const { tags, paths, soft, everything, position, attempt } = event
    const one = { pid: process.pid, tags, paths, soft, everything, position, attempt }
    fs.appendFileSync(FILE, JSON.stringify(one) + '\\n')
  }, { onError: (error) => fs.appendFileSync(FILE + '.errors', error.message + '\\n') })
  const pause = (ms) => new Promise((wake) => setTimeout(wake, ms))
  const acts = {
    many: async (name, count) => {
      for (let n = 0; n < count; n++) {
        const begun = performance.now()
        await Tiercel.updateTags([name + '-' + n])
        await pause(Math.max(0, 40 - (performance.now() - begun)))
      }
    },
    one: (tags, expire) => Tiercel.updateTags(tags, expire && { expire }),
  }
  require('node:readline').createInterface({ input: process.stdin }).on('line', async (line) => {
    const [name, ...args] = JSON.parse(line)
    await acts[name](...args)
    console.log('done')
  })
  const ready = async () => {
    while ((await Tiercel.ready({ timeoutMs: 100 })).shared !== 'connected');
    console.log('ready')
  }
  ready()`

/** Four of them, of a namespace of their own. */
async function fleet({ onTestFinished }) {
  const dir = mkdtempSync(join(tmpdir(), 'tiercel-hooks-'))
  const file = join(dir, 'told')
  writeFileSync(file, '')
  const env = {
    ...process.env,
    TIERCEL_REDIS_URL: server.url,
    TIERCEL_NAMESPACE: newName('hooks'),
    FILE: file,
  }
  const instance = async () => {
    const child = spawn(process.execPath, ['-e', script], {
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    const lines = createInterface({ input: child.stdout })
    await once(lines, 'line')
    const act = async (...order) => {
      child.stdin.write(`${JSON.stringify(order)}\n`)
      await once(lines, 'line')
    }
    return { child, act, pid: child.pid }
  }
  const all = await Promise.all([instance(), instance(), instance(), instance()])
  onTestFinished(() => {
    for (const { child } of all) child.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  })
  const told = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  // The first one that has the duty begins with what comes after it.
  let n = 0
  await until(
    'the first is told',
    async () => {
      await all[0].act('one', [`first-${n++}`])
      return told().length > 0 || undefined
    },
    { within: 20_000, every: 100 },
  )
  await all[0].act('one', ['first'])
  const isSettled = () => told().some(({ tags }) => tags.includes('first')) || undefined
  await until('what came before is told', isSettled, { within: 20_000 })
  return { all, file, dir, namespace: env.TIERCEL_NAMESPACE, told, since: told().length }
}

const LONG = { within: 40_000 }
const isRising = (numbers) => numbers.every((one, n) => n === 0 || numbers[n - 1] < one)
const tagsOf = (events) => events.flatMap(({ tags }) => tags).filter((tag) => !/^first/.test(tag))
const expected = (names, count) =>
  names.flatMap((name) => Array.from({ length: count }, (_, n) => `${name}-${n}`)).sort()

test('each of 100 invalidations a second is told once, in order, by one of four', async (test) => {
  const { all, told } = await fleet(test)
  const names = ['a', 'b', 'c', 'd']
  await Promise.all(all.map(({ act }, n) => act('many', names[n], 25)))
  await until('all are told', () => tagsOf(told()).length >= 100 || undefined, LONG)
  const events = told()
  expect(tagsOf(events).toSorted()).toEqual(expected(names, 25))
  expect(isRising(events.map(({ position }) => position))).toBe(true)
  expect(new Set(events.map(({ pid }) => pid)).size).toBe(1)
  expect(events.every(({ soft, everything }) => !soft && !everything)).toBe(true)
}, 60_000)

test('when the one that has the duty is killed, another one goes on where it was', async (test) => {
  const { all, told } = await fleet(test)
  const [{ pid }] = told()
  const killed = all.find((one) => one.pid === pid)
  const others = all.filter((one) => one !== killed)
  const names = ['a', 'b', 'c']
  const acts = Promise.all(others.map(({ act }, n) => act('many', names[n], 25)))
  await until('some are told', () => tagsOf(told()).length > 10 || undefined, LONG)
  killed.child.kill('SIGKILL')
  await acts
  await until('all are told', () => new Set(tagsOf(told())).size >= 75 || undefined, LONG)
  const events = told()
  const [before, after] = [
    events.filter((one) => one.pid === pid),
    events.filter((one) => one.pid !== pid),
  ]
  expect([...new Set(tagsOf(events))].sort()).toEqual(expected(names, 25))
  for (const part of [before, after]) {
    expect(isRising(part.map(({ position }) => position))).toBe(true)
  }
  expect(new Set(after.map((one) => one.pid)).size).toBe(1)
  // What it was telling as it died, at most, is told twice.
  expect(tagsOf(events).length - 75).toBeLessThanOrEqual(1)
}, 60_000)

test('a function that fails is called again, and what comes later waits', async (test) => {
  const { all, told, file, since } = await fleet(test)
  writeFileSync(`${file}.fail`, '')
  await all[1].act('one', ['x', '_N_T_/blog', '_N_T_/shop/layout'], 60)
  await all[2].act('one', ['y'])
  const failures = () =>
    existsSync(`${file}.errors`) ? readFileSync(`${file}.errors`, 'utf8').split('\n').length - 1 : 0
  await until('it has failed', () => failures() > 2 || undefined, LONG)
  expect(told().length).toBe(since)
  rmSync(`${file}.fail`)
  await until('both are told', () => told().length >= since + 2 || undefined, LONG)
  const [first, second] = told().slice(since)
  expect(first).toMatchObject({ tags: ['x'], paths: ['/blog', '/shop/layout'], soft: true })
  expect(first.attempt).toBeGreaterThan(2)
  expect(second).toMatchObject({ tags: ['y'], paths: [], soft: false, attempt: 1 })
}, 60_000)

test('everything at once is told as such, and what comes later as itself', async (test) => {
  const { all, dir, namespace, told, since } = await fleet(test)
  const command = ['purge', '--all', '--yes', '--redis-url', server.url, '--namespace', namespace]
  const bin = join(dirname(index), 'bin/tiercel.js')
  await promisify(execFile)(process.execPath, [bin, ...command], { cwd: dir })
  await all[3].act('one', ['z'])
  await until('both are told', () => told().length >= since + 2 || undefined, LONG)
  const [first, second] = told().slice(since)
  expect(first).toMatchObject({ everything: true, tags: [], paths: [], soft: false })
  expect(second).toMatchObject({ everything: false, tags: ['z'] })
  expect(second.position).toBeGreaterThan(first.position)
}, 60_000)
