// @ts-check

/**
 * The cost of the hot path inside the addon, in instructions: a figure that holds on a busy
 * machine.
 *
 * Callgrind counts from entry to exit of the function that JavaScript calls, Node-API included.
 * Two runs of different length are subtracted, so that startup does not count. The addon has to
 * keep its symbols:
 *
 *     CARGO_PROFILE_RELEASE_STRIP=none npm run build && node benches/hot-path.callgrind.mjs
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SHORT = 256
const LONG = 1_280

const PAGE = '/blog/a-post-of-usual-length'
const USE = JSON.stringify(['build', '0123456789abcdef0123456789abcdef01234567', [{ id: 7 }]])
const TAGS = ['_N_T_/layout', '_N_T_/blog/layout', '_N_T_/blog/[slug]/page', `_N_T_${PAGE}`]

/** @type {Record<string, { inside: string, run: (world: any, times: number) => Promise<void> }>} */
const CASES = {
  "hot 'use cache' get": {
    inside: '*binding::check::check',
    run: ({ Handler }, times) => repeat(times, () => Handler.get(USE, [])),
  },
  "hot 'use cache' get, soft tags": {
    inside: '*binding::check::check',
    async run({ Handler }, times) {
      await Handler.updateTags(['unrelated'])
      await repeat(times, () => Handler.get(USE, TAGS))
    },
  },
  'hot page get': {
    inside: '*binding::check::check',
    run: ({ handler }, times) => repeat(times, () => handler.get(PAGE, { kind: 'APP_PAGE' })),
  },
  "'use cache' hit in memory": {
    inside: '*binding::*::find_use',
    run: ({ native }, times) => repeat(times, () => native.findUse(USE, [], 0)),
  },
  'page hit in memory': {
    inside: '*binding::*::find',
    run: ({ native }, times) => repeat(times, () => native.find(1, PAGE, undefined, undefined, 0)),
  },
}

/** @param {number} times @param {() => unknown} act */
async function repeat(times, act) {
  for (let time = 0; time < times; time++) await act()
}

/** @param {string} name @param {number} times */
async function child(name, times) {
  const require = createRequire(import.meta.url)
  const Handler = require('../index.js')
  const { native } = require('../js/native.js')
  const bytes = new Uint8Array(2_000)
  const value = new Blob([bytes]).stream()
  const timestamp = performance.timeOrigin + performance.now()
  const lives = { revalidate: 900, expire: 3_600 }
  const entry = { value, tags: ['post', 'author'], stale: 300, timestamp, ...lives }
  await Handler.set(USE, Promise.resolve(entry))
  const handler = new Handler({})
  const page = {
    kind: 'APP_PAGE',
    html: '<p>page</p>'.repeat(200),
    rscData: Buffer.alloc(2_000, 1),
    headers: { 'x-next-cache-tags': TAGS.join(',') },
    status: 200,
  }
  await handler.set(PAGE, page, { cacheControl: lives })
  // The first gets make the objects.
  for (let time = 0; time < 3; time++) {
    if (!(await Handler.get(USE, []))) throw new Error('the entry is missing')
    if (!(await handler.get(PAGE, { kind: 'APP_PAGE' }))) throw new Error('the page is missing')
  }
  await CASES[name].run({ Handler, handler, native }, times)
}

/**
 * Instructions inside, over a whole run.
 * @param {string} name
 * @param {number} times
 * @param {number} decisions that are remembered
 */
function instructions(name, times, decisions) {
  const dir = mkdtempSync(join(tmpdir(), 'callgrind-'))
  const out = join(dir, 'out')
  const valgrind = ['--tool=callgrind', `--callgrind-out-file=${out}`, '--collect-atstart=no']
  const node = ['--jitless', '--single-threaded', fileURLToPath(import.meta.url), name, `${times}`]
  const inside = `--toggle-collect=${CASES[name].inside}`
  const env = { ...process.env, TIERCEL_DECISIONS: `${decisions}` }
  const args = [...valgrind, inside, process.execPath, ...node]
  try {
    execFileSync('valgrind', args, { stdio: 'pipe', env })
    const total = /^(?:totals|summary): (\d+)/m.exec(readFileSync(out, 'utf8'))
    return Number(total?.[1] ?? Number.NaN)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

const [, , name, times] = process.argv
if (name) {
  await child(name, Number(times))
} else {
  for (const name of Object.keys(CASES)) {
    const of = (/** @type {number} */ decisions) =>
      (instructions(name, LONG, decisions) - instructions(name, SHORT, decisions)) / (LONG - SHORT)
    const [off, on] = [of(0), of(4_096)]
    const more = `${on.toFixed(1)} with decisions, ${((on / off - 1) * 100).toFixed(1)} % more`
    process.stdout.write(`${name.padEnd(32)} ${off.toFixed(1)} instructions, ${more}\n`)
  }
}
