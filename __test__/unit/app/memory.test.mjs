import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { complies } from './suite.mjs'

complies('in one process', () => createRequire(import.meta.url)('../../../app.js'))

test('a holder that stood still is told by its first look, and not a turn of the event loop later', async () => {
  const { lock } = createRequire(import.meta.url)('../../../app.js')
  await lock('still', { ttl: '1s' }, (held) => {
    const { signal } = held
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 900)
    expect(held.signal.aborted).toBe(false)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    expect(held.signal.reason?.code).toBe('TIERCEL_LOCK_LOST')
    expect(signal.aborted).toBe(true)
  })
})
