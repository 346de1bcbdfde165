// @ts-check

// The command line.
//
//   main.js         which command, signals, exit codes      definitions/     every command, once
//   help.js         what --help shows                       usage.js         how it was called
//   flags.js        what flags of warm say                  setup.js         init and migrate
//   display.js      progress and summary of warm            shown.js         foreign text
//   terminal.js     colours, tables, bars
//
// It loads no addon, so it works where there is none; only commands in ../operate do.

const { warm } = require('../warm/warm.js')
const { commandOf } = require('./definitions/index.js')
const { Display, summary } = require('./display.js')
const { parse } = require('./flags.js')
const help = require('./help.js')
const { runSetup } = require('./setup.js')
const { jsonOf } = require('./shown.js')
const { UsageError } = require('./usage.js')

const FINE = 0
const FAILED = 1
const USAGE = 2

/** By the convention of shells: 128 and the number of the signal. */
const STOPPED = /** @type {const} */ ({ SIGINT: 130, SIGTERM: 143 })

/** What to try, by the code of an error.
 * @type {Record<string, string>} */
const HINTS = {
  TIERCEL_NO_SERVER: '; --wait <seconds> waits for one',
  TIERCEL_TROUBLE: '; tiercel doctor says more',
}

/** Commands that load neither the addon nor the app. */
const LIGHT = new Set(['init', 'migrate', 'warm'])

/** Codes of the errors by which `warm` itself refuses. */
const REFUSED = new Set([
  'TIERCEL_INVALID_OPTION',
  'TIERCEL_UNKNOWN_OPTION',
  'TIERCEL_INVALID_OPTIONS',
  'TIERCEL_NO_BUILD',
])

/**
 * Runs a command; resolves to its exit code.
 * @param {string[]} args
 * @returns {Promise<number>}
 */
async function main([name, ...args]) {
  // The reader of the output may leave before its end, as `head` does.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  if (name === '--version' || name === '-v') return print(require('../../package.json').version)
  if (name === '--help' || name === '-h' || name === 'help') return print(help.general())
  if (name === undefined || !commandOf(name)) {
    const problem = name === undefined ? 'a command is missing' : `there is no command ${name}`
    return refuse(`${problem}; see tiercel --help`)
  }
  const code = await attempted(name, args)
  return LIGHT.has(name) ? code : leave(code)
}

/** @param {string} name @param {string[]} args */
async function attempted(name, args) {
  try {
    if (name === 'init' || name === 'migrate') return await runSetup(name, args)
    if (name === 'warm') return await runWarm(args)
    return await require('../operate/run.js').run(name, args)
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    const reason = message.replace(/^tiercel: /, '')
    if (error instanceof UsageError || (name === 'warm' && REFUSED.has(code ?? ''))) {
      return refuse(`${reason}; see tiercel ${name} --help`)
    }
    const hint = HINTS[code ?? ''] ?? ''
    process.stderr.write(`tiercel: ${reason}${hint}\n`)
    return FAILED
  }
}

/**
 * Ends the process: a module of the app that was loaded may keep it busy.
 * @param {number} code
 * @returns {Promise<never>}
 */
async function leave(code) {
  const streams = [process.stdout, process.stderr]
  await Promise.all(streams.map((stream) => new Promise((done) => stream.write('', done))))
  process.exit(code)
}

/** @param {string[]} args */
async function runWarm(args) {
  const { isHelp, isJson, isQuiet, options } = await parse(args)
  if (isHelp) return print(help.of('warm'))
  const controller = new AbortController()
  /** @type {keyof typeof STOPPED | undefined} */
  let stopped
  /** @param {NodeJS.Signals} signal */
  const stop = (signal) => {
    // A second signal does not wait.
    if (stopped) process.exit(STOPPED[stopped])
    stopped = /** @type {keyof typeof STOPPED} */ (signal)
    controller.abort()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  const display = isQuiet ? undefined : new Display(process.stderr)
  const onProgress = display?.show.bind(display)
  try {
    display?.begin(options.waitMs)
    const result = await warm({ ...options, onProgress, signal: controller.signal })
    display?.end()
    if (isJson) print(jsonOf(result, 2))
    else if (!isQuiet) print(summary(result))
    if (stopped) return STOPPED[stopped]
    return result.failed > 0 ? FAILED : FINE
  } finally {
    display?.end()
    process.off('SIGINT', stop).off('SIGTERM', stop)
  }
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`)
  return FINE
}

/** @param {string} problem */
function refuse(problem) {
  process.stderr.write(`tiercel: ${problem}\n`)
  return USAGE
}

module.exports = { main }
