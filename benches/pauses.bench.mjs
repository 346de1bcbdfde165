// @ts-check
/**
 * The cost of a fill for the garbage collector and the process: `npm run bench:pauses`.
 *
 * 200 000 entries of 2 KB are set, through a bound of 64 MiB. The longest pause stands next to that
 * of the same loop with a handler that reads its input and keeps nothing: no cache can be below it.
 * Each sample has a process of its own; handlers take turns; figures are medians of the samples.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { start } from '../tools/redis/servers.mjs'
import { options } from './options.mjs'

const USAGE = `Usage: npm run bench:pauses -- [options]

  --quick          20 000 entries, one sample each`

if (options.help) {
  console.log(USAGE)
  process.exit()
}

const worker = fileURLToPath(new URL('./pauses/process.mjs', import.meta.url))
const [samples, entries] = options.quick ? [1, 20_000] : [5, 200_000]
const redis = await start('single', {
  settings: { maxmemory: '256mb', 'maxmemory-policy': 'volatile-lru' },
})
const subjects = {
  'no cache': ['none', ''],
  'Tiercel in memory': ['tiercel', 'none'],
  'Tiercel with Redis': ['tiercel', redis.url],
}
try {
  for (const what of ['page', 'use']) {
    /** @type {Map<string, any[]>} */
    const found = new Map(Object.keys(subjects).map((name) => [name, []]))
    for (let turn = 0; turn < samples; turn++) {
      for (const [name, [subject, url]] of Object.entries(subjects)) {
        found.get(name)?.push(sample(subject, what, url))
      }
    }
    console.log(`\n${entries} x set of 2 KB, ${what === 'page' ? 'APP_ROUTE' : "'use cache'"}`)
    console.table(Object.fromEntries([...found].map(([name, all]) => [name, summary(all)])))
  }
} finally {
  await redis.stop()
}

/** @param {string} subject @param {string} what @param {string} url */
function sample(subject, what, url) {
  const env = { ...process.env, TIERCEL_REDIS_URL: url || 'none', TIERCEL_MEMORY_MB: '64' }
  const args = ['--expose-gc', worker, subject, what, String(entries)]
  return JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' }))
}

/** @param {any[]} all */
function summary(all) {
  /** @param {(one: any) => number} of */
  const median = (of) => all.map(of).sort((a, b) => a - b)[all.length >> 1]
  return {
    'longest pause, ms': median((one) => one.longestMs),
    least: Math.min(...all.map((one) => one.longestMs)),
    most: Math.max(...all.map((one) => one.longestMs)),
    'pauses in all, ms': Math.round(median((one) => one.totalMs)),
    'full collections': median((one) => one.full),
    'RSS grown by, MiB': Math.round(median((one) => one.grownMiB)),
  }
}
