// @ts-check
/**
 * The shared tier beside two Redis clients, on a server of its own: `npm run bench:shared`.
 *
 * Ratios count, taken within one run; times are of this machine. Nothing is asserted.
 */
import { parseArgs } from 'node:util'
import { start } from '../__test__/redis/servers.mjs'
import { invalidations, trips } from './shared/invalidations.mjs'
import { reads } from './shared/reads.mjs'
import { invalidationsTable, readsTable, tripsTable } from './shared/report.mjs'

const USAGE = `Usage: npm run bench:shared -- [options]

  --json           print JSON
  --only <word>    only what has this word: get, set, a sort of value; invalidate; commands
  --quick          a short run: fewer rounds, fewer entries`

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h' },
    json: { type: 'boolean' },
    only: { type: 'string', default: '' },
    quick: { type: 'boolean' },
  },
})

const say = (/** @type {string} */ text) => console.error(text)
const sizes = options.quick ? [1_000, 100_000] : [1_000, 10_000, 100_000, 1_000_000]
const rounds = options.quick ? 4 : 15

async function main() {
  if (options.help) return console.log(USAGE)
  const { only } = options
  const server = await start('single')
  try {
    const info = await server.info('server')
    const results = {
      reads: await reads(server.url, { rounds, only, say }),
      invalidations: 'invalidate'.includes(only)
        ? await invalidations(server, { sizes, rounds: 3 * rounds, say })
        : [],
      trips: 'commands'.includes(only) ? await trips(server) : [],
    }
    const about = { node: process.version, redis: info.redis_version }
    if (options.json) return console.log(JSON.stringify({ ...about, ...results }, null, 2))
    print(about, results)
  } finally {
    await server.stop()
  }
}

/** @param {{ node: string, redis: string }} about @param {any} results */
function print({ node, redis }, results) {
  console.log(`\nNode.js ${node}, Redis ${redis} on loopback.`)
  if (results.reads.length > 0) {
    console.log('Without a memory tier. Main thread and all threads: CPU time of one call; ratio:')
    console.log(`Tiercel by the other.\n\n${readsTable(results.reads)}`)
  }
  if (results.invalidations.length > 0) {
    console.log(`\nAn invalidation, two processes:\n\n${invalidationsTable(results.invalidations)}`)
  }
  if (results.trips.length > 0) console.log(`\n${tripsTable(results.trips)}`)
}

await main()
