import { expect, test } from 'vitest'
import { encode, Frames, Push, ReplyError } from '../../tools/redis/resp.mjs'

/** Every form there is, nested ones included, and what it means. */
const STREAM = [
  ['+OK\r\n', 'OK'],
  [':-12\r\n', -12],
  ['$5\r\na\r\nb!\r\n', 'a\r\nb!'],
  ['$0\r\n\r\n', ''],
  ['$-1\r\n', null],
  ['*-1\r\n', null],
  ['_\r\n', null],
  ['#t\r\n', true],
  [',1.5\r\n', 1.5],
  [',-inf\r\n', -Infinity],
  ['(9007199254740993\r\n', 9007199254740993n],
  ['=7\r\ntxt:abc\r\n', 'abc'],
  ['*3\r\n:1\r\n*1\r\n$2\r\n\u00e4\r\n*0\r\n', [1, ['\u00e4'], []]],
  ['%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n:2\r\n', { a: 1, b: [2] }],
  ['~2\r\n:1\r\n:2\r\n', [1, 2]],
  ['|1\r\n+ttl\r\n:9\r\n:7\r\n', 7],
]

test('a stream means the same wherever it is cut', () => {
  const bytes = Buffer.from(STREAM.map(([text]) => text).join(''))
  const meant = STREAM.map(([, value]) => value)
  for (let size = 1; size <= bytes.length; size++) {
    const frames = new Frames()
    const found = []
    for (let at = 0; at < bytes.length; at += size) {
      found.push(...frames.feed(bytes.subarray(at, at + size)))
    }
    expect(found.map(({ value }) => value)).toEqual(meant)
    expect(Buffer.concat(found.map((frame) => frame.bytes)).equals(bytes)).toBe(true)
    expect(frames.rest.length).toBe(0)
  }
})

test('errors and pushes are told apart from other values', () => {
  const [error, push, nested] = new Frames()
    .feed(Buffer.from('-NOAUTH say who\r\n>2\r\n+message\r\n+x\r\n*1\r\n-ERR no\r\n'))
    .map(({ value }) => value)
  expect(error).toBeInstanceOf(ReplyError)
  expect(error.code).toBe('NOAUTH')
  expect(push).toBeInstanceOf(Push)
  expect([...push]).toEqual(['message', 'x'])
  expect(nested[0].code).toBe('ERR')
})

test('bytes stay bytes when they are asked for', () => {
  const body = Buffer.from([0xff, 0x0d, 0x0a, 0x00])
  const [{ value }] = new Frames({ binary: true }).feed(encode(['SET', body, 12]))
  expect(value).toEqual([Buffer.from('SET'), body, Buffer.from('12')])
})

test('what is no RESP is refused at its first byte', () => {
  for (const text of ['\u0016\u0003\u0001', 'HTTP/1.1 400', '$x\r\n']) {
    expect(() => new Frames().feed(Buffer.from(text))).toThrow(/not RESP|not a length/)
  }
})
