// @ts-check
/**
 * All tests: `npm test`. Installs missing tools. `npm test -- --fast` leaves out the
 * real Next.js apps, fresh ones and the browser.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureRedis } from '../tools/redis/binaries.mjs'
import { main, root, run, step } from '../tools/run.mjs'

const fast = process.argv.includes('--fast')
const isRoot = process.getuid?.() === 0

await main(async () => {
  if (!existsSync(join(root, 'node_modules', 'vitest'))) {
    await step('npm packages', () => run('npm', ['install', '--no-audit', '--no-fund']))
  }
  await step('redis-server', ensureRedis)
  await step('addon', () => run('npm', ['run', 'build']))
  await step('cargo tests', () => run('cargo', ['test', '--locked']))
  await step('vitest', () => run('npx', ['vitest', 'run']))
  if (fast) return
  const tarballs = mkdtempSync(join(tmpdir(), 'tiercel-'))
  try {
    await step('browser', installBrowser)
    const packed = await run('npm', ['pack', '--silent', '--pack-destination', tarballs], {
      quiet: true,
    })
    const file = packed.trim().split('\n').at(-1) ?? ''
    const env = { TIERCEL_TARBALL: join(tarballs, file), NEXT_TELEMETRY_DISABLED: '1' }
    const vitest = (/** @type {string} */ folder) =>
      run('npx', ['vitest', 'run', '--config', `__test__/${folder}/vitest.config.mjs`], { env })
    await step('demo in a browser', () => vitest('demo'))
    await step('Next.js apps', () => vitest('next'))
    await step('fresh apps', () => run('node', ['scripts/try.mjs', '--short'], { env }))
  } finally {
    rmSync(tarballs, { recursive: true, force: true })
  }
})

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
