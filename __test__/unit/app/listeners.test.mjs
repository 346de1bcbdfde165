import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { inChild, index } from '../support.mjs'

// Functions that are told what their process decides, and how it is connected.

const given = { app: join(dirname(index), 'app.js') }

test.concurrent('decisions are told together, in their order, until it ends', async () => {
  const { answer } = await inChild(
    async ({ index, app }) => {
      const Tiercel = require(index)
      const { onDecision } = require(app)
      const value = { kind: 'FETCH', data: { headers: {}, body: 'x', status: 200 }, revalidate: 60 }
      const cache = new Tiercel()
      await cache.get('before', { kind: 'FETCH' })
      const calls = []
      const end = onDecision((decisions) => calls.push(decisions))
      await cache.get('a', { kind: 'FETCH' })
      await cache.set('a', value, { tags: ['posts'] })
      for (let n = 0; n < 50; n++) await cache.get('a', { kind: 'FETCH' })
      await Tiercel.updateTags(['posts'])
      while (calls.flat().length < 53) await new Promise((wake) => setTimeout(wake, 10))
      end()
      end()
      await cache.get('after', { kind: 'FETCH' })
      await new Promise((wake) => setTimeout(wake, 300))
      const all = calls.flat()
      return { calls: calls.length, count: all.length, told: [...all.slice(0, 3), all.at(-1)] }
    },
    { given },
  )
  const told = answer.told.map(({ call, key, outcome }) => `${call} ${key} ${outcome}`)
  expect(told).toEqual(['get a miss', 'set a stored', 'get a fresh', 'invalidate posts hard'])
  expect(answer.count).toBe(53)
  expect(answer.calls).toBeLessThan(20)
})

test.concurrent('who has ended is told nothing of what still waited', async () => {
  const { answer } = await inChild(
    async ({ index, app }) => {
      const Tiercel = require(index)
      const { onDecision } = require(app)
      const told = []
      let open
      const gate = new Promise((wake) => {
        open = wake
      })
      const end = onDecision(async (decisions) => {
        told.push(...decisions.map(({ key }) => key))
        await gate
      })
      const pause = (ms) => new Promise((wake) => setTimeout(wake, ms))
      await new Tiercel().get('first', { kind: 'FETCH' })
      while (told.length === 0) await pause(10)
      const heard = []
      const { channel } = require('node:diagnostics_channel')
      channel('tiercel:get').subscribe(({ key }) => heard.push(key))
      await new Tiercel().get('second', { kind: 'FETCH' })
      while (!heard.includes('second')) await pause(10)
      end()
      open()
      await pause(200)
      return told
    },
    { given },
  )
  expect(answer).toEqual(['first'])
})

test.concurrent('one call at a time: what comes meanwhile waits, and what has no room is counted', async () => {
  const { answer } = await inChild(
    async ({ index, app }) => {
      const Tiercel = require(index)
      const { onDecision } = require(app)
      const cache = new Tiercel()
      let [running, most, told, lost] = [0, 0, 0, 0]
      let open
      const gate = new Promise((wake) => {
        open = wake
      })
      onDecision(async (decisions) => {
        running++
        most = Math.max(most, running)
        await gate
        told += decisions.length
        for (const one of decisions) lost += one.lost ?? 0
        running--
      })
      const pause = (ms) => new Promise((wake) => setTimeout(wake, ms))
      const gets = 5_000
      for (let n = 0; n < gets; n++) {
        await cache.get('a', { kind: 'FETCH' })
        if (n % 500 === 0) await pause(5)
      }
      await pause(300)
      open()
      await pause(50)
      // The next one says how many had no room.
      await cache.get('a', { kind: 'FETCH' })
      while (told + lost < gets + 1) await pause(10)
      return { most, isFull: told < gets && lost > 0, sum: told + lost - gets }
    },
    { given },
  )
  expect(answer).toEqual({ most: 1, isFull: true, sum: 1 })
})

test.concurrent('one that fails is reported like another hook, and goes on', async () => {
  const { answer, code, stderr } = await inChild(
    async ({ index, app }) => {
      const Tiercel = require(index)
      const { onDecision } = require(app)
      const cache = new Tiercel()
      const [errors, calls] = [[], []]
      onDecision((decisions) => {
        calls.push(decisions.length)
        throw new Error('loud')
      })
      onDecision(async () => Promise.reject(new Error('quiet')), {
        onError: async ({ message }, decisions) => {
          errors.push([message, decisions[0].key])
          throw new Error('the log is away')
        },
      })
      for (let n = 0; n < 3; n++) {
        await cache.get(`key ${n}`, { kind: 'FETCH' })
        while (calls.length <= n || errors.length <= n) {
          await new Promise((wake) => setTimeout(wake, 10))
        }
      }
      return errors
    },
    { given },
  )
  expect(code).toBe(0)
  expect(answer).toEqual([0, 1, 2].map((n) => ['quiet', `key ${n}`]))
  const times = stderr.match(/the hook onDecision has failed \d times: Error: \w+/g).sort()
  expect(times).toEqual(
    ['loud', 'quiet']
      .flatMap((word) =>
        [1, 2].map((n) => `the hook onDecision has failed ${n} times: Error: ${word}`),
      )
      .sort(),
  )
})

test.concurrent('what a process decides in its last turn is told as it exits', async () => {
  const { stdout } = await inChild(
    async ({ index, app }) => {
      const Tiercel = require(index)
      const { onDecision } = require(app)
      onDecision((decisions) => {
        for (const { key } of decisions) require('node:fs').writeSync(1, `${key}\n`)
      })
      await new Tiercel().get('last', { kind: 'FETCH' })
      process.exit(0)
    },
    { given },
  )
  expect(stdout).toBe('last\n')
})

test.concurrent('without one nothing is subscribed, and it holds no process back', async () => {
  const { answer, code } = await inChild(
    async ({ app }) => {
      const { hasSubscribers } = require('node:diagnostics_channel')
      const { onConnection, onDecision } = require(app)
      const names = ['get', 'set', 'invalidate', 'connection'].map((name) => `tiercel:${name}`)
      const heard = () => names.filter((name) => hasSubscribers(name)).length
      const counts = [heard()]
      const ends = [onDecision(() => {}), onConnection(() => {})]
      counts.push(heard())
      for (const end of ends) end()
      counts.push(heard(), process.listenerCount('exit'))
      onDecision(() => {})
      onConnection(() => {})
      return counts
    },
    { given },
  )
  expect(code).toBe(0)
  expect(answer.slice(0, 3)).toEqual([0, 4, 0])
})

test('what is no function, and an unknown option, are refused', () => {
  const { onConnection, onDecision } = createRequire(index)('./app.js')
  for (const on of [onConnection, onDecision]) {
    for (const args of [[], ['f'], [() => {}, { name: 'x' }], [() => {}, { onError: 1 }]]) {
      expect(() => on(...args)).toThrow(
        expect.objectContaining({ code: 'TIERCEL_INVALID_ARGUMENT' }),
      )
    }
  }
})
