// @ts-check
// Runs the demo from a fresh clone: `npm run demo`.
//
// Plain Node without dependencies, because it runs before anything is installed.

import { startDemo } from './demo/app.mjs'
import { DemoError } from './demo/child.mjs'
import { COMMON, command } from './demo/command.mjs'

const USAGE = `Usage: npm run demo -- [options]

${COMMON}`

await command(USAGE, async ({ port, once, verbose }, { isStopping }) => {
  const server = await startDemo({ port: port ? Number(port) : undefined, verbose })
  if (once) {
    console.log(`✓ The demo answered on ${server.url}`)
    return await server.stop()
  }
  console.log(`\n  The demo runs at ${server.url}\n  Ctrl-C stops it.\n`)
  const code = await server.stopped
  if (isStopping()) return
  throw new DemoError(`The demo stopped by itself (exit code ${code}).\n\n${server.output()}`)
})
