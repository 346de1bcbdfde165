/** What every tier and every kind of server has to do alike. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hour, pause, until } from '../unit/support.mjs'
import {
  bodies,
  everyByte,
  fetches,
  image,
  pages,
  pagesRouter,
  routes,
  texts,
  textual,
} from '../unit/values.mjs'
import { arrives, connected, instances, keysOf, newName } from './instances.mjs'
import { isStale, kinds } from './kinds.mjs'

const memory = fileURLToPath(new URL('../../memory.js', import.meta.url))
const PATIENT = { TIERCEL_WAIT_MS: '2200', TIERCEL_FETCH_WAIT_MS: '1200' }
const SECRET = { TIERCEL_SECRET: 'a secret of the compliance suite' }

/** Instances beside `here` and `there`, which are alike, and in what each differs. */
const OTHERS = {
  nextBuild: { BUILD: 'two' },
  isolated: { BUILD: 'two', TIERCEL_ISOLATE_FETCH: '1' },
  foreign: { TIERCEL_NAMESPACE: newName('foreign') },
  signing: SECRET,
  reading: SECRET,
  forging: { TIERCEL_SECRET: 'another secret of the suite' },
  leading: PATIENT,
  following: PATIENT,
}

/**
 * The suite. `open` gives a running server, and what instances see of the environment to find it;
 * nothing for a tier that other processes do not see: then one instance stands for all.
 *
 * @param {string} title
 * @param {() => Promise<{ server?: any, env: Record<string, string> }>} open
 * @param {{ shared?: boolean }} [options]
 */
export function complies(title, open, { shared = true } = {}) {
  describe(title, () => {
    const suite = { namespace: newName('suite') }
    beforeAll(async () => {
      const { server, env } = await open()
      suite.server = server
      const common = { TIERCEL_NAMESPACE: suite.namespace, ...env }
      const twins = shared ? { here: {}, there: {} } : { here: {} }
      suite.fleet = await instances(common, shared ? { ...twins, ...OTHERS } : twins)
      suite.here = suite.fleet.here
      suite.there = suite.fleet.there ?? suite.here
      if (shared) await Promise.all(suite.fleet.all.map(connected))
    }, 60_000)
    afterAll(async () => {
      await suite.fleet?.stop()
      await suite.server?.stop()
    })

    givesBack(suite)
    invalidates(suite)
    datesGenerations(suite)
    if (shared) generatesOnce(suite)
    if (shared) keepsApart(suite)
    test('stats tell whether there is a shared tier', async () => {
      const { shared: told } = await suite.here.stats()
      expect(told?.namespace).toBe(shared ? suite.namespace : undefined)
      expect([told?.isAway ?? false, told?.isBroken ?? false]).toEqual([false, false])
    })
  })
}

const tables = {
  pages: ['APP_PAGE', pages, hour],
  routes: ['APP_ROUTE', routes, hour],
  'the pages router': ['PAGES', pagesRouter, hour],
  fetches: ['FETCH', fetches, { fetchCache: true, tags: [] }],
  images: [
    'IMAGE',
    Object.fromEntries(Object.entries(bodies).map(([name, body]) => [name, image(body)])),
    hour,
  ],
  'pages of odd texts': [
    'APP_PAGE',
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, textual(text).value])),
    hour,
  ],
  'fetches of odd texts': [
    'FETCH',
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, textual(text).entry])),
    { fetchCache: true, tags: ['odd'] },
  ],
}

