// @ts-check
/**
 * Makes fresh apps with create-next-app, follows the README and the docs by the letter, and asks the
 * apps whether it works: `npm run try`. It needs the addon (`npm run build`) and redis-server.
 */
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { main, run } from '../tools/run.mjs'
import { attempt } from '../tools/try/attempt.mjs'
import { startRegistry } from '../tools/try/registry.mjs'
import { setups } from '../tools/try/setups.mjs'
import { endAll } from '../tools/try/shell.mjs'
import { startRedis } from './demo/redis.mjs'

const USAGE = `Usage: npm run try -- [options] [name ...]

  name      only set-ups whose name has this in it
  --short   the few that continuous integration tries, without downloads of their own
  --list    the names
  --keep    keep the apps, and say where they are`

await main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      short: { type: 'boolean' },
      list: { type: 'boolean' },
      keep: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return console.log(USAGE)
  const chosen = setups
    .filter(({ isShort }) => isShort || !values.short)
    .filter(
      ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
    )
  if (chosen.length === 0) throw new Error(`No set-up is called so.\n\n${USAGE}`)
  if (values.list) return console.log(chosen.map(({ name }) => name).join('\n'))
  const failed = await tryAll(chosen, { isShort: values.short ?? false, isKept: values.keep })
  console.log(`\n${chosen.length - failed.length} of ${chosen.length} set-ups work`)
  if (failed.length > 0) throw new Error(`These do not: ${failed.join(', ')}`)
})

/**
 * @param {import('../tools/try/setups.mjs').Setup[]} chosen
 * @param {{ isShort: boolean, isKept?: boolean }} how
 * @returns {Promise<string[]>} the names of those that failed
 */
async function tryAll(chosen, { isShort, isKept }) {
  // Not in the repository: a lock file above an app changes what Next.js takes for its root.
  const folder = mkdtempSync(join(tmpdir(), 'tiercel-try-'))
  chmodSync(folder, 0o755)
  const failed = []
  /** @type {(() => unknown)[]} */
  const ends = [
    () =>
      isKept
        ? console.log(`\nThe apps are in ${folder}`)
        : rmSync(folder, { recursive: true, force: true }),
    endAll,
  ]
  const end = async () => {
    for (const one of ends.splice(0).reverse()) await one()
  }
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(signal, () => void end().finally(() => process.exit(1)))
  }
  try {
    const redis = await startRedis()
    ends.push(() => redis.stop())
    const registry = await startRegistry(process.env.TIERCEL_TARBALL ?? (await pack(folder)))
    ends.push(() => registry.stop())
    const shared = {
      env: registry.env,
      redis: { url: redis.url, host: new URL(redis.url).host },
      isShort,
    }
    for (const setup of chosen) {
      const within = join(folder, setup.name)
      if (!(await works(setup, within, shared))) failed.push(setup.name)
      if (!isKept) rmSync(within, { recursive: true, force: true })
    }
  } finally {
    await end()
  }
  return failed
}

/** @param {string} folder */
async function pack(folder) {
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { quiet: true })
  const file = readdirSync(folder).find((name) => name.endsWith('.tgz'))
  if (!file) throw new Error('npm pack has written no file')
  return join(folder, file)
}

/**
 * Tries one, and prints how long each part took.
 *
 * @param {import('../tools/try/setups.mjs').Setup} setup
 * @param {string} within
 * @param {import('../tools/try/attempt.mjs').Shared} shared
 */
async function works(setup, within, shared) {
  console.log(`\n▸ ${setup.name}`)
  let [part, since] = ['', Date.now()]
  const tell = (/** @type {string} */ next) => {
    if (part) console.log(`  ✓ ${part}, ${((Date.now() - since) / 1000).toFixed(1)} s`)
    ;[part, since] = [next, Date.now()]
  }
  try {
    await attempt(setup, within, shared, tell)
    tell('')
    return true
  } catch (error) {
    const text = /** @type {Error} */ (error).message
    console.log(`  ✗ ${part}\n${text.replace(/^/gm, '    ')}`)
    return false
  }
}
