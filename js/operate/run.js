// @ts-check

const help = require('../command/help.js')
const { out } = require('../command/terminal.js')
const { parsed } = require('../command/usage.js')
const { endAll } = require('./operator.js')

// Commands that look at the shared tier from outside.
//
//   place.js      which app, build and server        operator.js   what the addon is asked
//   options.js    the values of flags                 entry.js      which entry, and its parts
//   load.js       figures of servers                  ending.js     work that is to end
//   doctor.js     findings: app.js, server.js, keyspace.js
//   purge.js, keys.js, inspect.js, why.js (sentence.js), stats.js: a command each
//   fleet/        instances.js, top.js: what instances tell (figures.js, view.js, screen.js)

/**
 * Commands. One that goes on until it is ended calls `endless`, from which on a signal ends it.
 * @type {Record<string, (flags: Record<string, any>, given: string[], endless: () => AbortSignal) => Promise<number>>}
 */
const RUN = {
  doctor: (flags) => require('./doctor.js').doctor(flags),
  stats: (flags, _, endless) => require('./stats.js').stats(flags, endless),
  keys: (flags) => require('./keys.js').keys(flags),
  inspect: (flags, given) => require('./inspect.js').inspect(flags, given),
  why: (flags, given) => require('./why.js').why(flags, given),
  purge: (flags) => require('./purge.js').purge(flags),
  instances: (flags) => require('./fleet/instances.js').instances(flags),
  dashboard: (flags, _, endless) => require('../dashboard/serve.js').serve(flags, endless),
  top: (flags, _, endless) => require('./fleet/top.js').top(flags, endless),
}

/**
 * @param {string} name
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function run(name, args) {
  const controller = new AbortController()
  // Whoever read the lines has left, as `head` does. What ends by itself goes on to its exit code. It is
  // told of the last line after the command has ended, so this stays.
  process.stdout.on('error', () => controller.abort())
  const { values: flags, positionals: given } = parsed(name, args)
  if (flags.help) {
    out(help.of(name))
    return 0
  }
  let isEndless = false
  const endless = () => {
    isEndless = true
    return controller.signal
  }
  const stop = () => {
    // A second signal, or a command that nothing can end half-way.
    if (!isEndless || controller.signal.aborted) {
      endAll()
      process.exit(130)
    }
    controller.abort()
  }
  process.on('SIGINT', stop)
  try {
    return await RUN[name](flags, given, endless)
  } finally {
    endAll()
    process.off('SIGINT', stop)
  }
}

module.exports = { run }
