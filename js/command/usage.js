// @ts-check

const { parseArgs } = require('node:util')
const { commandOf, optionsOf } = require('./definitions/index.js')

/** How a command was called. */

/** A mistake in how a command was called, in one line. */
class UsageError extends Error {}

/**
 * The arguments of a command, taken apart.
 * @param {string} name
 * @param {string[]} args
 * @returns {{ values: Record<string, any>, positionals: string[] }}
 * @throws {UsageError}
 */
function parsed(name, args) {
  const command = commandOf(name)
  if (!command) throw new UsageError(`there is no command ${name}`)
  try {
    const options = optionsOf(command)
    return parseArgs({ args, options, allowPositionals: command.words === true })
  } catch (error) {
    throw new UsageError(named(error))
  }
}

/** A mistake in flags, in one line. @param {unknown} error of `parseArgs` */
function named(error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
  const [flag] = /--[\w-]+/.exec(message) ?? /-\w/.exec(message) ?? ['a flag']
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `there is no flag ${flag}`
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return 'it takes flags only'
  const isTooMuch = message.includes('does not take an argument')
  return `${flag} ${isTooMuch ? 'takes no value' : 'needs a value'}`
}

module.exports = { UsageError, parsed }
