// @ts-check

/**
 * Every command, once: what it is called with, and what its `--help` shows.
 *
 * @typedef {object} Flag
 * @property {string} name with its dashes left out
 * @property {string} [takes] what its value is; a flag without one is a switch
 * @property {string} text
 * @property {string} [default]
 * @property {boolean} [multiple]
 * @property {string} [short]
 *
 * @typedef {object} Command
 * @property {string} name
 * @property {string} summary for the list of commands
 * @property {string} about
 * @property {string[][]} usage lines: a call, and what it does
 * @property {boolean} [words] whether it takes words besides flags
 * @property {{ title: string, flags: Flag[] }[]} groups
 * @property {string} [after] a paragraph after the flags
 * @property {[number, string][]} exits
 * @property {string[]} [examples]
 */

/** @type {Command[]} in the order of the help */
const COMMANDS = [
  ...require('./setup.js'),
  ...require('./warm.js'),
  ...require('./look.js'),
  ...require('./fleet.js'),
  ...require('./purge.js'),
]

/** @param {string | undefined} name */
const commandOf = (name) => COMMANDS.find((command) => command.name === name)

/**
 * The flags of a command, for `parseArgs`.
 * @param {Command} command
 */
function optionsOf({ groups }) {
  const flags = groups.flatMap((group) => group.flags)
  return Object.fromEntries(
    flags.map(({ name, takes, multiple, short }) => {
      const type = /** @type {'string' | 'boolean'} */ (takes ? 'string' : 'boolean')
      return [name, { type, ...(multiple && { multiple }), ...(short && { short }) }]
    }),
  )
}

module.exports = { COMMANDS, commandOf, optionsOf }
