import { expect, test } from 'vitest'
import { start } from '../../../tools/redis/servers.mjs'
import { pause, timed, until } from '../../unit/support.mjs'
import { arrives } from '../instances.mjs'
import { proxied } from './support.mjs'
import { counted, crowd, Lane, PATIENT } from './visits.mjs'

// Who waits for another instance does so only as long as they can hear of it.

const KINDS = ['page', 'fetch', 'use cache']
/** The pause before the next look, which fails; the rest is for the test's own machine. */
const ANSWERED_MS = 500 + 150 + 250

const FAULTS = Object.entries({
  'a black hole': ({ proxies }) => {
    for (const proxy of proxies) proxy.blackHole()
  },
  'connections reset and refused': async ({ proxies }) => {
    await Promise.all(proxies.map((proxy) => proxy.refuse()))
    for (const proxy of proxies) proxy.reset()
  },
  'a server that stands still': ({ server }) => server.pause(),
})

test.for(FAULTS.flatMap(([name, begin]) => KINDS.map((what) => [what, name, begin])))(
  'the server goes away while they wait: %s, %s',
  async ([what, , begin], test) => {
    const app = await proxied(test, 4, { env: PATIENT })
    test.onTestFinished(() => app.server.resume())
    const [leading, ...others] = app.fleet
    const [lane, held] = [new Lane(what), new Lane(what)]
    await held.store(leading, 'old')
    await arrives(held.kind, others[0], held.key, held.soft)
    expect((await lane.ask(leading)).body).toBe(undefined)
    const followers = await Promise.all(others.map((one) => lane.visit(one)))
    const answers = followers.map((one) => one.ask().then(() => performance.now()))
    await until('all follow', async () => (await counted(others)).followed === 3 || undefined)

    await begin(app)
    const begun = performance.now()
    for (const at of await Promise.all(answers)) expect(at - begun).toBeLessThan(ANSWERED_MS)
    for (const { body } of followers) expect(body).toBe(undefined)

    // Then each instance is on its own: one of its gets is told, and nobody waits.
    await until('it is away', async () => (await others[0].stats()).shared.isAway || undefined)
    await others[0].invalidate(held.tags, { expire: 600 })
    const visits = await held.visits([others[0]], 4)
    expect(visits.map(({ body }) => body)).toEqual(Array(4).fill('old'))
    expect(visits.filter(({ isStale }) => isStale).length).toBe(1)
    const { value, ms } = await timed(new Lane(what).ask(others[1]))
    expect(value.body).toBe(undefined)
    expect(ms).toBeLessThan(ANSWERED_MS)
  },
)

/** How often a server has carried out a command, by scripts or not. */
async function calls(server, name) {
  const { [`cmdstat_${name}`]: told = 'calls=0,' } = await server.info('commandstats')
  return Number(/calls=(\d+)/.exec(told)[1])
}

test.for(KINDS)(
  'who waits is told, and asks next to nothing until then: %s',
  async (what, test) => {
    const server = await start('single')
    test.onTestFinished(() => server.stop())
    const fleet = await crowd(test, server, 4)
    const [leading, ...others] = fleet
    // Once its channel is there and works, it has heard itself on it.
    const isHeard = async () => (await calls(server, 'publish')) >= 4 || undefined
    await until('all can be told', isHeard)
    await pause(100)
    const lane = new Lane(what)
    const leader = await lane.ask(leading)
    const followers = await Promise.all(others.map((one) => lane.visit(one)))
    const answers = Promise.all(followers.map((one) => one.ask()))
    await until('all follow', async () => (await counted(others)).followed === 3 || undefined)
    const told = await calls(server, 'publish')
    const asked = await calls(server, 'get')
    await pause(300)
    await leader.generate('new')
    await answers
    expect(followers.map(({ body }) => body)).toEqual(['new', 'new', 'new'])
    // The end itself is told last.
    await until(
      'it is told',
      async () => (await calls(server, 'publish')) === told + 3 || undefined,
    )
    // Each reads it, and looks once if this machine is slow; the end reads its lease. Looks at every
    // 80 ms would be four times as many.
    expect((await calls(server, 'get')) - asked).toBeLessThanOrEqual(3 + 1 + 2 * 3)
    expect((await counted(fleet)).timedOut).toBe(0)
  },
)
