import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { fresh } from './cache-suite.mjs'

// Entries that something else has written: to whoever asks they are not there.

const require = createRequire(import.meta.url)
const { cache } = require('../../../app.js')
const { KIND } = require('../../../js/abi.js')
const { native, now } = require('../../../js/native.js')

const put = (key, parts) =>
  native.put(KIND.OWN, key, [native.revision(), now()], [], 60, 60, parts, 0)

test.for([
  ['no head', [undefined, 'x']],
  ['bytes for a head', [Buffer.from('j - - - 5 []'), 'x']],
  ['an empty head', ['', '1']],
  ['another letter', ['x - - 60000 60000 []', '1']],
  ['tags that are none', ['j - - 60000 60000 {}', '1']],
  ['tags that end early', ['j - - 60000 60000 ["a', '1']],
  ['no JSON', ['j - - 60000 60000 []', '{']],
  ['nothing at all where JSON is', ['j - - 60000 60000 []', undefined]],
  ['no clone', ['v - - 60000 60000 []', Buffer.from([255, 99, 1, 2])]],
  [
    'the clone of a newer V8',
    ['v - - 60000 60000 []', Buffer.from([255, 240, 111, 34, 0, 123, 0])],
  ],
  ['a clone that ends early', ['w - - 60000 60000 []', Buffer.from([255, 15, 111, 34, 9])]],
  ['a text where a clone is', ['v - - 60000 60000 []', 'text']],
  ['no parts', []],
])('%s', async ([, parts]) => {
  const key = fresh('key')
  await cache.has(key)
  put(key, parts)
  for (const options of [undefined, { shared: true }, { codec: 'json' }]) {
    expect(await cache.get(key, options)).toBe(undefined)
    expect(await cache.has(key, options)).toBe(false)
  }
  expect(await cache.getOrSet(key, () => 'generated')).toBe('generated')
  expect(await cache.get(key)).toBe('generated')
})
