// @ts-check
/**
 * The shared tier next to two Redis clients, on a server of its own: `npm run bench:shared`.
 *
 * Ratios count, taken within one run; times are of this machine. Nothing is asserted.
 */
import { start } from '../tools/redis/servers.mjs'
import { options } from './options.mjs'
import { invalidations, trips } from './shared/invalidations.mjs'
import { reads } from './shared/reads.mjs'
import { invalidationsTable, readsTable, tripsTable } from './shared/report.mjs'

const USAGE = `Usage: npm run bench:shared -- [options]

  --json           print JSON
  --only <word>    only what has this word: get, set, a sort of value; invalidate; commands
  --quick          a short run: fewer rounds, fewer entries`

const say = (/** @type {string} */ text) => console.error(text)
const sizes = options.quick ? [1_000, 100_000] : [1_000, 10_000, 100_000, 1_000_000]
const rounds = options.quick ? 4 : 15

/** The measurements, by the words that choose them, and how they are printed. */
const sections = {
  reads: {
    measure: (/** @type {any} */ server) => reads(server.url, { rounds, only: options.only, say }),
    print: (/** @type {any} */ figures) => [
      'Without a memory tier. Main thread and all threads: CPU time of one call; ratio: Tiercel by',
      'the other.\n',
      readsTable(figures),
    ],
  },
  commands: {
    measure: trips,
    print: (/** @type {any} */ figures) => [tripsTable(figures)],
  },
  // Last, since it leaves many entries behind.
  invalidate: {
    measure: (/** @type {any} */ server) =>
      invalidations(server, { sizes, rounds: 3 * rounds, say }),
    print: (/** @type {any} */ figures) => ['Two processes.\n', invalidationsTable(figures)],
  },
}

async function main() {
  if (options.help) return console.log(USAGE)
  const server = await start('single')
  try {
    const { redis_version: redis } = await server.info('server')
    const about = { node: process.version, redis }
    /** @type {Record<string, any>} */
    const results = {}
    if (!options.json) console.log(`Node.js ${about.node}, Redis ${redis} on loopback.`)
    for (const [name, { measure, print }] of Object.entries(sections)) {
      // `only` selects gets and sets by their sort.
      if (name !== 'reads' && !name.includes(options.only)) continue
      const figures = await measure(server)
      results[name] = figures
      if (!options.json && figures.length > 0) console.log(`\n${print(figures).join('\n')}`)
    }
    if (options.json) console.log(JSON.stringify({ ...about, ...results }, null, 2))
  } finally {
    await server.stop()
  }
}

await main()
