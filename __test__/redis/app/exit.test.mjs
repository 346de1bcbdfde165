import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { directory, until, write } from '../../unit/support.mjs'
import { newName } from '../instances.mjs'

// What a process has counted when it ends.

const root = fileURLToPath(new URL('../../../', import.meta.url))

let server
beforeAll(async () => {
  server = await start('single')
}, 60_000)
afterAll(() => server?.stop())

const ENDS = {
  'has nothing left to do': '',
  'ends by process.exit': 'setTimeout(() => process.exit(), 200)',
  'counted in a worker': `
    import { Worker, isMainThread } from 'node:worker_threads'
    if (isMainThread) new Worker(new URL(import.meta.url))`,
}

/** A script in a folder of its own, and how to run it as an instance of a fleet of its own. */
function scripted(test, lines) {
  const dir = directory(test)
  write(dir, { 'script.mjs': lines })
  const namespace = newName('exit')
  const { VITEST, ...inherited } = process.env
  const env = {
    ...inherited,
    TIERCEL_REDIS_URL: server.url,
    TIERCEL_NAMESPACE: namespace,
    // A busy machine is no outage.
    TIERCEL_COMMAND_TIMEOUT_MS: '2000',
  }
  const script = join(dir, 'script.mjs')
  const run = (...args) =>
    promisify(execFile)(process.execPath, [script, ...args], { env, timeout: 20_000 })
  const begin = () => {
    const child = spawn(process.execPath, [script], { env })
    test.onTestFinished(() => child.kill('SIGKILL'))
    return child
  }
  const sum = () => server.command('ZSCORE', `${namespace}:{count:views}`, 'id')
  return { run, begin, sum }
}

test('a process that ends gives back what it took ahead', async (test) => {
  const { run } = scripted(
    test,
    `
      import { rateLimit } from '${root}app.js'
      const limiter = rateLimit({ name: 'api', limit: 10000, window: '1h', algorithm: 'fixed-window', mode: 'fast' })
      if (process.argv[2] === 'take') {
        const sources = new Set()
        for (let n = 0; n < 200; n++) sources.add((await limiter.limit('id')).source)
        process.stdout.write([...sources].join(), () => process.exit())
      } else {
        process.stdout.write(String((await limiter.peek('id')).remaining))
      }`,
  )
  expect((await run('take')).stdout).toContain('share')
  expect((await run('look')).stdout).toBe('9800')
})

test.for(Object.keys(ENDS))('a process that %s has sent what it counted', async (how, test) => {
  const { run, sum } = scripted(
    test,
    `
      import { counter } from '${root}app.js'
      const views = counter('views', { flushMs: 60000 })
      await views.get('id')
      for (let n = 0; n < 100; n++) views.add('id')
      ${ENDS[how]}`,
  )
  await run()
  const workers = how === 'counted in a worker' ? 2 : 1
  expect(Number(await sum())).toBe(100 * workers)
})

test('a worker that has nothing left to do has sent what it counted, while the process goes on', async (test) => {
  const { begin, sum } = scripted(
    test,
    `
      import { Worker, isMainThread } from 'node:worker_threads'
      if (isMainThread) {
        new Worker(new URL(import.meta.url)).on('exit', () => console.log('over'))
        setInterval(() => {}, 1000)
      } else {
        const { counter } = await import('${root}app.js')
        const views = counter('views', { flushMs: 60000 })
        await views.get('id')
        views.add('id', 5)
      }`,
  )
  await once(begin().stdout, 'data')
  expect(await sum()).toBe('5')
})

test('a worker that has nothing left to do ends, while another thread goes on adding', async (test) => {
  const { begin, sum } = scripted(
    test,
    `
      import { Worker, isMainThread, workerData } from 'node:worker_threads'
      import { counter } from '${root}app.js'
      const [ENDS, ADDS] = [0, 1]
      const times = workerData ?? new Int32Array(new SharedArrayBuffer(8))
      if (isMainThread) {
        const others = counter('others', { flushMs: 60000 })
        setInterval(() => {
          if (times[ENDS] === times[ADDS]) return
          others.add('id')
          Atomics.add(times, ADDS, 1)
          Atomics.notify(times, ADDS)
        }, 1)
        const worker = new Worker(new URL(import.meta.url), { workerData: times })
        worker.on('exit', () => console.log(times[ENDS]))
      } else {
        // Before the counter sends: each time there is something of the other thread.
        process.on('beforeExit', () => {
          if (Atomics.add(times, ENDS, 1) < 20) Atomics.wait(times, ADDS, times[ENDS] - 1, 5000)
        })
        const views = counter('views', { flushMs: 60000 })
        await views.get('id')
        views.add('id', 5)
      }`,
  )
  const [ends] = await once(begin().stdout, 'data')
  // Once, where the answer is there before the call that asked for it returns.
  expect([1, 2]).toContain(Number(ends))
  expect(await sum()).toBe('5')
})

test('a process that is killed loses what it added since it sent last, and no more', async (test) => {
  const { begin, sum } = scripted(
    test,
    `
      import { counter } from '${root}app.js'
      const views = counter('views', { flushMs: 60000 })
      views.add('id', 5)
      await views.flush()
      views.add('id', 3)
      console.log('added')
      setInterval(() => {}, 1000)`,
  )
  const child = begin()
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await until('it is there', async () => (await sum()) ?? undefined)).toBe('5')
})
