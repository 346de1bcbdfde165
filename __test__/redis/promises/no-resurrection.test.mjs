import { expect, test } from 'vitest'
import { fetched, hour, page, pause, setFetch, tagged } from '../../unit/support.mjs'
import { newName, REPEATS } from '../instances.mjs'
import { invalidated, proxied, STRICT } from './support.mjs'

// A set whose generation began before an invalidation never makes old data valid, nested caches
// included. Here many requests on all instances read, generate and invalidate at random; whatever
// a get returns must be at least as new as the last invalidation resolved before it began.

const STEPS = 250 * REPEATS
const AT_ONCE = 12

/** What the app caches: a page that is made of a fetch and a `'use cache'` entry. */
class Source {
  /** What a query of the database answers now. */
  version = 0
  /** What nobody may be older than: invalidations up to here have resolved. */
  settled = 0
  key = newName('source')
  old = 0
  hits = 0

  get tag() {
    return `tag of ${this.key}`
  }

  /** Notes what a get that began when `least` was settled has returned. */
  check(body, least) {
    this.hits++
    if (Number(body) < least) this.old++
    return body
  }

  async invalidate(by) {
    const version = ++this.version
    await invalidated(by, [this.tag])
    this.settled = Math.max(this.settled, version)
  }

  /** One query, which takes a while: it may answer from before or after what happens meanwhile. */
  async query() {
    const answer = this.version
    await pause(Math.random() * 4)
    return String(answer)
  }

  async renders(by) {
    const least = this.settled
    const request = await by.request()
    const context = { tags: [], softTags: [] }
    const found = await request.get('APP_PAGE', this.key, context)
    if (found) return this.check(found.value.html, least)
    const html = Math.random() < 0.5 ? await this.fetches(request) : await this.uses(by)
    await pause(Math.random() * 4)
    await request.set(this.key, page({ html, ...tagged(this.tag) }), hour)
    return html
  }

  async fetches(request) {
    const least = this.settled
    const found = await request.get('FETCH', this.key, { tags: [this.tag], softTags: [] })
    if (found) return this.check(found.value.data.body, least)
    const body = await this.query()
    await request.set(this.key, fetched(body), setFetch([this.tag]))
    return body
  }

  async uses(by) {
    const least = this.settled
    const timestamp = await by.now()
    const found = await by.useGet(this.key)
    if (found) return this.check(String(found.value), least)
    const body = await this.query()
    await by.useSet(this.key, body, { tags: [this.tag], timestamp })
    return body
  }
}

async function exercise(fleet) {
  const sources = Array.from({ length: 6 }, () => new Source())
  const pick = (list) => list[Math.floor(Math.random() * list.length)]
  const run = async () => {
    for (let step = 0; step < STEPS; step++) {
      const [source, by, dice] = [pick(sources), pick(fleet), Math.random()]
      if (dice < 0.15) await source.invalidate(by)
      else if (dice < 0.6) await source.renders(by)
      else if (dice < 0.8) await source.fetches(await by.request())
      else await source.uses(by)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, run))
  const sum = (name) => sources.reduce((total, source) => total + source[name], 0)
  return { old: sum('old'), hits: sum('hits'), invalidations: sum('version') }
}

const PATIENCE_MS = 60_000 * Math.max(1, REPEATS)

test(
  'on a sound network',
  async (test) => {
    const { fleet } = await proxied(test, 3, { env: STRICT })
    const told = await exercise(fleet)
    expect(told.old).toBe(0)
    expect(told.hits).toBeGreaterThan(STEPS)
    expect(told.invalidations).toBeGreaterThan(STEPS)
  },
  PATIENCE_MS,
)

test(
  'when messages are lost and everything is late',
  async (test) => {
    const { fleet, proxies } = await proxied(test, 3, { env: STRICT })
    proxies[0].dropMessages(0.3)
    proxies[1].delay(8, 'down')
    proxies[2].delay(8, 'up')
    const told = await exercise(fleet)
    expect(told.old).toBe(0)
    expect(told.hits).toBeGreaterThan(STEPS)
  },
  PATIENCE_MS,
)
