import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { inChild, index } from '../support.mjs'

// A hook of a process that decides alone; a fleet is in __test__/redis.

const given = { app: join(dirname(index), 'app.js') }

test.concurrent('one process tells of its own, in order, until it is told to end', async () => {
  const { answer } = await inChild(
    async ({ index, app }) => {
      const Tiercel = require(index)
      const { onInvalidate } = require(app)
      const told = []
      const end = onInvalidate(async ({ tags, soft, position, attempt, signal }) => {
        told.push({ tags, soft, position, attempt, isOver: signal.aborted })
      })
      const pause = (ms) => new Promise((wake) => setTimeout(wake, ms))
      while (told.length === 0) {
        await Tiercel.updateTags(['first'])
        await pause(20)
      }
      await pause(200)
      told.length = 0
      await Tiercel.updateTags(['b', 'a'])
      await Tiercel.updateTags(['c'], { expire: 60 })
      while (told.length < 2) await pause(10)
      end()
      await pause(200)
      await Tiercel.updateTags(['d'])
      await pause(200)
      return told
    },
    { given },
  )
  const [first, second] = answer
  expect(answer).toHaveLength(2)
  expect(first).toMatchObject({ tags: ['a', 'b'], soft: false, attempt: 1, isOver: false })
  expect(second).toMatchObject({ tags: ['c'], soft: true })
  expect(second.position).toBeGreaterThan(first.position)
})

test.concurrent('one that takes too long is called again, with a signal that has ended', async () => {
  const { answer, stderr } = await inChild(
    async ({ index, app }) => {
      const Tiercel = require(index)
      const { onInvalidate } = require(app)
      const signals = []
      onInvalidate(
        ({ attempt, signal }) => {
          signals.push(signal)
          return attempt < 3 ? new Promise(() => {}) : undefined
        },
        { timeout: '50ms' },
      )
      while (signals.length < 3) {
        if (signals.length === 0) await Tiercel.updateTags(['first'])
        await new Promise((wake) => setTimeout(wake, 20))
      }
      return signals.slice(0, 2).map(({ reason }) => reason.message)
    },
    { given },
  )
  expect(answer).toEqual(Array(2).fill('not within 50 ms'))
  expect(stderr).toContain('[TIERCEL_HOOK_FAILED]')
  expect(stderr).toContain('the hook default has failed 2 times: Error: not within 50 ms')
})

test.concurrent('who registers again takes over, and ends nothing of the other', async () => {
  const { answer } = await inChild(
    async ({ index, app }) => {
      const Tiercel = require(index)
      const { onInvalidate } = require(app)
      const told = []
      const endFirst = onInvalidate(() => told.push('first'))
      onInvalidate(() => told.push('second'))
      onInvalidate(() => told.push('other'), { name: 'other' })
      endFirst()
      while (new Set(told).size < 2) {
        await Tiercel.updateTags(['tag'])
        await new Promise((wake) => setTimeout(wake, 20))
      }
      return [...new Set(told)].sort()
    },
    { given },
  )
  expect(answer).toEqual(['other', 'second'])
})

test.concurrent('an `onError` that rejects, or an error that is no text, ends nothing', async () => {
  const { answer, code, stderr } = await inChild(
    async ({ index, app }) => {
      const Tiercel = require(index)
      const { onInvalidate } = require(app)
      let attempts = 0
      const told = []
      const failing = ({ attempt }) => {
        attempts = attempt
        if (attempt < 3) throw Object.create(null)
      }
      const onError = async (_, { attempt }) => {
        told.push(attempt)
        await new Promise((wake) => setImmediate(wake))
        throw new Error('no log')
      }
      onInvalidate(failing, { onError })
      while (attempts < 3) {
        if (attempts === 0) await Tiercel.updateTags(['first'])
        await new Promise((wake) => setTimeout(wake, 20))
      }
      return told
    },
    { given },
  )
  expect(code).toBe(0)
  expect(answer).toEqual([1, 2])
  // Somebody is told.
  expect(stderr).toContain('the hook default has failed 2 times')
})

