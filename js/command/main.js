// @ts-check

// The command line.
//
//   main.js      which command, signals, exit codes     flags.js     what the flags say
//   usage.js     what --help shows                      display.js   progress and summary
//   setup.js     init and migrate
//
// It loads no addon, so it works where there is none.

const { warm } = require('../warm/warm.js')
const { Display, summary } = require('./display.js')
const { parse, UsageError } = require('./flags.js')
const { runSetup } = require('./setup.js')
const { GENERAL, WARM } = require('./usage.js')

const FINE = 0
const FAILED = 1
const USAGE = 2

/** By the convention of shells: 128 and the number of the signal. */
const STOPPED = /** @type {const} */ ({ SIGINT: 130, SIGTERM: 143 })

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
  if (name === '--help' || name === '-h' || name === 'help') return print(GENERAL)
  const isSetup = name === 'init' || name === 'migrate'
  if (name !== 'warm' && !isSetup) {
    const problem = name === undefined ? 'a command is missing' : `there is no command ${name}`
    return refuse(`${problem}; see tiercel --help`)
  }
  try {
    return isSetup ? await runSetup(name, args) : await runWarm(args)
  } catch (error) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error)
    const reason = message.replace(/^tiercel: /, '')
    if (error instanceof UsageError || REFUSED.has(code ?? '')) {
      return refuse(`${reason}; see tiercel ${name} --help`)
    }
    const hint = code === 'TIERCEL_NO_SERVER' ? '; --wait <seconds> waits for one' : ''
    process.stderr.write(`tiercel: ${reason}${hint}\n`)
    return FAILED
  }
}

/** @param {string[]} args */
async function runWarm(args) {
  const { isHelp, isJson, isQuiet, options } = await parse(args)
  if (isHelp) return print(WARM)
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
    if (isJson) print(JSON.stringify(result, null, 2))
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
