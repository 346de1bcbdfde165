import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporary } from '../../../tools/redis/server.mjs'
import { run } from '../../../tools/run.mjs'
import { REPEATS } from '../instances.mjs'
import { kinds } from '../kinds.mjs'
import { lanes, proxied, rounds, STRICT } from './support.mjs'

// Clocks do not matter: instances whose clocks are hours apart, run at another speed, or are set
// while they run, serve nothing stale and generate nothing twice.

const LIBRARIES = ['x86_64', 'aarch64'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`,
)
const PATIENCE_MS = 60_000 * Math.max(1, REPEATS)

/** The library that lies about the time. Root gets it from Debian's packages; CI skips nothing. */
async function findLiar() {
  const found = () => LIBRARIES.find((path) => existsSync(path))
  if (found()) return found()
  try {
    await run('apt-get', ['update', '-qq'], { quiet: true })
    await run('apt-get', ['install', '-y', '-qq', 'faketime'], { quiet: true })
  } catch (error) {
    if (process.env.CI) throw error
  }
  return found()
}

const liar = await findLiar()

const LIE = { LD_PRELOAD: liar, FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_NO_CACHE: '1' }

/** What makes a process believe that it is `offset` later. Clocks that count from boot stay true. */
const believing = (offset) => ({ ...LIE, FAKETIME: offset })

test.skipIf(!liar)(
  `clocks that are apart and run at other speeds${liar ? '' : ' (apt-get install faketime)'}`,
  async (test) => {
    const offsets = ['+3h', '-2d', '+0 x1.5']
    const { fleet } = await proxied(test, 3, {
      env: STRICT,
      envOf: (n) => believing(offsets[n]),
    })
    const clocks = await Promise.all([...fleet].map((one) => one.run(() => Date.now())))
    expect(Math.max(...clocks) - Math.min(...clocks)).toBeGreaterThan(24 * 3_600_000)
    const told = await rounds(fleet, { count: 10, rounds: 10 })
    expect(told.old).toBe(0)
    await servesTillItsTime(fleet)
  },
  PATIENCE_MS,
)

test.skipIf(!liar)(
  'clocks that are set while they run',
  async (test) => {
    const dir = temporary()
    const files = [0, 1].map((n) => join(dir, `clock-${n}`))
    const set = (offset) => {
      for (const [n, file] of files.entries()) writeFileSync(file, `${offset(n)}\n`)
    }
    set(() => '+0')
    const envOf = (n) => (files[n] ? { ...LIE, FAKETIME_TIMESTAMP_FILE: files[n] } : {})
    const { fleet } = await proxied(test, 3, { env: STRICT, envOf })
    // A value that nobody needs to generate again, however the clocks jump.
    await servesTillItsTime(fleet)
    const all = lanes(5)
    await Promise.all(all.map((lane) => lane.spread(fleet)))
    let step = 0
    const told = await rounds(fleet, {
      count: 10,
      rounds: 8,
      meanwhile: async () => set((n) => ['+1d', '-1d', '+30', '-30', '+0'][(step++ + n) % 5]),
    })
    expect(told.old).toBe(0)
    expect(step).toBeGreaterThan(20)
    set((n) => (n === 0 ? '+1d' : '-1d'))
    const clocks = await Promise.all([...fleet].map((one) => one.run(() => Date.now())))
    expect(clocks[0] - clocks[1]).toBeGreaterThan(40 * 3_600_000)
    for (const lane of all) expect(await lane.countOld(fleet)).toBe(3)
    await servesTillItsTime(fleet)
  },
  PATIENCE_MS,
)

/** What one stores is fresh for all, and found by all: no clock makes it older than it is. */
async function servesTillItsTime(fleet) {
  for (const by of fleet) {
    for (const [what, kind] of Object.entries(kinds)) {
      const key = `${what} of ${by.pid} ${performance.now()}`
      await kind.set(by, key, 'x')
      for (const one of fleet) {
        const begun = performance.now()
        let found
        while (!found && performance.now() - begun < 2_000) found = await kind.terms(one, key)
        expect(found, `${what} at ${one.pid}`).not.toBe(undefined)
        const told = found.lastModified ?? found.timestamp
        const age = (await one.now()) - told
        expect(Math.abs(age), `${what} at ${one.pid}`).toBeLessThan(5_000)
      }
    }
  }
}
