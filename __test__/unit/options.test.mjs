import { expect, test } from 'vitest'
import { inChild } from './support.mjs'

/** Configures and starts; the answer is what it runs with, or the failure. */
function start({ index, options, later }) {
  try {
    const Tiercel = require(index)
    if (options !== undefined) Tiercel.configure(options)
    new Tiercel()
    if (later) Tiercel.configure(later)
    return { capacityMb: Tiercel.stats().memory.capacityBytes / (1 << 20) }
  } catch ({ code, message }) {
    return { code, message }
  }
}

const started = async (options, env) => {
  const { answer } = await inChild(start, { given: { options }, env })
  return answer
}

test.concurrent.each([
  [{ memoryMb: 'lots' }, ['memoryMb', 'a whole number from 0 to 1048576']],
  [{ memoryMb: -1 }, ['memoryMb', 'a whole number from 0']],
  [{ memoryMb: 1.5 }, ['memoryMb', 'a whole number from 0']],
  [{ maxEntryMb: 0 }, ['maxEntryMb', 'from 1 to']],
  [{ fetchWaitMs: 2_201 }, ['fetchWaitMs', 'from 0 to 2200']],
  [{ waitMs: 60_000 }, ['waitMs', 'from 0 to 2200']],
  [{ maxTags: 99 }, ['maxTags', 'from 100 to']],
  [{ jitterPercent: 51 }, ['jitterPercent', 'from 0 to 50']],
  [{ refreshAheadPercent: -1 }, ['refreshAheadPercent', 'from 0 to 50']],
  [{ hotEntries: true }, ['hotEntries', 'a whole number']],
  [{ hotMb: [1] }, ['hotMb', 'a whole number']],
  [{ prerendered: 'yes' }, ['prerendered', 'true or false']],
  [{ debug: 1 }, ['debug', 'true or false']],
  [{ redisUrl: 6379 }, ['redisUrl', 'a URL such as redis://user:password@host:6379/0']],
  [{ redisUrl: 'redis://h1,h2' }, ['redisUrl', 'redis+cluster://h1,h2', 'redis+sentinel://h1,h2/']],
  [{ redisUrl: 'redis://cache?retries=3' }, ['redisUrl', 'the unknown parameter `retries`']],
  [{ redisUrl: 'cluster://cache', redisDatabase: 1 }, ['redisDatabase', '0 in a cluster']],
  [{ redisUrl: 'redis://cache', redisTlsCaFile: 'ca.pem' }, ['redisTlsCaFile', 'rediss://']],
  [{ redisUrl: 'rediss://cache', redisTlsCaFile: 'nowhere.pem' }, ['redisTlsCaFile', 'PEM file']],
  [{ redisPassword: 123456 }, ['redisPassword', 'a text']],
  [{ namespace: 'shop{1}' }, ['namespace', '1 to 64 of the characters']],
  [{ secret: 'short' }, ['secret', '16 characters or more']],
  [{ commandTimeoutMs: 5_000 }, ['commandTimeoutMs', 'from 10 to 2000']],
  [{ onInvalidationFailure: 'throw' }, ['onInvalidationFailure', 'resolve or reject']],
])('a wrong option is refused by name, with what is allowed: %j', async (options, says) => {
  const { code, message } = await started(options)
  expect(code).toBe('TIERCEL_INVALID_OPTION')
  for (const word of says) expect(message).toContain(word)
})

test.concurrent.each([
  ['TIERCEL_MEMORY_MB', '64MB'],
  ['TIERCEL_WAIT_MS', '-1'],
  ['TIERCEL_PRERENDERED', 'maybe'],
  ['TIERCEL_MAX_TAGS', '1'],
  ['TIERCEL_DEBUG', 'verbose'],
  ['TIERCEL_COMMAND_TIMEOUT_MS', '1s'],
  ['TIERCEL_REDIS_TLS', 'maybe'],
])('a wrong variable fails the start, by its name: %s=%s', async (name, value) => {
  const { code, stderr } = await inChild(({ index }) => void require(index), {
    env: { [name]: value },
  })
  expect(code).toBe(1)
  expect(stderr).toContain('TIERCEL_INVALID_OPTION')
  expect(stderr).toMatch(new RegExp(`\`${name}\` must be (a whole number|1, 0, true)`))
})

