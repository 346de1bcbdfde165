// @ts-check
/** `promtool`, which checks metrics and rules. `npm test` installs it as root on Debian. */
import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { canInstall, install } from './debian.mjs'

const run = promisify(execFile)

/** Installs `promtool` where that can be done. The tests say what is missing without it. */
export async function ensurePromtool() {
  if (await isThere()) return
  if (canInstall()) await install('prometheus')
}

/**
 * `promtool`, for a test that needs it: without it the test is skipped and says why, and in CI it fails.
 * @param {(reason: string) => void} skip
 */
export async function findPromtool(skip) {
  if (await isThere()) return promtool
  if (process.env.CI) throw new Error('promtool is missing, and CI skips nothing')
  skip('promtool is missing (Debian: apt-get install prometheus)')
  throw new Error('a test that is skipped ends')
}

const isThere = () =>
  run('promtool', ['--version']).then(
    () => true,
    () => false,
  )

/**
 * What `promtool` says, with its exit code.
 * @param {string[]} args
 * @param {string} [input]
 * @returns {Promise<{ code: number | null, said: string }>}
 */
function promtool(args, input = '') {
  return new Promise((resolve, reject) => {
    const child = spawn('promtool', args)
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, said }))
    child.stdin.end(input)
  })
}
