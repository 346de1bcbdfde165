import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  entryOf,
  fetched,
  hour,
  load,
  looksPast,
  moment,
  now,
  ofFetch,
  ofPage,
  page,
  setFetch,
  tagged,
  textOf,
} from './support.mjs'

// Random interleavings of gets, generations and invalidations, over both interfaces, against a
// model that walks every invalidation ever made.
process.env.TIERCEL_FETCH_WAIT_MS = '0'
process.env.TIERCEL_WAIT_MS = '0'
const Tiercel = load()

const TAGS = ['a', 'b', 'c']
const looksOld = (found) => found.lastModified < now() - 1_900

/** The three places an entry may be in; `read` gives `[id, is stale]`. */
const stores = {
  page: {
    get: (handler, key, tags) => handler.get(key, { ...ofPage, softTags: tags }),
    set: (handler, key, { id, tags }) =>
      handler.set(key, page({ html: id, rscData: undefined, ...tagged(...tags) }), hour),
    read: (found) => [found.value.html, looksOld(found)],
  },
  fetch: {
    get: (handler, key, tags) => handler.get(key, ofFetch(tags.slice(1), tags.slice(0, 1))),
    set: (handler, key, { id, tags }) => handler.set(key, fetched(id), setFetch(tags)),
    read: (found) => [found.value.data.body, found.lastModified === -1],
  },
  use: {
    get: (_, key, tags) => Tiercel.get(key, tags),
    set: (_, key, { id, tags, timestamp }) =>
      Tiercel.set(key, Promise.resolve(entryOf(id, { tags, timestamp }))),
    read: async (found) => [await textOf(found), looksPast(found)],
  },
}

/** Lets Next's clock pass what it is rounded by, so that one moment is not two at once. */
function tick() {
  const begun = performance.now()
  while (performance.now() - begun < 0.1);
}

let worlds = 0

class World {
  name = `world${++worlds}`
  handlers = [new Tiercel(), new Tiercel()]
  /** Starts of generations that each handler noted, by key. */
  starts = this.handlers.map(() => new Map())
  /** Every invalidation: `[tag, is hard]`; the position is the index + 1. */
  said = []
  /** What is held, by key; and every value there ever was, by id. */
  held = new Map()
  /** Keys of which somebody was told that they are stale: until one is stored, others are not. */
  led = new Set()
  values = new Map()
  running = []

  tags = (list) => list.map((tag) => `${this.name}/${tag}`)
  key = (store, key) => `${this.name}/${store}/${key}`

  /** The naive judgement: 0 fresh, 1 stale, 2 dead. */
  judge(tags, since) {
    const later = this.said.slice(since).filter(([tag]) => tags.includes(tag))
    return Math.max(0, ...later.map(([, isHard]) => (isHard ? 2 : 1)))
  }

  async get(store, key, asked, h) {
    const handler = this.handlers[h]
    const found = await stores[store].get(handler, key, asked)
    const held = this.held.get(key)
    const verdict = held ? this.judge([...held.tags, ...asked], held.stamp) : 2
    const answer = found ? await stores[store].read(found) : undefined
    const isTold = verdict !== 1 || !this.led.has(key)
    if (answer) {
      // Above all: by when its generation truly began, nothing dead, nothing stale as fresh.
      const { tags, began } = this.values.get(answer[0])
      const truth = this.judge([...tags, ...asked], began)
      expect(truth).toBeLessThan(answer[1] || !isTold ? 2 : 1)
    }
    expect(answer).toEqual(verdict < 2 ? [held.id, verdict === 1 && isTold] : undefined)
    if (!isTold) return 0
    if (verdict === 1) this.led.add(key)
    if (store !== 'use' && verdict > 0) {
      const starts = this.starts[h].get(key) ?? []
      this.starts[h].set(key, [...starts, this.said.length])
    }
    return verdict
  }

  async begin({ store, key: name, tags: list, asked, h }) {
    const key = this.key(store, name)
    const verdict = await this.get(store, key, this.tags(asked), h)
    if (verdict === 0) return
    tick()
    const id = `${key}/${this.values.size}`
    const value = { id, tags: this.tags(list), began: this.said.length, timestamp: moment() }
    tick()
    this.values.set(id, value)
    this.running.push({ store, key, value, h })
  }

  async end({ which }) {
    if (this.running.length === 0) return
    const [{ store, key, value, h }] = this.running.splice(which % this.running.length, 1)
    const starts = this.starts[h].get(key) ?? []
    const stamp = store === 'use' ? value.began : (starts[0] ?? 0)
    starts.pop()
    await stores[store].set(this.handlers[h], key, value)
    this.led.delete(key)
    if (this.judge(value.tags, stamp) === 2) return
    const held = this.held.get(key)
    const isOlder = held && held.stamp > stamp && this.judge(held.tags, held.stamp) === 0
    if (!isOlder) this.held.set(key, { ...value, stamp })
  }

  async invalidate({ tags: list, isHard, isStatic }) {
    const tags = this.tags(list)
    const durations = isHard ? undefined : { expire: 3_600 }
    tick()
    if (isStatic) await Tiercel.updateTags(tags, durations)
    else await this.handlers[0].revalidateTag(tags, durations)
    // All tags of a call are one position; the model gives each its own.
    for (const tag of tags) this.said.push([tag, isHard])
    tick()
  }

  ask = ({ store, key, asked, h }) => this.get(store, this.key(store, key), this.tags(asked), h)
}

const some = (most) => fc.uniqueArray(fc.constantFrom(...TAGS), { maxLength: most })
const place = {
  store: fc.constantFrom(...Object.keys(stores)),
  key: fc.constantFrom('x', 'y'),
  asked: some(2),
  h: fc.nat({ max: 1 }),
}
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ call: fc.constant('begin'), tags: some(3), ...place }) },
  { weight: 4, arbitrary: fc.record({ call: fc.constant('end'), which: fc.nat({ max: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ call: fc.constant('ask'), ...place }) },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constant('invalidate'),
      tags: fc.uniqueArray(fc.constantFrom(...TAGS), { minLength: 1, maxLength: 2 }),
      isHard: fc.boolean(),
      isStatic: fc.boolean(),
    }),
  },
)

test('whatever the order, nothing dead is served, and everything fresh is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const world = new World()
      for (const step of steps) await world[step.call](step)
    }),
    { numRuns: 400 },
  )
}, 120_000)
