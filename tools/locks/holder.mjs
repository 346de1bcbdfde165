/** The program of one process of `rounds.mjs`: takes the lock again and again until it is told to stop. */
import { createRequire } from 'node:module'

const { lock } = createRequire(import.meta.url)('../../app.js')
const [key, ttl, lanes] = process.argv.slice(2)

let asked = 0
/** @type {Map<number, (answer: any) => void>} */
const waiting = new Map()
process.on('message', ({ id, answer }) => {
  waiting.get(id)?.(answer)
  waiting.delete(id)
})

/** Asks the referee; what it has heard of is so before this resolves. */
const referee = (message) =>
  new Promise((resolve) => {
    waiting.set(++asked, resolve)
    process.send({ id: asked, ...message })
  })

async function lane(name) {
  for (let goesOn = true; goesOn; ) {
    await lock(key, { ttl, waitMs: 120_000 }, async (held) => {
      const { token } = held
      goesOn = await referee({ what: 'enters', lane: name, token })
      const isTold = held.signal.aborted
      await referee({ what: 'leaves', lane: name, token, isTold })
    })
  }
}

await Promise.all(Array.from({ length: Number(lanes) }, (_, name) => lane(name)))
await referee({ what: 'ended' })
process.disconnect()
