import { expect, test } from 'vitest'
import { hour, inChild, page, tagged } from './support.mjs'

// `node:diagnostics_channel`, in a process each.

const given = { page: page({ ...tagged('posts'), rscData: undefined }), hour }

const words = ({ call, key, tier, outcome }) => [call, key, tier, outcome].join(' ')

test.concurrent('who subscribes is told of what is decided from then on, in its order', async () => {
  const { answer, stderr } = await inChild(
    async ({ index, page, hour }) => {
      const { subscribe, unsubscribe } = require('node:diagnostics_channel')
      const Tiercel = require(index)
      await new Tiercel().get('before', { kind: 'FETCH' })
      const told = []
      const tell = (decision, channel) => told.push([channel, decision])
      const names = ['get', 'set', 'invalidate', 'lease'].map((name) => `tiercel:${name}`)
      for (const name of names) subscribe(name, tell)
      const ofPage = { kind: 'APP_PAGE' }
      await new Tiercel().get('/first', ofPage)
      await new Tiercel().set('/first', page, hour)
      for (let n = 0; n < 2; n++) await new Tiercel().get('/first', ofPage)
      await Tiercel.updateTags(['posts'])
      while (told.length < 5) await new Promise((wake) => setTimeout(wake, 10))
      for (const name of names) unsubscribe(name, tell)
      await new Tiercel().get('after', { kind: 'FETCH' })
      await new Promise((wake) => setTimeout(wake, 300))
      return { told, remembered: Tiercel.decisions({ limit: 6 }).slice(1).reverse() }
    },
    { given },
  )
  expect(stderr).toBe('')
  const { told, remembered } = answer
  expect(told.map(([channel]) => channel)).toEqual([
    'tiercel:get',
    'tiercel:set',
    'tiercel:get',
    'tiercel:get',
    'tiercel:invalidate',
  ])
  expect(told.map(([, decision]) => words(decision))).toEqual([
    'get /first none miss',
    'set /first memory stored',
    'get /first memory fresh',
    'get /first memory fresh',
    'invalidate posts none hard',
  ])
  // The age of a hit is that at the time of the look.
  const plain = ({ ageSecs: _, reason: __, ...rest }) => rest
  expect(told.map(([, decision]) => plain(decision))).toEqual(remembered.map(plain))
})

test.concurrent('nothing runs while nobody subscribes, and nothing once nobody does any more', async () => {
  const { answer } = await inChild(async ({ index }) => {
    const { channel } = require('node:diagnostics_channel')
    const { native } = require(index.replace('index.js', 'js/native.js'))
    let looks = 0
    const { told } = native
    native.told = (after) => {
      looks++
      return told(after)
    }
    const Tiercel = require(index)
    const pause = (ms) => new Promise((wake) => setTimeout(wake, ms))
    const phases = []
    const phase = async () => {
      looks = 0
      for (let n = 0; n < 50; n++) await new Tiercel().get('key', { kind: 'FETCH' })
      await pause(350)
      phases.push(looks)
    }
    await phase()
    const one = () => {}
    const other = () => {}
    channel('tiercel:get').subscribe(one)
    channel('tiercel:set').subscribe(other)
    await phase()
    channel('tiercel:get').unsubscribe(one)
    await phase()
    channel('tiercel:set').unsubscribe(other)
    // The look that is on its way.
    await pause(150)
    await phase()
    channel('tiercel:get').subscribe(one)
    await phase()
    return phases.map((count) => count > 0)
  })
  expect(answer).toEqual([false, true, true, false, true])
})

test.concurrent('who subscribed before the start is told of a connection that was made during it', async () => {
  const { answer } = await inChild(async ({ index }) => {
    const { subscribe } = require('node:diagnostics_channel')
    const { native } = require(index.replace('index.js', 'js/native.js'))
    native.link = () => 'connected'
    const told = []
    subscribe('tiercel:connection', ({ previous, state }) => told.push([previous, state]))
    const Tiercel = require(index)
    new Tiercel()
    await new Promise((wake) => setTimeout(wake, 350))
    return told
  })
  expect(answer).toEqual([['connecting', 'connected']])
})

