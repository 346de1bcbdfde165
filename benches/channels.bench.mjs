// @ts-check
/**
 * What a hit costs while somebody is told of it: `npm run bench:channels`.
 *
 * Rounds with and without a subscriber of `tiercel:get` take turns in one process. A round hits one
 * page as often as a busy event loop does between two of its turns, many times over, so that what is
 * told is collected within it. All of it twice: with that page alone in memory, and among 100 000
 * other entries, which should make no difference.
 */
import { channel } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'
import { setImmediate as turn } from 'node:timers/promises'
import { median } from './handlers/contest.mjs'
import { options } from './options.mjs'

const USAGE = `Usage: npm run bench:channels -- [options]

  --quick          a short run`

if (options.help) {
  console.log(USAGE)
  process.exit()
}

const Tiercel = createRequire(import.meta.url)('../index.js')
Tiercel.configure({ memoryMb: 256, redisUrl: 'none' })

const OTHERS = 100_000
const [rounds, turns, hits] = options.quick ? [10, 100, 500] : [40, 400, 500]
const page = { kind: 'APP_PAGE', html: 'x', headers: {}, status: 200 }
const handler = new Tiercel()
await handler.set('/page', page, { cacheControl: { revalidate: 3_600, expire: 86_400 } })

let told = 0
const gets = channel('tiercel:get')
const listener = () => {
  told++
}

/** The time of a hit in ns, turns of the event loop included. */
async function round() {
  const begun = process.hrtime.bigint()
  for (let n = 0; n < turns; n++) {
    for (let hit = 0; hit < hits; hit++) await handler.get('/page', { kind: 'APP_PAGE' })
    await turn()
  }
  return Number(process.hrtime.bigint() - begun) / (turns * hits)
}

async function measure() {
  /** @type {{ without: number[], with: number[] }} */
  const found = { without: [], with: [] }
  told = 0
  await round()
  for (let n = 0; n < rounds; n++) {
    found.without.push(await round())
    gets.subscribe(listener)
    found.with.push(await round())
    gets.unsubscribe(listener)
    // The look that is on its way sees that nobody listens.
    await new Promise((wake) => setTimeout(wake, 150))
  }
  const share = told / (rounds * turns * hits)
  const { entries } = Tiercel.stats().memory
  console.log(`entries in memory           ${entries}`)
  console.log(`a hit without a subscriber  ${median(found.without).toFixed(0)} ns`)
  console.log(`a hit that is told          ${median(found.with).toFixed(0)} ns`)
  console.log(
    `told                        ${(share * 100).toFixed(1)} % of them one by one, the others in \`lost\`\n`,
  )
}

await measure()
for (let n = 0; n < OTHERS; n++) {
  await handler.set(`/other/${n}`, page, { cacheControl: { revalidate: 3_600, expire: 86_400 } })
}
await measure()
