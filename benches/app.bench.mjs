// @ts-check
/**
 * `tiercel/app` next to packages that do one of its things, on a server of its own:
 * `npm run bench:app`. Installs those packages into `.work/bench-app` first.
 *
 * Ratios count, taken within one run; times are of this machine. Nothing is asserted.
 */
import { start } from '../tools/redis/servers.mjs'
import { main } from '../tools/run.mjs'
import { match } from './app/match.mjs'
import { installPeers, versions } from './app/peers.mjs'
import { cases } from './app/subjects.mjs'
import { aligned } from './handlers/report.mjs'
import { options } from './options.mjs'

const USAGE = `Usage: npm run bench:app -- [options]

  --json           print JSON
  --only <word>    only cases with this word: limit, lock, session, getOrSet, memory, Redis
  --quick          a short run: fewer rounds`

const micros = (/** @type {number} */ us) => (us < 10 ? us.toFixed(2) : us.toFixed(1))

/** @param {import('./app/match.mjs').Figures[]} figures */
function table(figures) {
  const head = ['', 'at once', 'by', 'p50 us', 'main thread us', 'all threads us', 'commands']
  head.push('ratio', 'goal', 'reached')
  const rows = figures.map((one) => {
    const goal = one.goalUs === undefined ? one.goal?.toString() : `${one.goalUs} us`
    const net = one.net === undefined ? '' : `, ${micros(one.net)} without the loop`
    const reached = one.isReached === undefined ? '' : (one.isReached ? 'yes' : 'no') + net
    return [
      ...[one.what, String(one.width), one.subject],
      ...[micros(one.p50), micros(one.main), micros(one.cpu), one.commands.toFixed(1)],
      ...[one.ratio === undefined ? '' : `${one.ratio.toFixed(2)}x`, goal ?? '', reached],
    ]
  })
  return aligned(head, rows, [0, 2, 9])
}

await main(async () => {
  if (options.help) return console.log(USAGE)
  await installPeers()
  const server = await start('single', {
    maxmemory: '512mb',
    settings: { 'maxmemory-policy': 'volatile-lru' },
  })
  try {
    const { redis_version: redis } = await server.info('server')
    const about = { node: process.version, redis, peers: versions() }
    const rounds = options.quick ? 4 : 15
    const all = []
    for (const what of Object.keys(cases)) {
      if (!what.includes(options.only)) continue
      console.error(`… ${what}`)
      all.push(...(await match(server, what, { rounds })))
    }
    if (options.json) return console.log(JSON.stringify({ ...about, figures: all }, null, 2))
    console.log(`Node.js ${about.node}, Redis ${redis} on loopback.`)
    console.log('Ratio: main-thread time of a call, Tiercel by the other; smaller is better.\n')
    console.log(table(all))
  } finally {
    await server.stop()
  }
})
