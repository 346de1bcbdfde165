import { expect, test } from 'vitest'
import { entryOf, load } from './support.mjs'

// React makes typed arrays of a `'use cache'` entry as views of the very bytes it is given. Whoever
// writes into one would write into what all others are shown.

const Tiercel = load()

const row = (id, tag, bytes) =>
  Buffer.concat([Buffer.from(`${id}:${tag}${bytes.length.toString(16)},`), Buffer.from(bytes)])
const line = (id, text) => Buffer.from(`${id}:${text}\n`)
const LONG = Buffer.from('1:A3,ü\n2:o4,💥'.repeat(100))

const withBytes = {
  'a typed array': [line(0, '"$1"'), row(1, 'o', [1, 2, 3])],
  'an ArrayBuffer, between others': [row(1, 'A', [58, 10, 44]), line('2f', '{"a":1}')],
  'a stream of bytes': [line(1, 'R'), row(1, 'b', [1]), line(1, 'C')],
  'after long text': [row('a', 'T', LONG), row('b', 'V', [0])],
  'of no length': [row(1, 'g', [])],
  'what nobody can read': [Buffer.from('0:Tx,'), Buffer.from('1:"a"\n')],
}
const withText = {
  'one line': [line(0, '"text"')],
  'a line without an end': [Buffer.from('0:"text"')],
  'long text that looks like bytes': [row(1, 'T', LONG), line(0, '["$1"]')],
  'lines that look like bytes': [line(1, '"2:o3,abc"'), line(2, 'I["3:A1,x"]')],
  'a hint, a module, an error': [line('', 'HL["/x"]'), line(1, 'I[1]'), line(2, 'E{"digest":""}')],
}

const set = (key, rows) => Tiercel.set(key, Promise.resolve(entryOf(Buffer.concat(rows))))

async function chunk(key) {
  const { value } = await Tiercel.get(key, [])
  const { value: bytes } = await value.getReader().read()
  return bytes
}

test.for(Object.entries(withBytes))(
  'who reads bytes has them for themselves: %s',
  async ([key, rows]) => {
    const whole = Buffer.concat(rows)
    await set(key, rows)
    for (let n = 0; n < 3; n++) {
      const bytes = await chunk(key)
      expect(Buffer.compare(bytes, whole)).toBe(0)
      new Uint8Array(bytes.buffer).fill(0xff)
    }
  },
)

test.for(Object.entries(withText))(
  'text is handed out as it lies there: %s',
  async ([key, rows]) => {
    const whole = Buffer.concat(rows)
    await set(key, rows)
    const [first, second] = [await chunk(key), await chunk(key)]
    expect(Buffer.compare(first, whole)).toBe(0)
    expect(first.buffer).toBe(second.buffer)
    expect(first.byteOffset).toBe(second.byteOffset)
  },
)
