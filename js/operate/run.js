// @ts-check

const help = require('../command/help.js')
const { out } = require('../command/terminal.js')
const { parsed } = require('../command/usage.js')

// Commands that look at the shared tier from outside.
//
//   place.js      which app, build and server        operator.js   what the addon is asked
//   options.js    the values of flags                 entry.js      which entry, and its parts
//   doctor.js     findings: app.js, server.js, keyspace.js
//   purge.js, keys.js, inspect.js, why.js (sentence.js), stats.js: a command each
//   fleet/        instances.js, top.js: what instances tell (figures.js, view.js, screen.js)

/** @type {Record<string, (flags: Record<string, any>, given: string[], signal: AbortSignal) => Promise<number>>} */
const RUN = {
  doctor: (flags) => require('./doctor.js').doctor(flags),
  stats: (flags, _, signal) => require('./stats.js').stats(flags, signal),
  keys: (flags) => require('./keys.js').keys(flags),
  inspect: (flags, given) => require('./inspect.js').inspect(flags, given),
  why: (flags, given) => require('./why.js').why(flags, given),
  purge: (flags) => require('./purge.js').purge(flags),
  instances: (flags) => require('./fleet/instances.js').instances(flags),
  dashboard: (flags, _, signal) => require('../dashboard/serve.js').serve(flags, signal),
  top: (flags, _, signal) => require('./fleet/top.js').top(flags, signal),
}

/** Commands that go on until they are ended. */
const ENDLESS = new Set(['stats', 'top', 'dashboard'])

/**
 * @param {string} name
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function run(name, args) {
  const { values: flags, positionals: given } = parsed(name, args)
  if (flags.help) {
    out(help.of(name))
    return 0
  }
  const controller = new AbortController()
  const stop = () => {
    // A second signal, or a command that nothing can end half-way.
    if (!ENDLESS.has(name) || controller.signal.aborted) process.exit(130)
    controller.abort()
  }
  process.on('SIGINT', stop)
  try {
    return await RUN[name](flags, given, controller.signal)
  } finally {
    process.off('SIGINT', stop)
  }
}

module.exports = { run }
