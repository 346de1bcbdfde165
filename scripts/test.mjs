// @ts-check
/**
 * All tests: `npm test`. Installs missing tools. `npm test -- --fast` leaves out the
 * real Next.js apps, fresh ones and the browser.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canInstall, install } from '../tools/debian.mjs'
import { ensurePromtool } from '../tools/prometheus.mjs'
import { ensureRedis } from '../tools/redis/binaries.mjs'
import { main, root, run, step } from '../tools/run.mjs'

const fast = process.argv.includes('--fast')
const isRoot = process.getuid?.() === 0

await main(async () => {
  if (!existsSync(join(root, 'node_modules', 'vitest'))) {
    await step('npm packages', () => run('npm', ['install', '--no-audit', '--no-fund']))
  }
  await step('redis-server', ensureRedis)
  await step('promtool', ensurePromtool)
  await step('valgrind', ensureValgrind)
  await step('addon', () => run('npm', ['run', 'build']))
  const apps = fast ? undefined : await prepareApps()
  try {
    await step('cargo tests', () => run('cargo', ['test', '--locked']))
    await step('vitest', () => run('npx', ['vitest', 'run']))
    if (!apps) return
    await step('browser', installBrowser)
    await step('demo in a browser', () => vitest('demo', apps.env))
    await step('builds of Next.js apps', apps.built)
    await step('Next.js apps', () => vitest('next', apps.env))
    await step('fresh apps', () => run('node', ['scripts/try.mjs', '--short'], { env: apps.env }))
  } finally {
    await apps?.end()
  }
})

/** Counts instructions in `cargo test`, which says so where it is missing. */
async function ensureValgrind() {
  const isThere = await run('valgrind', ['--version'], { quiet: true }).catch(() => false)
  if (!isThere && canInstall()) await install('valgrind')
}

/** @param {string} folder @param {Record<string, string>} env */
function vitest(folder, env) {
  return run('npx', ['vitest', 'run', '--config', `__test__/${folder}/vitest.config.mjs`], { env })
}

/**
 * Packs the package as npm would have it, and builds apps with it beside the tests that come before
 * theirs and mostly wait. A build that fails here is only told: its test fails with it.
 */
async function prepareApps() {
  const folder = mkdtempSync(join(tmpdir(), 'tiercel-'))
  const said = await run('npm', ['pack', '--silent', '--pack-destination', folder], { quiet: true })
  const env = {
    TIERCEL_TARBALL: join(folder, said.trim().split('\n').at(-1) ?? ''),
    // The files of one run share their builds.
    TIERCEL_NEXT_RUN: String(Date.now()),
    NEXT_TELEMETRY_DISABLED: '1',
  }
  // In a group of its own: a signal from the keyboard comes from here.
  const child = spawn(process.execPath, ['tools/next/prepare.mjs'], {
    cwd: root,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (log += data))
  const closed = new Promise((resolve) => child.on('close', resolve))
  const end = async () => {
    // All of its group; the builds have groups of their own, which it ends.
    endGroup(child.pid)
    await closed
    rmSync(folder, { recursive: true, force: true })
  }
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    process.once(signal, () => void end().finally(() => process.exit(1)))
  }
  return { env, end, built: () => closed.then(() => process.stdout.write(log)) }
}

/** @param {number | undefined} pid of the first of the group */
function endGroup(pid) {
  try {
    if (pid !== undefined) process.kill(-pid)
  } catch {
    // It has ended.
  }
}

/** The demo is driven in Chromium. Only root can install it; without, that part says it was skipped. */
async function installBrowser() {
  if (existsSync('/usr/bin/chromium') || process.env.TIERCEL_SKIP_BROWSER) return
  if (isRoot && existsSync('/usr/bin/apt-get')) {
    await run('apt-get', ['update', '-qq'], { quiet: true })
    await run('apt-get', ['install', '-y', '-qq', 'chromium'], { quiet: true })
    return
  }
  if (process.env.CI) throw new Error('Chromium is missing, and CI skips nothing')
  console.log(
    '  Chromium is missing (apt-get install chromium): the demo is not driven in a browser',
  )
  process.env.TIERCEL_SKIP_BROWSER = '1'
}
