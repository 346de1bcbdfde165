import { expect, test } from 'vitest'
import { gone } from '../../tools/guarded.mjs'
import { fleet } from '../../tools/instances/fleet.mjs'
import { fetched, ofFetch, page, pause, setFetch, tagged, until } from '../unit/support.mjs'

/** Instances that end with the test. */
async function started({ onTestFinished }, count, env) {
  const instances = await fleet(count, env)
  onTestFinished(() => instances.stop())
  return instances
}

test('each instance is a process with a cache, and both interfaces answer', async (test) => {
  const [one, two] = await started(test, 2, { TIERCEL_MEMORY_MB: '8' })
  expect(one.pid).not.toBe(two.pid)
  expect((await two.stats()).memory.capacityBytes).toBe(8 << 20)

  const html = page({ segmentData: new Map([['/a', Buffer.from('segment')]]), ...tagged('p') })
  await one.set('/page', html, { cacheControl: { revalidate: 60, expire: 600 } })
  expect((await one.get('APP_PAGE', '/page')).value).toEqual(html)
  await one.set('data', fetched('body'), setFetch(['t']))
  expect((await one.get('FETCH', 'data', ofFetch(['t']))).value.data.body).toBe('body')
  await one.useSet('key', 'used', { tags: ['t'] })
  expect((await one.useGet('key')).value).toEqual(Buffer.from('used'))

  await one.invalidate(['t', 'p'])
  expect(await one.get('FETCH', 'data', ofFetch(['t']))).toBe(null)
  expect(await one.get('APP_PAGE', '/page')).toBe(null)
  expect(await one.useGet('key')).toBe(undefined)
})

test('what a request began before an invalidation is not stored', async (test) => {
  const [one] = await started(test, 1)
  const request = await one.request()
  const begun = await one.now()
  expect(await request.get('FETCH', 'data', ofFetch(['t']))).toBe(null)
  await pause(5)
  await one.invalidate(['t'])
  await request.set('data', fetched('old'), setFetch(['t']))
  await one.useSet('key', 'old', { tags: ['t'], timestamp: begun })
  expect(await one.get('FETCH', 'data', ofFetch(['t']))).toBe(null)
  expect(await one.useGet('key')).toBe(undefined)
  await one.set('data', fetched('new'), setFetch(['t']))
  expect(await one.get('FETCH', 'data', ofFetch(['t']))).not.toBe(null)
})

test('a frozen instance answers once it goes on, a killed one never', async (test) => {
  const [one, two] = await started(test, 2)
  one.pause()
  let isAnswered = false
  const answer = one.now().then(() => {
    isAnswered = true
  })
  expect(await two.run(({ n }) => n + 1, { n: 1 })).toBe(2)
  expect(isAnswered).toBe(false)
  one.resume()
  await answer

  const waiting = two.run(() => new Promise(() => {}))
  const refused = expect(waiting).rejects.toThrow('ended')
  expect(await two.kill()).toBe('SIGKILL')
  await refused
  await expect(two.stats()).rejects.toThrow('ended')
  expect(await one.kill('SIGTERM')).toBe('SIGTERM')
  await gone([one.pid, two.pid])
})

test('a configuration that is refused fails the start, with what the module said', async () => {
  await expect(fleet(2, { TIERCEL_MEMORY_MB: 'much' })).rejects.toThrow('TIERCEL_MEMORY_MB')
})

test('errors in the process come back with their code, and what it prints can be read', async (test) => {
  const [one] = await started(test, 1)
  const failing = one.run(() => {
    throw Object.assign(new Error('no'), { code: 'E_NO' })
  })
  await expect(failing).rejects.toMatchObject({ message: 'no', code: 'E_NO' })
  await one.run(() => console.error('printed'))
  await until('it is printed', () => (one.log().includes('printed') ? true : undefined))
})
