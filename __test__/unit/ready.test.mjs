import { expect, test } from 'vitest'
import { inChild } from './support.mjs'

test.concurrent('in memory only a process is ready at once', async () => {
  const { answer } = await inChild(
    async ({ index }) => {
      const Tiercel = require(index)
      const Memory = require(index.replace('index.js', 'memory.js'))
      return [await Tiercel.ready({ timeoutMs: 0, giveUpMs: Infinity }), await Memory.ready()]
    },
    { env: { REDIS_URL: '' } },
  )
  const state = { ready: true, shared: 'none' }
  expect(answer).toEqual([state, state])
})

test.concurrent('an edge bundle has nothing to wait for', async () => {
  const { answer } = await inChild(({ index }) => require(index).ready(), {
    env: { NEXT_RUNTIME: 'edge' },
  })
  expect(answer).toEqual({ ready: true, shared: 'none' })
})

// The discard port: nobody listens there.
const away = { TIERCEL_REDIS_URL: 'redis://127.0.0.1:9' }

test.concurrent('options of no use count as not given, and nothing rejects', async () => {
  const { answer } = await inChild(
    async ({ index }) => {
      const Tiercel = require(index)
      const given = [null, 5, 'x', {}, { timeoutMs: null }, { timeoutMs: 'x', giveUpMs: 'x' }]
      return Promise.all(given.map((options) => Tiercel.ready(options)))
    },
    { env: away },
  )
  for (const { ready } of answer) expect(ready).toBe(false)
})

test.concurrent('a process that asked ends by itself', async () => {
  const { code, stderr } = await inChild(
    async ({ index }) => {
      const { ready } = await require(index).ready({ timeoutMs: 50 })
      return ready
    },
    { env: away },
  )
  expect(code).toBe(0)
  expect(stderr).toContain('is away')
})
