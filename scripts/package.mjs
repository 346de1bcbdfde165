// @ts-check
/** What npm gets: that it resolves, that its types fit, and that its notices are up to date. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { main, run } from '../tools/run.mjs'

/** Doors of the package's own, for copies of its entries in bundles; not documented. */
const INTERNAL = ['handler', 'app/main', 'dashboard/main', 'metrics/main']

await main(async () => {
  await run('node', ['scripts/notices.mjs', '--check'])
  const folder = mkdtempSync(join(tmpdir(), 'tiercel-package-'))
  try {
    await run('npm', ['pack', '--silent', '--pack-destination', folder], { quiet: true })
    const tarball = join(folder, readdirSync(folder)[0])
    await lint(tarball)
    await run('npx', ['attw', tarball, '--exclude-entrypoints', ...INTERNAL, '--format', 'ascii'])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Also what is only suggested. @param {string} tarball */
async function lint(tarball) {
  const bytes = new Uint8Array(readFileSync(tarball))
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer } })
  if (messages.length === 0) return
  throw new Error(messages.map((one) => formatMessage(one, pkg, { color: false })).join('\n'))
}
