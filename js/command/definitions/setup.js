// @ts-check

const { HELP } = require('./flags.js')

/** Commands that change an app. */

/** @typedef {import('./index.js').Command} Command */
/** @typedef {import('./index.js').Flag} Flag */

/** @type {Flag[]} */
const SETUP_FLAGS = [
  { name: 'dir', takes: 'folder', text: 'the app', default: '.' },
  { name: 'dry-run', text: 'shows what would change, and changes nothing' },
  { name: 'yes', short: 'y', text: 'changes it without asking' },
  HELP,
]

/** @type {[number, string][]} */
const SETUP_EXITS = [
  [0, 'done, or nothing to do'],
  [1, 'left as it was'],
  [2, 'not called like this'],
]

/** @type {Command[]} */
module.exports = [
  {
    name: 'init',
    summary: 'makes it the cache of an app: shows the change, then asks',
    about:
      'Makes Tiercel the cache of a Next.js app: wraps what next.config exports in withTiercel. A file that is written in an unusual way stays as it is, and what to write by hand is shown.',
    usage: [['tiercel init [flags]', '']],
    groups: [{ title: 'Flags', flags: SETUP_FLAGS }],
    exits: SETUP_EXITS,
  },
  {
    name: 'migrate',
    summary: 'the same for an app that has another cache handler',
    about:
      'Moves a Next.js app from another cache handler to Tiercel: takes the old one out of next.config, wraps the rest in withTiercel with the options that mean the same, and says what has no equivalent. The file of the old handler stays.',
    usage: [['tiercel migrate [flags]', '']],
    groups: [{ title: 'Flags', flags: SETUP_FLAGS }],
    after:
      'It knows @neshca/cache-handler, @fortedigital/nextjs-cache-handler, @trieb.work/nextjs-turbo-redis-cache, @leejpsd/nextjs-cache-handler, @mrjasonroy/cache-components-cache-handler, and handlers of an app’s own on redis or ioredis, such as the example of Next.js.',
    exits: SETUP_EXITS,
  },
]
