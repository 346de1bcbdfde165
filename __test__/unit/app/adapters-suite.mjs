/** What the adapters do alike in one process and on a server, under the packages that they are for. */
import { createRequire } from 'node:module'
import keyvTestSuite from '@keyv/test-suite'
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'
import Keyv from 'keyv'
import { createStorage, prefixStorage } from 'unstorage'
import * as vitest from 'vitest'
import { pause } from '../support.mjs'
import { fresh } from './suite.mjs'

const { describe, expect, test } = vitest
const require = createRequire(import.meta.url)
// Within tests: loading the module chooses the options of the process.
const load = (name) => require(`../../../js/adapters/${name}.js`)
const keyvStore = (...args) => new (load('keyv').KeyvTiercel)(...args)

/** @param {string} title */
export function adapts(title) {
  describe(title, () => {
    describe('tiercel/keyv', keyv)
    describe('tiercel/unstorage', unstorage)
    describe('tiercel/better-auth', auth)
  })
}

function keyv() {
  const name = fresh('keyv')
  const store = () => keyvStore(name)
  // The iterator, which lists keys, has a suite of its own.
  describe('the suite of Keyv', () => keyvTestSuite(vitest, Keyv, store))

  test('a time is that of the store as well', async () => {
    const [own, short] = [keyvStore(fresh('keyv')), keyvStore(fresh('keyv'), { ttl: 0.2 })]
    await own.set('key', 'x', 150.5)
    await short.set('key', 'x')
    await short.set('long', 'x', 60_000)
    expect([await own.get('key'), await short.get('key')]).toEqual(['x', 'x'])
    await pause(220)
    expect([await own.get('key'), await short.get('key')]).toEqual([undefined, undefined])
    expect(await short.has('long')).toBe(true)
  })

  test('several at once', async () => {
    const many = new Keyv({ store: keyvStore(fresh('keyv')), namespace: 'many' })
    await many.setMany(['a', 'b'].map((key) => ({ key, value: { key } })))
    expect(await many.hasMany(['a', 'c'])).toEqual([true, false])
    expect(await many.get(['a', 'b', 'c'])).toEqual([{ key: 'a' }, { key: 'b' }, undefined])
    expect(await many.delete(['c', 'a'])).toBe(true)
    expect(await many.get('a')).toBe(undefined)
  })

  test('any key is one of its own: long, empty of sense, half a character', async () => {
    const one = new Keyv({ store: keyvStore(fresh('keyv')) })
    const keys = ['\0', '\uD800', '\uDC00', 'x'.repeat(600), `${'x'.repeat(600)}y`, '#', '=', ' ']
    for (const [n, key] of keys.entries()) await one.set(key, n)
    for (const [n, key] of keys.entries()) expect(await one.get(key)).toBe(n)
  })

  test('what is not serialized is refused, and Keyv says so', async () => {
    const plain = new Keyv({ store: keyvStore(fresh('keyv')), serialize: undefined })
    plain.serialize = undefined
    const told = new Promise((resolve) => plain.on('error', resolve))
    await plain.set('key', 5)
    expect(await told).toMatchObject({ code: 'TIERCEL_INVALID_ARGUMENT' })
  })
}

function unstorage() {
  const driver = (options) => load('unstorage')(options)
  const mounted = (options) =>
    createStorage({ driver: driver({ base: fresh('files'), ...options }) })

  test('what it keeps comes back as it was', async () => {
    const storage = mounted()
    expect(await storage.hasItem('none')).toBe(false)
    expect(await storage.getItem('none')).toBe(null)
    expect(await storage.getItemRaw('none')).toBe(null)
    for (const value of ['text', 'ä😀', '', 0, 5, true, false, { a: [1] }, ['x'], null]) {
      await storage.setItem('s1:a', value)
      expect(await storage.getItem('s1:a')).toEqual(value)
      expect(await storage.hasItem('s1:a')).toBe(true)
    }
    await storage.setItem('of:test', { json: 'works' })
    expect(await prefixStorage(storage, 'of').getItem('test')).toEqual({ json: 'works' })
  })

  test('bytes are kept as bytes', async () => {
    const storage = mounted()
    const bytes = Uint8Array.from({ length: 256 }, (_, n) => n)
    for (const value of [bytes, Buffer.from(bytes), bytes.slice().buffer]) {
      await storage.setItemRaw('raw.bin', value)
      expect(new Uint8Array(await storage.getItemRaw('raw.bin'))).toEqual(bytes)
    }
    await storage.setItemRaw('raw.txt', 'text')
    expect(await storage.getItem('raw.txt')).toBe('text')
    await expect(storage.setItemRaw('raw', { a: 1 })).rejects.toMatchObject({
      code: 'TIERCEL_INVALID_ARGUMENT',
    })
  })

  test('several at once, and what is said about them', async () => {
    const storage = mounted()
    await storage.setItems([
      { key: 'a', value: 'x' },
      { key: 'b', value: { n: 1 } },
    ])
    expect(await storage.getItems(['a', 'b', 'c'])).toEqual([
      { key: 'a', value: 'x' },
      { key: 'b', value: { n: 1 } },
      { key: 'c', value: null },
    ])
    await storage.setMeta('a', { mine: 1 })
    expect(await storage.getMeta('a')).toMatchObject({ mine: 1 })
    await storage.removeItem('a', { removeMeta: true })
    expect([await storage.getItem('a'), await storage.getMeta('a')]).toEqual([null, {}])
  })

  test('a time is its own, or that of all', async () => {
    const storage = mounted({ ttl: 0.2 })
    await storage.setItem('short', 'x')
    await storage.setItem('long', 'x', { ttl: 60 })
    expect(await storage.getItem('short')).toBe('x')
    await pause(220)
    expect([await storage.getItem('short'), await storage.getItem('long')]).toEqual([null, 'x'])
  })

  test('all of a mount is cleared, and nothing of another; a part and a list are refused', async () => {
    const storage = mounted()
    storage.mount('cache', driver({ base: fresh('cache') }))
    await storage.setItem('a', 'x')
    await storage.setItem('cache:a', 'x')
    await storage.clear('cache')
    expect([await storage.getItem('a'), await storage.getItem('cache:a')]).toEqual(['x', null])
    await storage.setItem('cache:a', 'y')
    expect(await storage.getItem('cache:a')).toBe('y')
    const refusal = { code: 'TIERCEL_NO_KEYS' }
    await expect(storage.getKeys()).rejects.toMatchObject(refusal)
    await expect(driver().clear('part')).rejects.toMatchObject(refusal)
    await storage.clear()
    expect([await storage.getItem('a'), await storage.getItem('cache:a')]).toEqual([null, null])
  })

  test('what Nitro was told is no mistake; another name is', () => {
    expect(driver({ driver: 'tiercel/unstorage' }).name).toBe('tiercel')
    const invalid = expect.objectContaining({ code: 'TIERCEL_INVALID_ARGUMENT' })
    for (const bad of [{ url: 'redis://h' }, { base: 'a b' }, { ttl: 0 }]) {
      expect(() => driver(bad), JSON.stringify(bad)).toThrow(invalid)
    }
  })
}

