// @ts-check
/**
 * Ten thousand rounds of one lock among four processes, on a server of its own: `npm run soak:lock`.
 * Every hundredth holder is killed or frozen. `-- --rounds 500` for fewer.
 */
import { parseArgs } from 'node:util'
import { lockRounds } from '../tools/locks/rounds.mjs'
import { start } from '../tools/redis/servers.mjs'
import { main } from '../tools/run.mjs'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '10000' } } })

await main(async () => {
  const server = await start('single')
  try {
    const env = {
      TIERCEL_REDIS_URL: server.url,
      TIERCEL_NAMESPACE: 'soak',
      TIERCEL_COMMAND_TIMEOUT_MS: '2000',
    }
    const begun = performance.now()
    const secs = () => `${((performance.now() - begun) / 1_000).toFixed(0)} s`
    const say = (/** @type {any} */ tally) => console.log(`${secs()}  ${JSON.stringify(tally)}`)
    const tally = await lockRounds(env, { rounds: Number(values.rounds), disturbEvery: 100, say })
    console.log(`\n${tally.rounds} rounds in ${secs()}`)
    console.table(tally)
    const { overlaps, backwards, untold, frozen, refused } = tally
    if (overlaps + backwards + untold > 0) throw new Error('the lock was held by two at a time')
    if (refused !== frozen) throw new Error('not all who stood still were passed')
  } finally {
    await server.stop()
  }
})