test.concurrent('a number that is none is refused, too', async () => {
  const run = ({ index }) => {
    try {
      return require(index)
        .configure({ memoryMb: Number('64 MB') })
        .stats().memory.capacityBytes
    } catch ({ code }) {
      return code
    }
  }
  expect((await inChild(run)).answer).toBe('TIERCEL_INVALID_OPTION')
})

test.concurrent.each([
  ['a BigInt', ({ index }) => require(index).configure({ memoryMb: 64n })],
  ['a function', ({ index }) => require(index).configure(() => {})],
  ['a text', ({ index }) => require(index).configure('memoryMb=64')],
  ['a list', ({ index }) => require(index).configure([64])],
])('what is no object of options is refused in words of ours: %s', async (_, run) => {
  const { code, stderr } = await inChild(run)
  expect(code).toBe(1)
  expect(stderr).toMatch(/code: 'TIERCEL_INVALID_OPTIONS?'/)
})

const REFUSED = 'TIERCEL_INVALID_OPTION'

test.concurrent.each([
  ['a getter that throws', REFUSED, '`memoryMb` cannot be read'],
  ['an object that holds itself', REFUSED, '`memoryMb` must be'],
  ['half a character', REFUSED, '`redisPassword` must be a text'],
  ['a name with half a character', 'TIERCEL_UNKNOWN_OPTION', 'there is no option'],
  ['a function as a text', REFUSED, '`redisPassword` must be a text'],
  ['a BigInt as a text', REFUSED, '`redisPassword` must be a text'],
  ['a symbol as a text', REFUSED, '`secret` must be a text'],
  ['no number as a text', REFUSED, '`redisPassword` must be a text'],
  ['toJSON that throws', 'TIERCEL_UNKNOWN_OPTION', '`toJSON`'],
  ['a proxy that throws', `${REFUSED}S`, 'the options cannot be read'],
  ['a list that holds itself', `${REFUSED}S`, 'takes an object of options'],
])('what cannot be written down is refused with a code: %s', async (which, code, says) => {
  const { answer } = await inChild(
    ({ index, which }) => {
      const itself = {}
      itself.itself = itself
      const list = []
      list.push(list)
      const fail = () => {
        throw new Error('hunter2')
      }
      const given = {
        'a getter that throws': Object.defineProperty({}, 'memoryMb', {
          enumerable: true,
          get: fail,
        }),
        'an object that holds itself': { memoryMb: itself },
        'half a character': { redisPassword: 'secret\ud800' },
        'a name with half a character': { '\ud800': 1 },
        'a function as a text': { redisPassword: () => 'secret' },
        'a BigInt as a text': { redisPassword: 123456789n },
        'a symbol as a text': { secret: Symbol('a secret of 16 characters') },
        'no number as a text': { redisPassword: Number.NaN },
        'toJSON that throws': { toJSON: fail },
        'a proxy that throws': new Proxy({}, { ownKeys: fail }),
        'a list that holds itself': list,
      }
      try {
        require(index).configure(given[which])
      } catch ({ code, message }) {
        return { code, message }
      }
    },
    { given: { which } },
  )
  expect(answer.code).toBe(code)
  expect(answer.message).toContain(says)
  expect(answer.message).not.toContain('hunter2')
})

test.concurrent('an unknown option is named, with those there are, and its value is not told', async () => {
  const { code, message } = await started({ redisURL: 'redis://:hunter2@cache.example' })
  expect(code).toBe('TIERCEL_UNKNOWN_OPTION')
  expect(message).toContain('`redisURL`')
  expect(message).toContain('memoryMb')
  expect(message).not.toContain('hunter2')
})

/** Each wrong in its own way, and each with the password in it. */
const flawed = [
  'http://:hunter2secret@cache',
  'redis://:hunter2secret@',
  'redis://:hunter2secret@cache:port',
  'redis://:hunter2secret@cache/name',
  'redis://:hunter2secret@my cache',
  'redis://:hunter2secret@h1,h2',
  'redis://:hunter2secret%@cache',
  'redis://:x/hunter2secret@cache',
  'redis://:x?hunter2secret@cache',
  'redis://:x#hunter2secret',
  'redis://hunter2secret@cache',
  'redis://cache?hunter2secret',
  'redis://cache?hunter2secret=1',
  'redis://cache?password=x&hunter2secret=1',
  'redis://cache/hunter2secret',
  'redis://cache:hunter2secret',
  'sentinel://:hunter2secret@h1,h2',
  'unix://hunter2secret',
]

