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

test.concurrent('an edge bundle says that it cannot know', async () => {
  const { answer } = await inChild(({ index }) => require(index).ready(), {
    env: { NEXT_RUNTIME: 'edge' },
  })
  expect(answer).toEqual({ ready: false, shared: 'unknown' })
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

test.concurrent('what is no number counts as not given: it is given up after all', async () => {
  const { answer } = await inChild(
    async ({ index }) => {
      const Tiercel = require(index)
      await Tiercel.ready({ timeoutMs: 0 })
      later(11_000)
      const given = [{ giveUpMs: Number.NaN }, { giveUpMs: '60000' }, { giveUpMs: {} }]
      return Promise.all(given.map((options) => Tiercel.ready({ timeoutMs: 0, ...options })))

      function later(ms) {
        const now = performance.now.bind(performance)
        performance.now = () => now() + ms
      }
    },
    { env: away },
  )
  expect(answer.map(({ ready }) => ready)).toEqual([true, true, true])
})

test.concurrent('no call waits without end', async () => {
  const { answer } = await inChild(
    async ({ index }) => {
      const Tiercel = require(index)
      const now = performance.now.bind(performance)
      setTimeout(() => {
        performance.now = () => now() + 61_000
      }, 100)
      return Tiercel.ready({ timeoutMs: Infinity, giveUpMs: Infinity })
    },
    { env: away, within: 10_000 },
  )
  expect(answer).toMatchObject({ ready: false })
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
