import { expect, test } from 'vitest'
import { inChild } from './support.mjs'

// The addon is loaded once per thread, its JavaScript perhaps more often: test runners have module
// registries of their own, and some clear the one of Node.js.

/** In a process: a second copy of all modules, and a class of its own. What each finds and stores. */
async function copies({ index, isOther }) {
  const Tiercel = require(index)
  const value = { kind: 'FETCH', data: { headers: {}, body: 'x', status: 200 }, revalidate: 60 }
  const find = async (of, key) => (await new of().get(key, { kind: 'FETCH' }))?.value.data.body
  const set = (of, key) => new of().set(key, value, { tags: ['tag'] })
  await set(Tiercel, 'first')
  const before = [await find(Tiercel, 'first'), await find(Tiercel, 'first')]

  for (const file of Object.keys(require.cache)) {
    if (!file.endsWith('.node')) delete require.cache[file]
  }
  if (isOther) delete globalThis[Symbol.for('tiercel.handler')]
  const Other = require(isOther ? index : index.replace('index.js', 'js/handler.js'))
  const began = performance.now()
  const after = []
  // Each goes on while the other is there.
  for (const of of [Other, Tiercel, Other, Tiercel]) {
    await set(of, 'second')
    after.push(await find(of, 'first'), await find(of, 'second'), await find(of, 'second'))
    // Waits for the first one.
    const waiting = [find(of, 'third'), find(of, 'third')]
    await set(of, 'third')
    after.push((await Promise.all(waiting))[1])
    await Other.updateTags(['tag'])
    after.push(await find(Tiercel, 'first'), await find(Other, 'second'), await find(of, 'third'))
    await set(of, 'first')
  }
  return { isOne: Other === Tiercel, before, after, ms: performance.now() - began }
}

/** What is found in one round. */
const round = ['x', 'x', 'x', 'x', null, null, null]

for (const isOther of [false, true]) {
  const which = isOther ? 'of a realm of its own' : 'of one realm'
  test.concurrent(`a second copy ${which} finds and stores like the first`, async () => {
    const { answer, stderr } = await inChild(copies, { given: { isOther } })
    expect(stderr).toBe('')
    expect(answer).toMatchObject({ isOne: !isOther, before: ['x', 'x'] })
    expect(answer.after).toEqual([...round, ...round, ...round, ...round])
    // Less than it takes to wait in vain once.
    expect(answer.ms).toBeLessThan(1_000)
  })
}

test.concurrent('whichever copy runs the engine, subscribers are told', async () => {
  const { answer } = await inChild(async ({ index }) => {
    const { channel } = require('node:diagnostics_channel')
    // Loaded, and never used.
    require(index.replace('index.js', 'js/channels.js'))
    for (const file of Object.keys(require.cache)) {
      if (!file.endsWith('.node')) delete require.cache[file]
    }
    const Tiercel = require(index)
    await new Tiercel().get('before', { kind: 'FETCH' })
    for (const file of Object.keys(require.cache)) {
      if (!file.endsWith('.node')) delete require.cache[file]
    }
    require(index.replace('index.js', 'js/channels.js'))
    const told = new Promise((wake) => channel('tiercel:get').subscribe(({ key }) => wake(key)))
    await new Tiercel().get('after', { kind: 'FETCH' })
    const late = new Promise((wake) => setTimeout(wake, 3_000, 'nobody'))
    return Promise.race([told, late])
  })
  expect(answer).toBe('after')
})

test.concurrent('copies that come and go leave nothing behind', async () => {
  const { answer, stderr } = await inChild(
    async ({ index }) => {
      const value = { kind: 'FETCH', data: { headers: {}, body: 'x', status: 200 }, revalidate: 60 }
      const gone = []
      for (let n = 0; n < 20; n++) {
        delete globalThis[Symbol.for('tiercel.handler')]
        for (const file of Object.keys(require.cache)) {
          if (!file.endsWith('.node')) delete require.cache[file]
        }
        // A parent of its own: one lists its children for good.
        const Tiercel = require('node:module').createRequire(index)(index)
        await new Tiercel().set('key', value, { tags: [] })
        await new Tiercel().get('key', { kind: 'FETCH' })
        gone.push(new WeakRef(Tiercel))
      }
      for (let n = 0; n < 5; n++) {
        await new Promise((wake) => setTimeout(wake, 10))
        global.gc()
      }
      return gone.filter((one) => one.deref() !== undefined).length
    },
    { flags: ['--expose-gc'], env: { TIERCEL_REDIS_URL: 'redis://127.0.0.1:9' } },
  )
  expect(stderr).not.toContain('MaxListeners')
  expect(answer).toBeLessThan(5)
})