function auth() {
  const secondaryStorage = (name) => load('better-auth').secondaryStorage(name)
  const person = { email: 'a@h.example', password: 'of-the-tests', name: 'A' }
  const ORIGIN = 'http://localhost:3000'

  /** An app whose sessions lie in our storage only. */
  function app(options = {}) {
    const storage = secondaryStorage(fresh('auth'))
    const db = { user: [], session: [], account: [], verification: [] }
    const own = betterAuth({
      baseURL: ORIGIN,
      secret: 'a secret of the tests, 32 long and more',
      database: memoryAdapter(db),
      emailAndPassword: { enabled: true },
      secondaryStorage: storage,
      telemetry: { enabled: false },
      ...options,
    })
    let cookies = ''
    const call = async (path, body, more) => {
      const headers = {
        origin: ORIGIN,
        cookie: cookies,
        'content-type': 'application/json',
        ...more,
      }
      const init = body ? { method: 'POST', body: JSON.stringify(body), headers } : { headers }
      const response = await own.handler(new Request(`${ORIGIN}/api/auth${path}`, init))
      const set = response.headers.getSetCookie().map((one) => one.split(';', 1)[0])
      if (set.length > 0) cookies = set.join('; ')
      return response
    }
    return { call, db, storage, forget: () => (cookies = ''), cookies: () => cookies }
  }

  test('sign up, sign in, the session, and its end', async () => {
    const { call, db, storage, forget, cookies } = app()
    expect((await call('/sign-up/email', person)).status).toBe(200)
    forget()
    expect(await (await call('/get-session')).json()).toBe(null)
    const wrong = await call('/sign-in/email', { ...person, password: 'of-nobody' })
    expect(wrong.status).toBe(401)
    const { token } = await (await call('/sign-in/email', person)).json()
    const { session, user } = await (await call('/get-session')).json()
    expect([user.email, session.token]).toEqual([person.email, token])
    // The database has none: it is ours.
    expect(db.session).toEqual([])
    expect(JSON.parse(await storage.get(token)).user.email).toBe(person.email)
    expect(await (await call('/list-sessions')).json()).toHaveLength(2)
    const old = cookies()
    expect((await call('/sign-out', {})).status).toBe(200)
    expect(await storage.get(token)).toBe(null)
    expect(await (await call('/get-session', undefined, { cookie: old })).json()).toBe(null)
  })

  test('its limit counts each request once, for the time of its window', async () => {
    const limit = { enabled: true, storage: 'secondary-storage', window: 60, max: 3 }
    const { call } = app({ rateLimit: limit })
    const statuses = []
    for (let n = 0; n < 5; n++) {
      statuses.push(
        (await call('/get-session', undefined, { 'x-forwarded-for': '203.0.113.7' })).status,
      )
    }
    expect(statuses).toEqual([200, 200, 200, 429, 429])
  })

  test('a count lives as long as when it began, and what is taken is taken once', async () => {
    const storage = secondaryStorage(fresh('auth'))
    const key = `${'long'.repeat(200)}|/sign-in/email`
    expect([await storage.increment(key, 0.3), await storage.increment(key, 60)]).toEqual([1, 2])
    await pause(310)
    expect(await storage.increment(key, 60)).toBe(1)
    await storage.set('once', 'x', 60)
    const taken = await Promise.all([storage.getAndDelete('once'), storage.getAndDelete('once')])
    expect(taken.sort()).toEqual([null, 'x'].sort())
  })
}