function givesBack(suite) {
  test.each(Object.entries(tables))(
    'what one instance stores, another gives back byte for byte: %s',
    async (_, [kind, values, context]) => {
      const keys = Object.fromEntries(Object.keys(values).map((name) => [name, newName(kind)]))
      for (const [name, value] of Object.entries(values)) {
        await suite.here.set(keys[name], value, context)
      }
      for (const [name, value] of Object.entries(values)) {
        const found = await until(
          name,
          async () => (await suite.there.get(kind, keys[name])) ?? undefined,
        )
        expect(found.value, name).toEqual(value)
        if (kind !== 'FETCH' && kind !== 'IMAGE') {
          expect(found.cacheControl, name).toEqual(hour.cacheControl)
        }
      }
    },
  )

  test("what one instance stores, another gives back byte for byte: 'use cache'", async () => {
    const tags = ['b', 'a', 'ä😀\uD800', '', 'with,comma', 'x'.repeat(256)]
    const terms = { tags, stale: 30, expire: 4_000, revalidate: 0.25 }
    for (const body of [everyByte, Buffer.alloc(0), Buffer.alloc(300_000, everyByte)]) {
      // Some keys are no valid text.
      const key = `${newName('use')}\uD800`
      const timestamp = await suite.here.now()
      await suite.here.useSet(key, body, { ...terms, timestamp })
      const found = await until('it arrives', () => suite.there.useGet(key))
      expect(Buffer.compare(found.value, body)).toBe(0)
      const { value, ...rest } = found
      expect({ ...rest, timestamp: 0 }).toEqual({ ...terms, timestamp: 0 })
      // Each process has a clock of its own, and says in its terms when that was.
      expect(Math.abs(rest.timestamp - timestamp)).toBeLessThan(100)
    }
  })

  test('tiercel/memory stays in its process, and its tags are those of all', async () => {
    const [key, tag] = [newName(), newName()]
    const local = (body) => suite.here.run(body, { memory, key, tag })
    await local(({ require, memory, key, tag }) => {
      const Memory = require(memory)
      const value = { kind: 'FETCH', data: { headers: {}, body: 'x', status: 200, url: '' } }
      return new Memory().set(key, { ...value, revalidate: 60 }, { fetchCache: true, tags: [tag] })
    })
    const isThere = () =>
      local(async ({ require, memory, key }) => {
        const Memory = require(memory)
        return (await new Memory().get(key, { kind: 'FETCH', tags: [], softTags: [] })) !== null
      })
    await kinds.fetch.set(suite.here, `${key}-after`, 'x')
    await arrives(kinds.fetch, suite.there, `${key}-after`)
    expect(await isThere()).toBe(true)
    if (suite.server) expect(await kinds.fetch.read(suite.there, key)).toBe(undefined)
    await suite.there.invalidate([tag])
    expect(await isThere()).toBe(false)
  })
}

function invalidates(suite) {
  for (const [what, kind] of Object.entries(kinds)) {
    test(`an invalidation counts everywhere when it resolves: ${what}`, async () => {
      const [key, tag, soft] = [newName(), newName(), newName()]
      for (const [by, other] of [
        [suite.here, suite.there],
        [suite.there, suite.here],
      ]) {
        for (const dead of [tag, soft]) {
          await kind.set(by, key, 'x', ['other', tag])
          await arrives(kind, other, key, [soft])
          await other.invalidate([dead])
          expect(await kind.read(by, key, [soft])).toBe(undefined)
          expect(await kind.read(other, key, [soft])).toBe(undefined)
        }
      }
    })

    test(`a soft invalidation is stale everywhere, then dead: ${what}`, async () => {
      const { here, there } = suite
      const [key, tag, last] = [newName(), newName(), newName()]
      await kind.set(here, key, 'x', [tag, last])
      await arrives(kind, there, key)
      await there.invalidate([tag], { expire: 60 })
      // One is told so and generates; to the others it looks fresh meanwhile.
      expect(isStale(await kind.terms(here, key), await here.now())).toBe(true)
      expect(isStale(await kind.terms(there, key), await there.now())).toBe(false)
      expect(await kind.read(there, key)).toBe('x')
      await here.invalidate([last], { expire: 0.5 })
      for (const by of [there, here]) {
        await until('the deadline', async () => ((await kind.read(by, key)) ? undefined : true))
      }
    })
  }
}

function datesGenerations(suite) {
  test.each(['page', 'route', 'fetch'])(
    'a render that overlaps an invalidation elsewhere brings nothing back: %s',
    async (what) => {
      const { here, there } = suite
      const kind = kinds[what]
      const [key, tag] = [newName(), newName()]
      const request = await there.request()
      expect(await kind.read(request, key)).toBe(undefined)
      await here.invalidate([tag])
      await kind.set(request, key, 'old', [tag])
      await settled(suite)
      expect(await kind.read(there, key)).toBe(undefined)
      expect(await kind.read(here, key)).toBe(undefined)
      await kind.set(there, key, 'new', [tag])
      expect(await arrives(kind, here, key)).toBe('new')
    },
  )

  test("a render that overlaps an invalidation elsewhere brings nothing back: 'use cache'", async () => {
    const { here, there } = suite
    const [key, tag] = [newName(), newName()]
    const timestamp = await there.now()
    await pause(2)
    await here.invalidate([tag])
    await there.useSet(key, 'old', { tags: [tag], timestamp })
    await settled(suite)
    expect(await there.useGet(key)).toBe(undefined)
    expect(await here.useGet(key)).toBe(undefined)
    await there.useSet(key, 'new', { tags: [tag] })
    expect(await arrives(kinds['use cache'], here, key)).toBe('new')
  })
}

