// @ts-check

const { COMMANDS, commandOf } = require('./definitions/index.js')
const { folded } = require('./terminal.js')

/** Terminals are at least this wide. */
const WIDTH = 80
const LEAST_TEXT = 40

/** What `tiercel --help` shows. */
function general() {
  const longest = Math.max(...COMMANDS.map(({ name }) => name.length)) + 2
  const lines = COMMANDS.map(({ name, summary }) => `  tiercel ${name.padEnd(longest)}${summary}`)
  return [
    'tiercel: a cache engine for self-hosted Next.js',
    '',
    ...lines,
    '  tiercel --version',
    '',
    'More: tiercel <command> --help, such as tiercel warm --help',
  ].join('\n')
}

/** What `--help` of a command shows. @param {string} name */
function of(name) {
  const command = commandOf(name)
  if (!command) return general()
  const { about, usage, groups, after, exits, examples } = command
  return [
    ...wrapped(about, ''),
    '',
    ...rows(usage.map(([call, does]) => [`  ${call}`, does])),
    ...groups.flatMap(({ title, flags }) => ['', title, ...rows(flags.map(row))]),
    ...(after ? ['', ...wrapped(after, '')] : []),
    '',
    'Exit code',
    ...rows(exits.map(([code, means]) => [`  ${code}`, means])),
    ...(examples ? ['', 'Examples', ...examples.map((line) => `  ${line}`)] : []),
  ].join('\n')
}

/** @param {import('./definitions/index.js').Flag} flag */
function row({ name, short, takes, text, default: preset }) {
  const call = `  ${short ? `-${short}, ` : ''}--${name}${takes ? ` <${takes}>` : ''}`
  return [call, preset ? `${text} [${preset}]` : text]
}

/** Two columns. @param {string[][]} pairs */
function rows(pairs) {
  const longest = Math.max(...pairs.map(([left]) => left.length)) + 2
  const left = Math.min(longest, WIDTH - LEAST_TEXT)
  return pairs.flatMap(([call, text]) => {
    if (!text) return [call]
    const [first, ...more] = wrapped(text, ' '.repeat(left))
    if (call.length + 2 > left) return [call, first, ...more]
    return [call.padEnd(left) + first.trimStart(), ...more]
  })
}

/** Lines of at most {@link WIDTH} characters. @param {string} text @param {string} indent */
const wrapped = (text, indent) =>
  folded(text, WIDTH - indent.length).map((line) => (indent + line).trimEnd())

module.exports = { general, of }