test.concurrent('who stood still for longer than the duty lasts leaves it to the next', async () => {
  const { answer } = await inChild(
    async ({ index, app }) => {
      const Tiercel = require(index)
      const { onInvalidate } = require(app)
      const now = performance.now.bind(performance)
      let isStill = false
      let hasDuty = false
      const told = []
      onInvalidate(({ tags, attempt }) => {
        if (tags.includes('first')) {
          hasDuty = true
          return
        }
        told.push([...tags, attempt])
        if (isStill) return
        isStill = true
        // No timer says so yet.
        performance.now = () => now() + 60_000
      })
      const pause = (ms) => new Promise((wake) => setTimeout(wake, ms))
      while (!hasDuty) {
        await Tiercel.updateTags(['first'])
        await pause(20)
      }
      await Promise.all([Tiercel.updateTags(['a']), Tiercel.updateTags(['b'])])
      while (told.length < 2 || told.at(-1)[0] !== 'b') await pause(10)
      return told
    },
    { given },
  )
  expect(answer).toEqual([
    ['a', 1],
    ['a', 1],
    ['b', 1],
  ])
})

test.concurrent('who ends, once or twice, ends nothing of whoever registered since', async () => {
  const { answer } = await inChild(
    async ({ index, app }) => {
      const Tiercel = require(index)
      const { onInvalidate } = require(app)
      const told = []
      const [one, other] = ['one', 'other'].map((name) => ({ name, act: () => told.push(name) }))
      // The same function is registered twice, as by a module that is loaded again.
      onInvalidate(one.act, { name: 'same' })()
      const endFirst = onInvalidate(one.act, { name: 'same' })
      onInvalidate(one.act, { name: 'same' })
      endFirst()
      const end = onInvalidate(other.act)
      end()
      onInvalidate(other.act)
      end()
      // Takes over from the one above.
      onInvalidate(() => told.push('last'))
      const begun = performance.now()
      while (new Set(told).size < 2 && performance.now() - begun < 10_000) {
        await Tiercel.updateTags(['tag'])
        await new Promise((wake) => setTimeout(wake, 20))
      }
      return [...new Set(told)].sort()
    },
    { given },
  )
  expect(answer).toEqual(['last', 'one'])
})

test.concurrent('a build has none', async () => {
  const { answer } = await inChild(
    async ({ index, app }) => {
      const Tiercel = require(index)
      const { onInvalidate } = require(app)
      let told = 0
      onInvalidate(() => {
        told++
      })
      for (let n = 0; n < 10; n++) {
        await Tiercel.updateTags(['tag'])
        await new Promise((wake) => setTimeout(wake, 50))
      }
      return told
    },
    { given, env: { NEXT_PHASE: 'phase-production-build' } },
  )
  expect(answer).toBe(0)
})

test.concurrent('it holds no process back, and refuses what it does not know', async () => {
  const { answer, code, ms } = await inChild(
    async ({ app }) => {
      const { onInvalidate } = require(app)
      const codes = []
      for (const args of [[], ['f'], [() => {}, { nam: 'x' }], [() => {}, { name: '' }]]) {
        try {
          onInvalidate(...args)
        } catch ({ code }) {
          codes.push(code)
        }
      }
      onInvalidate(() => {})
      return codes
    },
    { given },
  )
  expect(answer).toEqual(Array(4).fill('TIERCEL_INVALID_ARGUMENT'))
  expect(code).toBe(0)
  expect(ms).toBeLessThan(20_000)
})

test('a timeout that no timer takes is refused, and so is what is no function', () => {
  const { onInvalidate } = createRequire(index)('./app.js')
  const act = () => {}
  for (const [given, ...rest] of [[act, { timeout: '30d' }], [act, { timeout: 0 }], [undefined]]) {
    expect(() => onInvalidate(given, ...rest)).toThrow(
      expect.objectContaining({ code: 'TIERCEL_INVALID_ARGUMENT' }),
    )
  }
})