/** Waits until what `there` has set before has come as far as it ever will. */
async function settled({ here, there }) {
  const key = newName('last')
  await kinds['use cache'].set(there, key, 'x')
  await arrives(kinds['use cache'], here, key)
  await pause(20)
}

function generatesOnce(suite) {
  test.each(Object.entries(kinds))('what nobody has is generated once: %s', async (_, kind) => {
    const { leading, following } = suite.fleet
    const [key, soft] = [newName(), newName()]
    const { followed } = (await following.stats()).leases
    expect(await kind.read(leading, key, [soft])).toBe(undefined)
    const waiting = kind.read(following, key, [soft])
    await pause(100)
    await kind.set(leading, key, 'x', ['t'])
    expect(await waiting).toBe('x')
    expect((await following.stats()).leases.followed).toBe(followed + 1)
  })
}

function keepsApart(suite) {
  test('pages belong to a build, data to all builds, unless it is isolated', async () => {
    const { here, there, nextBuild, isolated } = suite.fleet
    const keys = {}
    for (const [what, kind] of Object.entries(kinds)) {
      keys[what] = newName(what)
      await kind.set(here, keys[what], 'x', ['t'])
      await arrives(kind, there, keys[what])
    }
    const seenBy = async (instance) => {
      const seen = []
      for (const [what, kind] of Object.entries(kinds)) {
        if ((await kind.read(instance, keys[what])) !== undefined) seen.push(what)
      }
      return seen
    }
    expect(await seenBy(nextBuild)).toEqual(['fetch', 'use cache'])
    expect(await seenBy(isolated)).toEqual(['use cache'])
    await kinds.page.set(nextBuild, keys.page, 'of the next build')
    await kinds.fetch.set(isolated, keys.fetch, 'of the next build')
    await settled({ here, there: nextBuild })
    await settled({ here, there: isolated })
    expect(await kinds.page.read(there, keys.page)).toBe('x')
    expect(await kinds.fetch.read(there, keys.fetch)).toBe('x')
  })

  test('two namespaces never meet: neither entries nor tags', async () => {
    const { here, foreign } = suite.fleet
    const [key, tag] = [newName(), newName()]
    await kinds.fetch.set(here, key, 'x', [tag])
    await arrives(kinds.fetch, suite.there, key)
    expect(await kinds.fetch.read(foreign, key)).toBe(undefined)
    await foreign.invalidate([tag])
    expect(await kinds.fetch.read(here, key)).toBe('x')
    expect(await kinds.fetch.read(suite.there, key)).toBe('x')
  })

  test('with a secret, what others signed or nobody did is a miss', async () => {
    const { here, there, signing, reading, forging } = suite.fleet
    const forged = { 'signed by another': forging, 'not signed': here }
    for (const [how, by] of Object.entries(forged)) {
      const key = newName('forged')
      await kinds.fetch.set(by, key, 'x')
      await settled({ here: there, there: by === here ? here : reading })
      expect(await kinds.fetch.read(signing, key), how).toBe(undefined)
    }
    const key = newName('signed')
    await kinds.fetch.set(signing, key, 'x')
    expect(await arrives(kinds.fetch, reading, key)).toBe('x')
    expect(await kinds.fetch.read(forging, key)).toBe(undefined)
    expect((await forging.stats()).shared.brokenEntries).toBeGreaterThan(0)
  })

  test('every key but the table of tags and its history ends by itself', async () => {
    const { here, there } = suite
    await kinds.page.set(here, newName(), 'x', ['t'])
    await settled({ here: there, there: here })
    await here.invalidate(['ended'], { expire: 60 })
    const lasting = []
    for (const { key, holder } of await keysOf(suite.server, suite.namespace)) {
      if ((await holder.command('PTTL', key)) === -1) lasting.push(key)
    }
    const { namespace } = suite
    expect(lasting.sort()).toEqual([`{${namespace}}:h`, `{${namespace}}:t`])
  })
}
