import { describe, expect, it } from 'vitest'
import { until } from '../../../tools/next/support.mjs'
import { settled, valuesUntilNew, waitFor } from './watch.mjs'

/**
 * What holds for 'use cache' on every minor of Next.
 *
 * @param {() => { server: object }} of
 */
export function useCachePromises(of) {
  const reader = (kind, name) => async () =>
    (await of().server.json(`/api/cache?of=${kind}&name=${name}`)).value

  describe.each(['plain', 'remote'])("'use cache' (%s)", (kind) => {
    it('is generated once', async () => {
      const read = reader(kind, 'once')
      expect(await read()).toBe(await read())
    })

    it.each(['max', '0', 'bare', '5'])('revalidateTag with %s brings a new entry', async (how) => {
      const read = reader(kind, how)
      const old = await read()
      await of().server.invalidate({ tag: `${kind}-${how}`, how })
      const fresh = (await valuesUntilNew(read, old)).at(-1)
      await waitFor(50)
      expect(await read()).toBe(fresh)
    })

    it('revalidateTag(tag, { expire: 1 }): never the old entry after a second', async () => {
      const read = reader(kind, 'second')
      const old = await read()
      await of().server.invalidate({ tag: `${kind}-second`, how: 1 })
      await waitFor(1200)
      expect(await read()).not.toBe(old)
    })
  })

  it.each(['späti', encodeURIComponent('späti')])(
    'what an app invalidates by itself is gone, in whatever spelling: %s',
    async (spelled) => {
      const read = reader('plain', encodeURIComponent('späti'))
      const old = await read()
      expect(await read()).toBe(old)
      const tag = encodeURIComponent(`plain-${spelled}`)
      expect((await of().server.post(`/api/directly?tag=${tag}`)).status).toBe(200)
      expect(await read()).not.toBe(old)
    },
  )

  it('bytes that one reader writes into are those of that reader', async () => {
    const read = reader('written', 'x')
    await read()
    // Who generated them may have written into them before they were stored.
    const stored = await read()
    for (let n = 0; n < 3; n++) expect(await read()).toEqual(stored)
  })

  it("a large 'use cache' entry comes back whole", async () => {
    const read = reader('large', 'once')
    const first = await read()
    expect(first.text === 'ü你👍'.repeat(200_000)).toBe(true)
    const second = await read()
    expect([second.generation, second.text === first.text]).toEqual([first.generation, true])
  })

  it('an argument with half a character is not taken for another', async () => {
    const read = (half) => of().server.json(`/api/cache?of=halves&name=${half}`)
    const high = (await read('d83d')).value
    const low = (await read('de00')).value
    expect(high).not.toBe(low)
    expect((await read('d83d')).value).toBe(high)
  })

  nesting(reader, of)
  lifetimes(reader)
  actions(reader, of)

  it("draft mode leaves 'use cache' entries alone", async () => {
    const { server } = of()
    const read = reader('plain', 'action')
    const before = await read()
    const [cookie] = (await server.get('/api/draft')).headers.get('set-cookie').split(';')
    const first = await server.get('/cached-action', { cookie })
    const second = await server.get('/cached-action', { cookie })
    expect(new Set([before, first.generation, second.generation]).size).toBe(3)
    expect(await read()).toBe(before)
  })
}

function nesting(reader, of) {
  describe('nested entries', () => {
    it('an outer entry is generated once with its inner', async () => {
      const read = reader('outer', 'once')
      expect(await read()).toEqual(await read())
    })

    it.each(['0', 'max'])('invalidating the inner tag (%s) renews both', async (how) => {
      const read = reader('outer', how)
      const old = await read()
      await of().server.invalidate({ tag: `inner-${how}`, how })
      const fresh = await until('both are new', async () => {
        const value = await read()
        return value.outer !== old.outer && value.inner !== old.inner ? value : undefined
      })
      expect(await reader('inner', how)()).toBe(fresh.inner)
    })

    it('an outer entry that is generated after its inner was read as stale keeps nothing old', async () => {
      const old = await reader('inner', 'late')()
      await of().server.invalidate({ tag: 'inner-late', how: 'max' })
      expect((await reader('twice', 'late')()).outer).toBeDefined()
      const read = reader('outer', 'late')
      const fresh = await until('the inner one is new', async () => {
        const value = await read()
        return value.inner === old ? undefined : value
      })
      expect(await reader('inner', 'late')()).toBe(fresh.inner)
    })

    it('an outer entry generated anew may keep its inner', async () => {
      const read = reader('outer', 'kept')
      const old = await read()
      await of().server.invalidate({ tag: 'outer-kept', how: 0 })
      const fresh = await until('a new outer', async () => {
        const value = await read()
        return value.outer === old.outer ? undefined : value
      })
      expect(fresh.inner).toBe(old.inner)
    })
  })
}

function lifetimes(reader) {
  it("past its revalidate a 'use cache' entry is served once more, then renewed", async () => {
    const read = reader('short', 'stale')
    const old = await read()
    await waitFor(1200)
    expect(await read()).toBe(old)
    await valuesUntilNew(read, old)
  })

  it("past its expire a 'use cache' entry is never served", async () => {
    const read = reader('short', 'expired')
    const old = await read()
    await waitFor(3200)
    expect(await read()).not.toBe(old)
  })
}

function actions(reader, of) {
  const read = reader('plain', 'action')
  const press = (how) => of().server.submit('/cached-action', { how })

  describe('server actions', () => {
    it.each(['update', 'zero'])('%s shows a new entry, which stays', async (how) => {
      const old = await read()
      const shown = await press(how)
      expect(shown.status).toBe(200)
      expect(shown.generation).not.toBe(old)
      expect(await read()).toBe(shown.generation)
      expect(await read()).toBe(shown.generation)
    })

    it('revalidateTag(tag, "max") brings a new entry', async () => {
      const old = await read()
      expect((await press('max')).status).toBe(200)
      await valuesUntilNew(read, old)
    })

    it('revalidatePath shows a new entry', async () => {
      const { server } = of()
      const old = (await settled(server, '/cached-action')).generation
      const shown = await press('path')
      expect(shown.status).toBe(200)
      expect(shown.generation).not.toBe(old)
      expect((await server.get('/cached-action')).generation).not.toBe(old)
    })

    it('what the app invalidates by itself after an update counts, too', async () => {
      await read()
      const shown = await press('directly')
      expect(shown.status).toBe(200)
      const [first, second] = [await until('what was shown is gone', gone), await read()]
      expect(second).toBe(first)

      async function gone() {
        const value = await read()
        return value === shown.generation ? undefined : value
      }
    })

    it('refresh() invalidates nothing', async () => {
      const shown = await settled(of().server, '/cached-action')
      expect((await press('refresh')).status).toBe(200)
      expect(await of().server.get('/cached-action')).toMatchObject({
        cache: 'HIT',
        generation: shown.generation,
      })
    })
  })
}
