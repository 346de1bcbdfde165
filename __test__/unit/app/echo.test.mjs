import { createRequire } from 'node:module'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const require = createRequire(import.meta.url)
const { Echo } = require('../../../js/app/echo.js')
const { SOURCES } = require('../../../js/abi.js')

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

/** Two windows: what is left, when all is there again, when it may be admitted. */
const ruling = (admitted, source, ...rest) => [admitted, SOURCES.indexOf(source), 0, ...rest]
const refused = (source, wait = 1_000) => ruling(0, source, 0, 60_000, wait, 5, 90_000, 0)

test('a refusal is repeated, as old as it is, to who asks for as much', () => {
  const echo = new Echo()
  expect(echo.find('id', 1)).toBe(undefined)
  echo.note('id', 2, refused('known'))
  expect(echo.find('id', 2)).toEqual(refused('known'))
  vi.advanceTimersByTime(20)
  expect(echo.find('id', 3)).toEqual(ruling(0, 'known', 0, 59_980, 980, 5, 89_980, 0))
  expect([echo.find('id', 1), echo.find('id', 0), echo.find('other', 2)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

test('it is repeated for no longer than it holds, and not for long', () => {
  const echo = new Echo()
  echo.note('brief', 1, refused('known', 10))
  echo.note('long', 1, refused('known'))
  vi.advanceTimersByTime(10)
  expect([echo.find('brief', 1), echo.find('long', 1) !== undefined]).toEqual([undefined, true])
  vi.advanceTimersByTime(40)
  expect(echo.find('long', 1)).toBe(undefined)
})

test('only what the addon knows is: not what the store said, what one process says, or that it is away', () => {
  const echo = new Echo()
  for (const source of ['store', 'local', 'nobody']) echo.note('id', 1, refused(source))
  echo.note('id', 1, ruling(1, 'known', 5, 0, 0))
  expect(echo.find('id', 1)).toBe(undefined)
})

test('what is reset is forgotten, through any object of the same limit', () => {
  Echo.of(7).note('id', 1, refused('known'))
  Echo.of(8).forget('id')
  expect(Echo.of(7).find('id', 1)).toEqual(refused('known'))
  Echo.of(7).forget('id')
  expect(Echo.of(7).find('id', 1)).toBe(undefined)
})

test('it holds no more than is refused within a moment', () => {
  const echo = new Echo()
  for (let n = 0; n < 5_000; n++) echo.note(`id-${n}`, 1, refused('known'))
  expect([echo.find('id-0', 1), echo.find('id-4999', 1) !== undefined]).toEqual([undefined, true])
  vi.advanceTimersByTime(51)
  echo.note('last', 1, refused('known'))
  expect(echo.find('id-4999', 1)).toBe(undefined)
})
