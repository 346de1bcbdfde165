// @ts-check

/** Flags and exit codes that several commands have. */

/** @typedef {import('./index.js').Flag} Flag */

/** @type {Flag} */
const HELP = { name: 'help', short: 'h', text: 'this' }
/** @type {Flag} */
const JSON_FLAG = { name: 'json', text: 'the same as JSON, on standard output' }

/** Flags of every command that looks at the shared tier. */
const WHERE = {
  title: 'Which app, and which server',
  /** @type {Flag[]} */
  flags: [
    {
      name: 'dir',
      takes: 'folder',
      text: 'the app: its .env files, next.config and handler say which server, as when it runs',
      default: '.',
    },
    {
      name: 'config',
      takes: 'file',
      text: 'a module that calls configure(), or options as .json, instead of what next.config names',
    },
    { name: 'redis-url', takes: 'url', text: 'another server; a password is safer in REDIS_URL' },
    { name: 'namespace', takes: 'name', text: 'another namespace' },
  ],
}

const SHOW = { title: 'What to show', flags: [JSON_FLAG, HELP] }

/** @type {Flag} */
const RATE = {
  name: 'rate',
  takes: 'keys',
  text: 'looks at this many keys a second at most, on a replica where there is one',
  default: '5000',
}

/** @type {[number, string][]} */
const EXITS = [
  [0, 'done'],
  [1, 'the server cannot be used, or not for this'],
  [2, 'not called like this'],
]

module.exports = { HELP, JSON_FLAG, WHERE, SHOW, RATE, EXITS }
