import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ASKED_BY_BUILDS,
  asked,
  field,
  nested,
  openBuilt,
  page,
  REPEATS,
  startFleet,
} from '../../tools/next/fleet.mjs'
import { environment, until } from '../../tools/next/support.mjs'
import { settled, waitFor } from './promises/watch.mjs'

/** Pages and data of the layer `isr`, by what invalidates them at once. */
const isr = [
  ['revalidateTag(tag, { expire: 0 }), an ISR page', page('/blog/zero', 'blog-zero'), { how: 0 }],
  ['revalidateTag(tag), an ISR page', page('/blog/bare', 'blog-bare'), { how: 'bare' }],
  [
    'revalidatePath(path), an ISR page',
    page('/blog/path', '_N_T_/blog/path'),
    { path: '/blog/path' },
  ],
  ['revalidateTag, a route handler', page('/api/static', 'static'), { how: 0 }],
  ['revalidateTag, a fetch', field('/api/data?name=f', 'fetch-f', 'fetched'), { how: 0 }],
  [
    'revalidateTag, unstable_cache',
    field('/api/data?name=u', 'unstable-u', 'unstable'),
    { how: 0 },
  ],
]

/** Cached functions of the layer `use-cache`. */
const useCache = ['plain', 'remote'].map((kind) => [
  `revalidateTag, 'use cache' (${kind})`,
  field(`/api/cache?of=${kind}&name=fleet`, `${kind}-fleet`, 'value'),
  { how: 0 },
])

/** Pages of one cached function. */
const components = [
  ...useCache,
  ['revalidateTag(tag, { expire: 0 }), a page', page('/full/zero', 'full-zero'), { how: 0 }],
  ['revalidateTag(tag), a page', page('/full/bare', 'full-bare'), { how: 'bare' }],
  ['revalidatePath(path), a page', page('/full/path', '_N_T_/full/path'), { path: '/full/path' }],
]

/** What the command line purges, and how. */
const purged = [
  [['--tag', 'blog-zero'], page('/blog/zero', 'blog-zero')],
  [['--path', '/blog/path'], page('/blog/path')],
  [['--path', '/ssg'], page('/ssg')],
  [['--kind', 'fetch'], field('/api/data?name=f', 'fetch-f', 'fetched')],
]

/** The answer of the command as it is installed in an app, where its servers have this Redis. */
async function command({ app, origin, redis }, ...args) {
  const program = join(app.folder, 'node_modules/.bin/tiercel')
  const env = environment({}, origin, { TIERCEL_REDIS_URL: redis.url })
  const run = promisify(execFile)(program, [...args, '--json'], { cwd: app.folder, env })
  const { stdout, stderr } = await run.catch((error) => error)
  if (!stdout) throw new Error(stderr)
  return JSON.parse(stdout)
}

/** What is invalidated otherwise: each is asked for `name`. */
const kinds = {
  page: (name) => page(`/blog/${name}`, `blog-${name}`),
  fetch: (name) => field(`/api/data?name=${name}`, `fetch-${name}`, 'fetched'),
  unstable_cache: (name) => field(`/api/data?name=${name}`, `unstable-${name}`, 'unstable'),
  "'use cache'": (name) => field(`/api/cache?of=plain&name=${name}`, `plain-${name}`, 'value'),
  "'use cache: remote'": (name) =>
    field(`/api/cache?of=remote&name=${name}`, `remote-${name}`, 'value'),
  "'use cache' within another": (name) => nested(name),
  'a page of one cached function': (name) => page(`/full/${name}`, `full-${name}`),
}
const [ofIsr, ofUseCache, ofComponents] = [
  ['page', 'fetch', 'unstable_cache'],
  ["'use cache'", "'use cache: remote'", "'use cache' within another"],
  ['a page of one cached function'],
]

/** What the origin counts, for tests under load: its key, and the place. */
const counted = {
  page: ['blog-two', page('/blog/two', 'blog-two')],
  "'use cache'": ['slow-load', asked('/api/cache?of=slow&name=load', 'slow-load')],
  'a page of one cached function': ['full-load', page('/full/load', 'full-load')],
}

const queryOf = (place, { path, how }) => (path ? { path } : { tag: place.tag, how })
const isOld = ({ values }, before) => values.some((value) => before.has(value))

