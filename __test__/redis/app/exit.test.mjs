import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
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

test('a process that ends gives back what it took ahead', async (test) => {
  const dir = directory(test)
  const namespace = newName('exit')
  write(dir, {
    'script.mjs': `
      import { rateLimit } from '${root}app.js'
      const limiter = rateLimit({ name: 'api', limit: 10000, window: '1h', algorithm: 'fixed-window', mode: 'fast' })
      if (process.argv[2] === 'take') {
        const sources = new Set()
        for (let n = 0; n < 200; n++) sources.add((await limiter.limit('id')).source)
        process.stdout.write([...sources].join(), () => process.exit())
      } else {
        process.stdout.write(String((await limiter.peek('id')).remaining))
      }`,
  })
  const { VITEST, ...inherited } = process.env
  const env = {
    ...inherited,
    TIERCEL_REDIS_URL: server.url,
    TIERCEL_NAMESPACE: namespace,
    TIERCEL_COMMAND_TIMEOUT_MS: '2000',
  }
  const run = (what) =>
    promisify(execFile)(process.execPath, [`${dir}/script.mjs`, what], { env, timeout: 20_000 })
  expect((await run('take')).stdout).toContain('share')
  expect((await run('look')).stdout).toBe('9800')
})

test.for(Object.keys(ENDS))('a process that %s has sent what it counted', async (how, test) => {
  const dir = directory(test)
  const namespace = newName('exit')
  write(dir, {
    'script.mjs': `
      import { counter } from '${root}app.js'
      const views = counter('views', { flushMs: 60000 })
      await views.get('id')
      for (let n = 0; n < 100; n++) views.add('id')
      ${ENDS[how]}`,
  })
  const { VITEST, ...inherited } = process.env
  const env = {
    ...inherited,
    TIERCEL_REDIS_URL: server.url,
    TIERCEL_NAMESPACE: namespace,
    TIERCEL_COMMAND_TIMEOUT_MS: '2000',
  }
  const run = promisify(execFile)
  await run(process.execPath, [`${dir}/script.mjs`], { env, timeout: 20_000 })
  const workers = how === 'counted in a worker' ? 2 : 1
  const sum = await server.command('ZSCORE', `${namespace}:{count:views}`, 'id')
  expect(Number(sum)).toBe(100 * workers)
})

test('a worker that has nothing left to do has sent what it counted, while the process goes on', async (test) => {
  const dir = directory(test)
  const namespace = newName('exit')
  write(dir, {
    'script.mjs': `
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
  })
  const { VITEST, ...inherited } = process.env
  const env = { ...inherited, TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: namespace }
  const child = spawn(process.execPath, [`${dir}/script.mjs`], { env })
  test.onTestFinished(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  expect(await server.command('ZSCORE', `${namespace}:{count:views}`, 'id')).toBe('5')
})

test('a process that is killed loses what it added since it sent last, and no more', async (test) => {
  const dir = directory(test)
  const namespace = newName('exit')
  write(dir, {
    'script.mjs': `
      import { counter } from '${root}app.js'
      const views = counter('views', { flushMs: 60000 })
      views.add('id', 5)
      await views.flush()
      views.add('id', 3)
      console.log('added')
      setInterval(() => {}, 1000)`,
  })
  const { VITEST, ...inherited } = process.env
  const env = { ...inherited, TIERCEL_REDIS_URL: server.url, TIERCEL_NAMESPACE: namespace }
  const child = spawn(process.execPath, [`${dir}/script.mjs`], { env })
  test.onTestFinished(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  const sum = () => server.command('ZSCORE', `${namespace}:{count:views}`, 'id')
  expect(await until('it is there', async () => (await sum()) ?? undefined)).toBe('5')
})
