import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { directory, inChild, write } from '../support.mjs'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const NONE = { TIERCEL_REDIS_URL: 'none' }

test('a plain script gets the names by import, and ends by itself', async (test) => {
  const dir = directory(test)
  write(dir, {
    'script.mjs': `
      import { counter, kv, lock, rateLimit, sessions } from '${root}app.js'
      await kv('a').set('key', 'x')
      await lock('key', () => {})
      await rateLimit({ name: 'a', limit: 5, window: 5 }).limit('id')
      await sessions().create('user')
      counter('a').add('id')
      await rateLimit.concurrency({ name: 'a', limit: 1 }).acquire('id')
      await rateLimit({ name: 'b', limit: 5, window: 5, mode: 'fast' }).limit('id')
      console.log(await kv('a').get('key'))`,
  })
  const { VITEST, ...inherited } = process.env
  const run = promisify(execFile)
  const how = { env: { ...inherited, ...NONE }, timeout: 20_000 }
  const { stdout } = await run(process.execPath, [`${dir}/script.mjs`], how)
  expect(stdout).toBe('x\n')
})

test('a build keeps everything to itself, whatever it shares', async () => {
  const body = async ({ root }) => {
    const { kv } = require(`${root}app.js`)
    await kv('a').set('key', 'x')
    return kv('a').get('key')
  }
  const env = {
    NEXT_PHASE: 'phase-production-build',
    TIERCEL_REDIS_URL: 'redis://127.0.0.1:1',
    TIERCEL_REDIS_IN_BUILD: '1',
  }
  const { answer, code } = await inChild(body, { given: { root }, env })
  expect([answer, code]).toEqual(['x', 0])
})

test('in the edge runtime every call says that there is none', () => {
  const edge = createRequire(import.meta.url)(`${root}js/app/edge.js`)
  const main = createRequire(import.meta.url)(`${root}js/app/main.js`)
  expect(Object.keys(edge).sort()).toEqual(Object.keys(main).sort())
  const refusal = expect.objectContaining({ code: 'TIERCEL_EDGE_RUNTIME' })
  for (const call of Object.values(edge)) expect(() => call('x')).toThrow(refusal)
  expect(() => edge.rateLimit.tiers({})).toThrow(refusal)
  expect(() => edge.rateLimit.concurrency({})).toThrow(refusal)
  expect(() => edge.lock.tryLock('x')).toThrow(refusal)
})

test('app.js names what there is', () => {
  const source = readFileSync(`${root}app.js`, 'utf8')
  const named = [...source.matchAll(/^exports\.(\w+) = api\.\1$/gm)].map(([, name]) => name)
  const main = createRequire(import.meta.url)(`${root}js/app/main.js`)
  expect(named.sort()).toEqual(Object.keys(main).sort())
})