describe.each([
  ['full-16.4', 4, isr, ofIsr],
  ['components-16.4', 2, components, [...ofUseCache, ...ofComponents]],
  ['minor-16.3', 2, [isr[2], isr[3], useCache[0]], [...ofIsr, ...ofUseCache]],
  ['minor-16.2', 2, [isr[0], isr[4], useCache[0]], [...ofIsr, ...ofUseCache]],
  ['minor-16.0', 2, [isr[1], isr[5], useCache[1]], [...ofIsr, ...ofUseCache]],
])('%s, %i processes on one server', (name, count, places, softly) => {
  let on
  let fleet

  beforeAll(async () => {
    on = await openBuilt(name)
    fleet = await startFleet(on.app, count, on.redis)
  })
  afterAll(async () => {
    await fleet?.stop()
    await on?.stop()
  })

  it.each(places)('%s: no process shows what was before', async (_call, place, query) => {
    const invalidate = (server) => fleet.invalidate(server, queryOf(place, query), place.tag)
    const { answers, old } = await fleet.repeat(place, invalidate)
    expect(answers).toBe(REPEATS * count)
    expect(old).toEqual([])
  })

  const isFull = name === 'full-16.4'
  const isComponents = name === 'components-16.4'
  const tellsCdns = name.endsWith('16.4')

  it.runIf(isFull || isComponents)(
    'updateTag in a server action: no process shows what was before',
    async () => {
      const [path, fields] = isFull ? ['/action', {}] : ['/cached-action', { how: 'update' }]
      const act = async (server) => {
        expect((await server.submit(path, fields)).status).toBe(200)
      }
      const { answers, old } = await fleet.repeat(page(path), act)
      expect(answers).toBe(REPEATS * count)
      expect(old).toEqual([])
    },
  )

  it.runIf(isFull).each(purged)(
    'tiercel purge %j: no process shows what was before',
    async (what, place) => {
      const purge = async () => {
        const told = await command(on, 'purge', ...what)
        expect(told).toMatchObject({ isEverywhere: true, instances: count, acknowledged: count })
      }
      const { answers, old } = await fleet.repeat(place, purge, 2)
      expect(answers).toBe(2 * count)
      expect(old).toEqual([])
    },
  )

  it.runIf(isFull)('tiercel doctor, why and inspect see what the processes see', async () => {
    const { findings } = await command(on, 'doctor')
    expect(findings.filter(({ level }) => level === 'problem')).toEqual([])
    expect(findings).toContainEqual(
      expect.objectContaining({ level: 'fine', text: expect.stringContaining('which is Tiercel') }),
    )
    const place = page('/blog/zero', 'blog-zero')
    await fleet.primed(place)
    await fleet.invalidate(fleet.servers[0], { tag: place.tag, how: 0 }, place.tag)
    expect((await command(on, 'why', place.path)).said).toMatch(/^miss: /)
    await fleet.primed(place)
    const fresh = await until('it is shared', async () => {
      const told = await command(on, 'why', place.path)
      return told.isAnswered ? told : undefined
    })
    expect(fresh.said).toMatch(/^fresh: the page was generated at/)
    expect(fresh.entry.tags).toContain(place.tag)
    const { parts } = await command(on, 'inspect', place.path)
    expect(Object.keys(parts)).toEqual(expect.arrayContaining(['headers', 'html', 'rsc']))
  })

  const remembered = [
    ['a page', page('/blog/zero', 'blog-zero'), '/blog/zero', 'APP_PAGE', isFull],
    [
      'a fetch, by its URL',
      field('/api/data?name=why', 'fetch-why', 'fetched'),
      'value/fetch-why',
      'FETCH',
      isFull,
    ],
    [
      "a 'use cache' function, by its name",
      field('/api/cache?of=plain&name=why', 'plain-why', 'value'),
      'lib/cached.js plain',
      'USE_CACHE',
      isComponents,
    ],
  ].filter((row) => row.at(-1))

  it.each(remembered)(
    'tiercel why: every process tells what it remembers of %s',
    async (_what, place, text, kind) => {
      await fleet.primed(place)
      const { decisions, instances, silent } = (await command(on, 'why', text)).remembered
      expect({ silent, answers: instances.length }).toEqual({ silent: [], answers: count })
      const by = (outcome) => decisions.filter((one) => one.outcome === outcome)
      expect(new Set(by('fresh').map(({ instance }) => instance)).size).toBe(count)
      expect(new Set(by('fresh').map((one) => one.kind))).toEqual(new Set([kind]))
    },
  )

  it.runIf(isFull).each(['/ssg', '/guides/first', '/blog/first'])(
    'res.revalidate(%s): no process shows what was before',
    async (path) => {
      const renew = async (server) => {
        expect((await server.get(`/api/revalidate?path=${path}`)).status).toBe(200)
      }
      const { answers, old } = await fleet.repeat(page(path), renew)
      expect(answers).toBe(REPEATS * count)
      expect(old).toEqual([])
    },
  )

  it.each(softly)(
    'revalidateTag(tag, "max"), %s: old only for a moment, then new everywhere',
    async (what) => {
      const place = kinds[what]('max')
      for (const server of fleet.servers) {
        const before = await fleet.primed(place)
        await fleet.invalidate(server, { tag: place.tag, how: 'max' }, place.tag)
        const leaders = new Set()
        const shown = await until('every process shows the new one', async () => {
          const shown = await fleet.all(place)
          for (const [n, one] of shown.entries()) {
            if (one.cache === 'STALE') leaders.add(n)
            // No CDN keeps what is old, whatever it looks like.
            if (tellsCdns && one.cache && isOld(one, before)) {
              expect(one.control).toMatch(/^s-maxage=[12](,|$)/)
            }
          }
          return shown.some((one) => isOld(one, before)) ? undefined : shown
        })
        // One is told that it is stale, and all show what that one generated.
        if (shown[0].cache) expect(leaders.size).toBe(1)
        expect(new Set(shown.map(({ values }) => values.join())).size).toBe(1)
      }
    },
  )

  it.each(softly)(
    'revalidateTag(tag, { expire: 1 }), %s: never the old one after a second',
    async (what) => {
      const place = kinds[what]('seconds')
      const before = await fleet.primed(place)
      await fleet.invalidate(fleet.servers[0], { tag: place.tag, how: 1 }, place.tag)
      await waitFor(1_100)
      const shown = await fleet.all(place)
      expect(shown.flatMap(({ values }) => values).filter((value) => before.has(value))).toEqual([])
    },
  )

  const loaded = Object.keys(counted).filter((what) => softly.includes(what))

  it.each(loaded)('under load, what is old is never answered by the cache: %s', async (what) => {
    const [key, place] = counted[what]
    const query = { tag: place.tag, how: 0 }
    const read = () => on.origin.count(key)
    const { answers, old, joined } = await fleet.repeatUnderLoad(place, query, read, REPEATS)
    console.log(`${answers} answers under load, ${joined} of them of renders that Next joined`)
    expect(answers).toBeGreaterThan(REPEATS)
    expect(old).toEqual([])
  })

  it.each(loaded)(
    'under load, "max" brings what is new to every process, and nobody an error: %s',
    async (what) => {
      const [key, place] = counted[what]
      const read = () => on.origin.count(key)
      const turns = Math.ceil(REPEATS / 5)
      const answers = await fleet.renewUnderLoad(place, read, turns)
      expect(answers).toBeGreaterThan(turns)
    },
  )

  it.runIf(isComponents)(
    'a navigation and a page that are asked for at the same moment renew the page, however they meet',
    async () => {
      const [server] = fleet.servers
      for (let turn = 0; turn < 8; turn++) {
        const place = page(`/full/met${turn}`, `full-met${turn}`)
        const before = await fleet.primed(place)
        await fleet.invalidate(server, { tag: place.tag, how: 'max' }, place.tag)
        const met = await Promise.all([server.navigate(place.path), server.get(place.path)])
        expect(met.map(({ status }) => status)).toEqual([200, 200])
        const shown = await until('the page is new', async () => {
          const [shown] = await fleet.all(place)
          return isOld(shown, before) ? undefined : shown
        })
        // For as long as what it is made of.
        const reply = await settled(server, place.path)
        expect(reply.control).toMatch(/^s-maxage=3600,/)
        expect(shown.values).toContain(reply.generation)
      }
    },
  )

  it.skipIf(isComponents)('a page rendered by one process is a hit at the others', async () => {
    const [one, ...others] = fleet.servers
    const first = await one.get('/blog/shared')
    expect(first).toMatchObject({ status: 200, cache: 'MISS' })
    const asHit = await settled(one, '/blog/shared')
    for (const other of others) {
      const reply = await other.get('/blog/shared')
      expect(reply).toMatchObject({ status: 200, cache: 'HIT', generation: first.generation })
      expect(reply.control).toBe(asHit.control)
      expect(reply.bytes.equals(asHit.bytes)).toBe(true)
    }
    expect(on.origin.count('blog-shared')).toBe(ASKED_BY_BUILDS + 1)
  })

  it.skipIf(isComponents)('a fetch made by one process is made by no other', async () => {
    const read = (server) => server.json('/api/data?name=once')
    const first = await read(fleet.servers[0])
    for (const server of fleet.servers) expect(await read(server)).toEqual(first)
    expect(on.origin.count('fetch-once')).toBe(ASKED_BY_BUILDS + 1)
  })

  it.skipIf(isFull)(
    "a 'use cache' entry generated by one process is read by the others",
    async () => {
      for (const kind of ['plain', 'remote', 'outer', 'large']) {
        const read = (server) => server.json(`/api/cache?of=${kind}&name=everywhere`)
        const first = await read(fleet.servers[0])
        for (const server of fleet.servers) expect(await read(server)).toEqual(first)
      }
    },
  )

  it.runIf(isFull)('an image optimized by one process is a hit at the others', async () => {
    const path = '/_next/image?url=/picture.png&w=64&q=75'
    const [one, ...others] = fleet.servers
    const first = await one.get(path, { accept: 'image/webp' })
    expect(first).toMatchObject({ status: 200, cache: 'MISS' })
    for (const other of others) {
      const reply = await other.get(path, { accept: 'image/webp' })
      expect(reply).toMatchObject({ status: 200, cache: 'HIT', text: first.text })
    }
  })

  it('nothing was logged but what Next says itself, and the line that names the server', () => {
    const told = fleet.log.split('\n').filter((line) => /tiercel/i.test(line))
    expect(told).toHaveLength(count)
    for (const line of told)
      expect(line).toMatch(
        /^tiercel \d\S*: memory \d+ MiB \+ redis 127\.0\.0\.1:\d+\/0, namespace \S+ \(.*\), build \S+, next 16\.\S+$/,
      )
    expect(fleet.log).not.toMatch(/unhandled|TypeError|panicked/i)
  })
})
