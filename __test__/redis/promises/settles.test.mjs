import { expect, test } from 'vitest'
import { pause } from '../../../tools/time.mjs'
import { proxied, SETTLED_MS } from './support.mjs'

// Every promise given to Next.js settles within 2.5 s, whatever the server does, and none of a get,
// a set or the small ones rejects.

test('while the server comes and goes', async (test) => {
  const { fleet, proxies } = await proxied(test, 2)
  const working = Promise.all([...fleet].map((one) => one.run(works, { seconds: 8 })))
  const [proxy, other] = proxies
  const script = [
    () => proxy.blackHole(),
    () => proxy.reset(),
    () => proxy.delay(1_000),
    () => other.blackHole('up'),
    () => proxy.throttle(2_000),
    () => other.blackHole('down'),
    async () => {
      await proxy.refuse()
      proxy.reset()
    },
  ]
  for (const fault of script) {
    await fault()
    await pause(850)
    await Promise.all(proxies.map((one) => one.pass()))
    await pause(150)
  }
  for (const { calls, longest, rejected } of await working) {
    expect(rejected).toEqual([])
    expect(Object.values(longest).length).toBe(6)
    for (const [name, ms] of Object.entries(longest)) expect(ms, name).toBeLessThan(SETTLED_MS)
    expect(calls).toBeGreaterThan(60)
  }
})

/** Calls of every sort, many at a time, for so long. Runs in an instance. */
async function works({ Tiercel, seconds }) {
  const told = { calls: 0, longest: {}, rejected: [] }
  const end = performance.now() + seconds * 1_000
  const data = { headers: {}, body: 'x'.repeat(2_000), status: 200, url: '' }
  const entry = () => ({
    value: new Blob(['x'.repeat(2_000)]).stream(),
    tags: ['t'],
    stale: 30,
    timestamp: performance.timeOrigin + performance.now(),
    expire: 300,
    revalidate: 60,
  })
  const calls = {
    get: (n) => new Tiercel().get(`k${n}`, { kind: 'FETCH', tags: ['t'], softTags: [] }),
    set: (n) =>
      new Tiercel().set(
        `k${n}`,
        { kind: 'FETCH', data, revalidate: 60 },
        { fetchCache: true, tags: ['t'] },
      ),
    useGet: (n) => Tiercel.get(`k${n}`, ['t']),
    useSet: (n) => Tiercel.set(`k${n}`, Promise.resolve(entry())),
    invalidate: (n) => Tiercel.updateTags([`t${n % 3}`]),
    refresh: () => Promise.all([Tiercel.refreshTags(), Tiercel.getExpiration(['t'])]),
  }
  const run = async () => {
    while (performance.now() < end) {
      for (const [name, call] of Object.entries(calls)) {
        const begun = performance.now()
        await call(told.calls++ % 50).catch((error) =>
          told.rejected.push(`${name}: ${error.message}`),
        )
        told.longest[name] = Math.max(told.longest[name] ?? 0, performance.now() - begun)
      }
      await new Promise((wake) => setTimeout(wake, 5))
    }
  }
  await Promise.all(Array.from({ length: 8 }, run))
  return told
}
