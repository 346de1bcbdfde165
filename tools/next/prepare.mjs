// @ts-check
/**
 * Installs the fixtures and makes the builds that most files of the Next.js tests begin with:
 * `node tools/next/prepare.mjs`. `npm test` runs it beside the tests that mostly wait, with what
 * they leave of the machine.
 */
import os from 'node:os'
import { main } from '../run.mjs'
import { fixtureNames } from './fixtures.mjs'
import { endChildren, openFixture, startOrigin } from './support.mjs'

/** @type {[name: (typeof fixtureNames)[number], variant: import('./support.mjs').Variant][]} */
const builds = [
  ['full-16.4', {}],
  ['components-16.4', {}],
  ['minor-16.3', {}],
  ['minor-16.2', {}],
  ['minor-16.0', {}],
  ['full-16.4', { bundler: 'webpack' }],
  ['minor-16.2', { bundler: 'webpack' }],
  ['full-16.4', { handler: 'builtin' }],
  ['minor-16.0', { handler: 'builtin' }],
  ['minor-16.2', { handler: 'builtin' }],
  ['minor-16.3', { handler: 'builtin' }],
]

process.once('SIGTERM', () => {
  endChildren()
  process.exit(143)
})

await main(async () => {
  os.setPriority(os.constants.priority.PRIORITY_LOW)
  for (const [name, variant] of builds) {
    // Its own: an origin counts what it is asked, and each build begins with its first answers.
    const origin = await startOrigin()
    try {
      const app = await openFixture(name, origin, { ahead: true })
      await app.build({ ...variant, ahead: true })
    } catch (error) {
      // Its test makes it again, and says why it fails.
      console.error(`${name}: ${/** @type {Error} */ (error).message}`)
    } finally {
      await origin.stop()
    }
  }
})
