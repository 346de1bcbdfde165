/** Instances of one app on one server, and what lies on that. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fleet } from '../../tools/instances/fleet.mjs'
import { temporary } from '../../tools/redis/server.mjs'
import { appIn, until } from '../unit/support.mjs'

/** How much longer the tests of promises run: each repetition is done so many times. */
export const REPEATS = Number(process.env.TIERCEL_TEST_REPEATS ?? 1)

/** A miss is an answer at once: nobody waits for a generation that a test does not mean to end. */
const IMPATIENT = { TIERCEL_FETCH_WAIT_MS: '0', TIERCEL_WAIT_MS: '0' }

let names = 0
/** A name nobody else has: of a key, a tag, a namespace. */
export const newName = (what = 'name') => `${what}-${process.pid}-${++names}`

/**
 * Instances of a build each, by name; each value is what that one sees of the environment beside
 * `common`. Its variable `BUILD` names its build, `one` or `two`.
 *
 * @param {Record<string, string>} common
 * @param {Record<string, Record<string, string>>} own
 * @param {{ cwd?: string }} [options] of all of them
 */
export async function instances(common, own, options) {
  const dir = temporary()
  const outputs = { one: buildOutput(dir, 'one'), two: buildOutput(dir, 'two') }
  // Of no app in particular: of one on the newest Next.js, whose requests they answer.
  const asked = options?.cwd ? {} : { INSTANCE_UNIT: 'request' }
  const cwd = options?.cwd ?? appIn(join(dir, 'app'), '16.4.6')
  const start = async ([name, { BUILD = 'one', ...env }]) => {
    const vars = { ...IMPATIENT, ...asked, ...common, ...env }
    const [instance] = await fleet(1, vars, { ...options, cwd })
    await serves(instance, outputs[BUILD])
    return [name, instance]
  }
  const started = await Promise.allSettled(Object.entries(own).map(start))
  const running = started.filter(({ value }) => value).map(({ value }) => value)
  const stop = async () => {
    await Promise.all(running.map(([, one]) => one.kill()))
    rmSync(dir, { recursive: true, force: true })
  }
  const failed = started.find(({ reason }) => reason)
  if (failed) await stop()
  if (failed) throw failed.reason
  return { ...Object.fromEntries(running), all: running.map(([, one]) => one), stop }
}

/** So many instances of one build. */
export async function team(count, common, envOf = () => ({}), options = {}) {
  const own = Array.from({ length: count }, (_, n) => [`n${n}`, envOf(n)])
  const { all, stop } = await instances(common, Object.fromEntries(own), options)
  return Object.assign(all, { stop })
}

function buildOutput(folder, build) {
  const dir = join(folder, build)
  mkdirSync(join(dir, 'server'), { recursive: true })
  writeFileSync(join(dir, 'BUILD_ID'), build)
  return join(dir, 'server')
}

/** Tells an instance which build it serves, as Next.js does. */
const serves = (instance, serverDistDir) =>
  instance.run(({ Tiercel, serverDistDir }) => void new Tiercel({ serverDistDir, dev: false }), {
    serverDistDir,
  })

/** Waits until an instance may answer from memory, so that nothing of its start is seen. */
export const connected = (instance) =>
  until('it has a lease', async () => {
    const { shared } = await instance.stats()
    return (shared.leaseMs > 0 && !shared.isAway) || undefined
  })

/** Waits until a kind of entry is found at an instance, and returns what is. */
export const arrives = (kind, by, key, softTags) =>
  until(`${key} arrives`, () => kind.read(by, key, softTags))

/** The servers that hold keys, whatever the topology. */
export async function holders(server) {
  if (server.nodes) {
    const slots = [0, 8_000, 16_383]
    return Promise.all(slots.map((slot) => server.nodeOf(slot)))
  }
  return [server.primary ? await server.primary() : server]
}

/** All keys of a namespace, with the server each is on. */
export async function keysOf(server, namespace) {
  const found = []
  for (const holder of await holders(server)) {
    const keys = await holder.command('KEYS', '*')
    const own = (key) => key.startsWith(`${namespace}:`) || key.startsWith(`{${namespace}}:`)
    found.push(...keys.filter(own).map((key) => ({ key, holder })))
  }
  return found
}

/** The keys of entries. */
export async function entriesOf(server, namespace) {
  return (await keysOf(server, namespace)).filter(({ key }) => key.startsWith(`${namespace}:`))
}
