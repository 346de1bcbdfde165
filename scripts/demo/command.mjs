// @ts-check
/** What the commands of the demo have in common: options, signals, and how they fail. */
import { parseArgs } from 'node:util'
import { DemoError, stopChildren } from './child.mjs'
import { prepareDemo } from './prepare.mjs'

const OPTIONS = /** @type {const} */ ({
  'no-build': { type: 'boolean' },
  once: { type: 'boolean' },
  port: { type: 'string' },
  instances: { type: 'string' },
  redis: { type: 'string' },
  tarball: { type: 'string' },
  verbose: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
})

/** @typedef {ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values']} Values */

/** The lines of every usage. */
export const COMMON = `  --no-build         start what the last run has built
  --once             build, start, ask for the first page, stop
  --port <number>    listen there (default: PORT, else 3000 or the next free one)
  --tarball <file>   install this packed addon instead of building one
  --verbose          show the output of every step`

/**
 * Builds the demo and acts. Ctrl-C ends the children, and with them the command.
 *
 * @param {string} usage
 * @param {(values: Values, run: { isStopping: () => boolean }) => Promise<void>} act
 */
export async function command(usage, act) {
  let stopping = false
  /** @param {NodeJS.Signals} signal */
  const stopAll = (signal) => {
    if (stopping) return
    stopping = true
    if (!stopChildren(signal)) process.exit(130)
  }
  process.on('SIGINT', () => stopAll('SIGINT'))
  process.on('SIGTERM', () => stopAll('SIGTERM'))

  try {
    const { values } = parseArgs({ options: namedIn(usage) })
    if (values.help) return console.log(usage)
    const { tarball, verbose } = values
    if (!values['no-build']) await prepareDemo({ tarball, verbose })
    await act(values, { isStopping: () => stopping })
  } catch (error) {
    if (stopping) process.exit(130)
    stopChildren('SIGTERM')
    console.error(error instanceof DemoError ? `\n✗ ${error.message}` : error)
    process.exit(1)
  }
}

/** A command knows the options that its usage names. @param {string} usage */
function namedIn(usage) {
  const known = Object.entries(OPTIONS).filter(
    ([name]) => name === 'help' || usage.includes(`  --${name} `),
  )
  return /** @type {typeof OPTIONS} */ (Object.fromEntries(known))
}