test.concurrent.each(flawed)('no refusal tells a password: %s', async (url) => {
  const env = { REDIS_URL: url }
  const all = await Promise.all([started({ redisUrl: url }), inChild(start, { given: {}, env })])
  const [{ code, message }, { answer, stdout, stderr }] = all
  expect(code).toBe('TIERCEL_INVALID_OPTION')
  expect(message).toContain('`redisUrl` must be a URL such as')
  expect(answer.message).toContain('`REDIS_URL` must be a URL such as')
  expect([message, answer.message, stdout, stderr].join()).not.toContain('hunter2')
})

test.concurrent('every text and file of the shared tier keeps to itself what it was given', async () => {
  const names = ['redisUsername', 'redisPassword', 'redisSentinelName', 'redisTlsKeyFile', 'secret']
  const values = ['hunter2\nsecret', ['hunter2secret'], { hunter2secret: 1 }]
  const all = names.flatMap((name) => values.map((value) => started({ [name]: value })))
  for (const { code, message } of await Promise.all(all)) {
    expect(code).toBe('TIERCEL_INVALID_OPTION')
    expect(message).not.toContain('hunter2')
  }
})

test.concurrent('memory only stays so where a platform sets REDIS_URL, if asked for', async () => {
  const env = { REDIS_URL: 'http://not.ours' }
  const none = { ...env, TIERCEL_REDIS_URL: 'none' }
  const all = [started({ redisUrl: 'none' }, none), started(undefined, none)]
  all.push(started({ redisUrl: null }, env), started(undefined, { ...env, TIERCEL_REDIS_URL: '' }))
  const codes = (await Promise.all(all)).map(({ code }) => code)
  expect(codes.slice(0, 2)).toEqual([undefined, undefined])
  expect(codes.slice(2)).toEqual(['TIERCEL_INVALID_OPTION', 'TIERCEL_INVALID_OPTION'])
})

test.concurrent('the object counts before the environment, and that before the default', async () => {
  const env = { TIERCEL_MEMORY_MB: '9' }
  const all = [started(undefined), started(undefined, env), started({ memoryMb: 7 }, env)]
  all.push(started({ debug: false }, env), started({ memoryMb: undefined }, env))
  all.push(started({}, { TIERCEL_MEMORY_MB: '' }))
  const found = (await Promise.all(all)).map(({ capacityMb }) => capacityMb)
  expect(found).toEqual([64, 9, 7, 9, 9, 64])
})

test.concurrent('other options once it runs are refused, and the same are fine', async () => {
  const late = await inChild(start, { given: { options: { memoryMb: 7 }, later: { memoryMb: 8 } } })
  expect(late.answer.code).toBe('TIERCEL_ALREADY_RUNNING')
  const same = await inChild(start, { given: { options: { memoryMb: 7 }, later: { memoryMb: 7 } } })
  expect(same.answer).toEqual({ capacityMb: 7 })
})

test.concurrent('without a memory tier every get is a miss, and nothing waits', async () => {
  const { answer } = await inChild(
    async ({ index }) => {
      const Tiercel = require(index)
      const value = { kind: 'FETCH', data: { body: 'x', headers: {} }, revalidate: 60 }
      await new Tiercel().set('key', value, { tags: [] })
      const timestamp = performance.timeOrigin + performance.now()
      const entry = {
        value: new Blob(['x']).stream(),
        tags: [],
        timestamp,
        expire: 9,
        revalidate: 9,
      }
      await Tiercel.set('use', Promise.resolve({ ...entry, stale: 1 }))
      const found = [
        await new Tiercel().get('key', { kind: 'FETCH' }),
        await Tiercel.get('use', []),
      ]
      return found.map((one) => one ?? null)
    },
    { env: { TIERCEL_MEMORY_MB: '0' } },
  )
  expect(answer).toEqual([null, null])
})

test.concurrent('fetchWaitMs: 0 lets everybody fetch', async () => {
  const { answer } = await inChild(async ({ index }) => {
    const Tiercel = require(index).configure({ fetchWaitMs: 0 })
    const gets = [1, 2, 3].map(() => new Tiercel().get('key', { kind: 'FETCH' }))
    const late = new Promise((wake) => setTimeout(wake, 600, 'late'))
    return Promise.race([Promise.all(gets), late])
  })
  expect(answer).toEqual([null, null, null])
})