test.concurrent('a flood is told, and what was overwritten is counted', async () => {
  const { answer } = await inChild(
    async ({ index, page, hour }) => {
      const { subscribe } = require('node:diagnostics_channel')
      const Tiercel = require(index)
      await new Tiercel().set('/first', page, hour)
      let told = 0
      let lost = 0
      subscribe('tiercel:get', (decision) => {
        told++
        lost += decision.lost ?? 0
      })
      const ofPage = { kind: 'APP_PAGE' }
      const flood = async (times) => {
        for (let n = 0; n < times; n++) await new Tiercel().get('/first', ofPage)
        while (told + lost < times) await new Promise((wake) => setTimeout(wake, 10))
        const counts = { told, lost }
        told = lost = 0
        return counts
      }
      return [await flood(60), await flood(10_000)]
    },
    { given, env: { TIERCEL_DECISIONS: '63' } },
  )
  expect(answer).toEqual([
    { told: 60, lost: 0 },
    { told: 63, lost: 9_937 },
  ])
})

test.concurrent('they are told even if none are remembered', async () => {
  const { answer } = await inChild(
    async ({ index, page, hour }) => {
      const { subscribe } = require('node:diagnostics_channel')
      const told = []
      // Before the engine runs, and before it is loaded.
      subscribe('tiercel:set', (decision) => told.push(decision.key))
      const Tiercel = require(index)
      await new Tiercel().set('/first', page, hour)
      while (told.length < 1) await new Promise((wake) => setTimeout(wake, 10))
      return { told, remembered: Tiercel.decisions() }
    },
    { given, env: { TIERCEL_DECISIONS: '0' } },
  )
  expect(answer).toEqual({ told: ['/first'], remembered: [] })
})

test.concurrent('hits and reasons are told even so, of entries that are gone, too', async () => {
  const { answer } = await inChild(
    async ({ index, page, hour }) => {
      const { subscribe } = require('node:diagnostics_channel')
      const Tiercel = require(index)
      const ofPage = { kind: 'APP_PAGE' }
      const told = []
      let lost = 0
      await new Tiercel().set('/first', page, hour)
      subscribe('tiercel:get', ({ key, outcome, reason, lost: more = 0 }) => {
        told.push([key, outcome, reason])
        lost += more
      })
      for (let n = 0; n < 2; n++) await new Tiercel().get('/first', ofPage)
      await new Tiercel().set('/first', page, hour)
      const large = { ...page, html: 'x'.repeat(300_000) }
      for (let n = 0; n < 9; n++) await new Tiercel().set(`/${n}`, large, hour)
      for (let n = 0; n < 9; n++) await new Tiercel().get(`/${n}`, ofPage)
      while (told.length + lost < 11) await new Promise((wake) => setTimeout(wake, 10))
      return { told, lost, remembered: Tiercel.decisions() }
    },
    { given, env: { TIERCEL_DECISIONS: '0', TIERCEL_MEMORY_MB: '1' } },
  )
  const { told, lost, remembered } = answer
  expect([told.length, lost, remembered]).toEqual([11, 0, []])
  expect(told.slice(0, 2)).toEqual(Array(2).fill(['/first', 'fresh', '0 s old']))
  const reasons = told.filter(([, outcome]) => outcome === 'miss').map(([, , reason]) => reason)
  expect(reasons.length).toBeGreaterThan(4)
  expect(new Set(reasons)).toEqual(new Set(['absent: evicted for room 0 s ago']))
})

test.concurrent('a process that ends tells the last ones', async () => {
  const { stdout } = await inChild(
    async ({ index, page, hour }) => {
      const { subscribe } = require('node:diagnostics_channel')
      subscribe('tiercel:set', ({ key }) => require('node:fs').writeSync(1, key))
      const Tiercel = require(index)
      await new Tiercel().set('/last', page, hour)
    },
    { given },
  )
  expect(stdout).toBe('/last')
})
