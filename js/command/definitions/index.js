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
 * @property {{ title: string, flags: Flag[] }[]} groups
 * @property {string} [after] a paragraph after the flags
 * @property {[number, string][]} exits
 * @property {string[]} [examples]
 */

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
const COMMANDS = [
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
  {
    name: 'warm',
    summary: 'fills the caches of a running server before its traffic',
    about: 'Fills the caches of a running Next.js server before its traffic arrives.',
    usage: [
      ['tiercel warm [flags]', 'asks for every page that the build prerendered'],
      ['tiercel warm [flags] /a /b ...', 'asks for these paths'],
      ['tiercel warm [flags] -', 'asks for the paths on standard input'],
    ],
    groups: [
      {
        title: 'What to ask for',
        flags: [
          {
            name: 'dir',
            takes: 'folder',
            text: 'the build; with paths too, both',
            default: '.next',
          },
          {
            name: 'file',
            takes: 'file',
            multiple: true,
            text: 'paths, one a line; # begins a comment; - is standard input; may be repeated',
          },
        ],
      },
      {
        title: 'Whom to ask',
        flags: [
          {
            name: 'base',
            takes: 'url',
            text: 'where the server listens',
            default: 'http://127.0.0.1:3000',
          },
          {
            name: 'base-path',
            takes: 'path',
            text: 'basePath of the app',
            default: 'that of --base, else the build',
          },
          {
            name: 'header',
            takes: 'name:value',
            multiple: true,
            text: 'sent with every request; may be repeated',
          },
          {
            name: 'wait',
            takes: 'seconds',
            text: 'waits so long for a server that is not up yet',
            default: '0',
          },
        ],
      },
      {
        title: 'How',
        flags: [
          {
            name: 'concurrency',
            takes: 'count',
            text: 'requests in parallel, 1 to 256',
            default: '6',
          },
          {
            name: 'timeout',
            takes: 'seconds',
            text: 'how long one request may take',
            default: '30',
          },
        ],
      },
      {
        title: 'What to show',
        flags: [
          { name: 'quiet', text: 'nothing; the exit code tells' },
          { name: 'json', text: 'the figures as JSON, on standard output' },
          HELP,
        ],
      },
    ],
    after:
      'A path failed if it has no whole answer in time, or a status of 400 or more that its page does not have in the build. Redirects are answers and are not followed.',
    exits: [
      [0, 'no path failed'],
      [1, 'some did, or no server'],
      [2, 'not called like this'],
      [130, 'ended by Ctrl-C, after the figures so far'],
      [143, 'the same by SIGTERM'],
    ],
    examples: [
      'tiercel warm --wait 60',
      'tiercel warm --base https://10.0.0.7 --header host:shop.example',
      'tiercel warm --file most-visited.txt --json > warmed.json',
      'psql -Atc "select path from pages" | tiercel warm -',
    ],
  },
  {
    name: 'doctor',
    summary: 'finds what would hurt in production, and what to do about it',
    about:
      'Looks at the app, its build and its Redis or Valkey as they are here, and says in one line each what is wrong and what to do. Nothing is changed, and no password is shown.',
    usage: [['tiercel doctor [flags]', '']],
    groups: [
      WHERE,
      {
        title: 'What to show',
        flags: [
          { name: 'all', text: 'also what is as it should be' },
          {
            name: 'no-scan',
            text: 'leaves out the look at the keys of the namespace, which takes a few seconds',
          },
          JSON_FLAG,
          HELP,
        ],
      },
    ],
    exits: [
      [0, 'nothing would hurt'],
      [1, 'something would hurt in production'],
      [2, 'not called like this'],
    ],
    examples: ['tiercel doctor', 'tiercel doctor --json --redis-url rediss://cache:6380'],
  },
  {
    name: 'stats',
    summary: 'the shared tier in figures, once or again and again',
    about:
      'Shows the server in figures: instances and how many have yet to apply the last invalidation, memory, commands, hits of keys, evictions, the table of invalidations.',
    usage: [
      ['tiercel stats [flags]', 'once'],
      ['tiercel stats --watch [flags]', 'a line every few seconds, until Ctrl-C'],
    ],
    groups: [
      WHERE,
      {
        title: 'What to show',
        flags: [
          { name: 'watch', text: 'a line for each interval; with --json a line of JSON' },
          { name: 'interval', takes: 'seconds', text: 'from 0.2 to 3600', default: '2' },
          { name: 'count', takes: 'lines', text: 'ends after this many' },
          JSON_FLAG,
          HELP,
        ],
      },
    ],
    exits: EXITS,
  },
  {
    name: 'keys',
    summary: 'lists entries by kind, tag, age or size',
    about:
      'Lists the entries of the namespace by SCAN, which holds nobody up. Nothing is changed. What it shows of an entry is what the entry claims; inspect verifies it.',
    usage: [['tiercel keys [flags]', '']],
    groups: [
      WHERE,
      {
        title: 'Which entries',
        flags: [
          {
            name: 'kind',
            takes: 'kind',
            multiple: true,
            text: 'page, route, pages, fetch, use-cache, image, app, redirect or nothing; may be repeated',
          },
          { name: 'tag', takes: 'tag', text: 'those that have this tag' },
          { name: 'path', takes: 'text', text: 'those whose key contains this' },
          {
            name: 'older-than',
            takes: 'age',
            text: 'those generated longer ago: 90s, 15m, 12h or 7d',
          },
          { name: 'largest', takes: 'count', text: 'only the largest, largest first' },
          { name: 'limit', takes: 'count', text: 'ends after this many entries', default: '1000' },
        ],
      },
      { title: 'How', flags: [RATE] },
      SHOW,
    ],
    exits: EXITS,
    examples: [
      'tiercel keys --kind fetch --older-than 1d',
      'tiercel keys --largest 20',
      'tiercel keys --tag posts --json',
    ],
  },
  {
    name: 'inspect',
    summary: 'one entry: what is known of it, and the value in it',
    about:
      'Reads an entry and decodes it, without changing anything: headers, HTML, RSC payload, segments or body, by its kind.',
    usage: [
      ['tiercel inspect [flags] /blog', 'the page or route of a path'],
      ['tiercel inspect [flags] <key>', 'the key of fetched data, a function or an image'],
      ['tiercel inspect [flags] <address>', 'the 32 digits that `tiercel keys` shows'],
    ],
    groups: [
      WHERE,
      {
        title: 'What to show',
        flags: [
          {
            name: 'part',
            takes: 'name',
            text: 'this part alone, as it is: html, rsc, body, headers, image, or segment:/_tree',
          },
          { name: 'full', text: 'all of each part, instead of its beginning' },
          JSON_FLAG,
          HELP,
        ],
      },
    ],
    exits: [[0, 'done'], [1, 'there is no such entry, or the server cannot be used'], EXITS[2]],
    examples: ['tiercel inspect /blog', 'tiercel inspect /blog --part html > blog.html'],
  },
  {
    name: 'why',
    summary: 'what a get would answer for a path or key, and why',
    about:
      'Says in one sentence what a get would answer with what Redis holds now, and shows what that follows from: age, tags and their last invalidation, lease. What lies in the memory of a process cannot be seen from outside; it is never fresher than what is judged here.',
    usage: [
      ['tiercel why [flags] /blog', 'the page of a path, with its RSC payload and segments'],
      ['tiercel why [flags] <key>', 'the key of fetched data, a function or an image'],
    ],
    groups: [WHERE, SHOW],
    exits: [
      [0, 'a get would be answered'],
      [1, 'it would be a miss, or the server cannot be used'],
      EXITS[2],
    ],
  },
  {
    name: 'purge',
    summary: 'invalidates, and returns once that holds everywhere',
    about:
      'Invalidates in all instances, as revalidateTag does. When the command returns, no get that begins after it is answered with anything older.',
    usage: [['tiercel purge [flags] <what>', '']],
    groups: [
      {
        title: 'What',
        flags: [
          { name: 'tag', takes: 'tag', multiple: true, text: 'what has this tag' },
          {
            name: 'path',
            takes: 'path',
            multiple: true,
            text: 'the page or route of a path, as revalidatePath does; /blog/layout for all below',
          },
          {
            name: 'key',
            takes: 'key',
            multiple: true,
            text: 'the entry of a key, as `tiercel keys` shows it',
          },
          {
            name: 'kind',
            takes: 'kind',
            multiple: true,
            text: 'page, route, pages, fetch, use-cache, image, app, redirect or nothing',
          },
          {
            name: 'build',
            takes: 'old',
            text: 'frees what builds other than the one here left in the server, which no instance of this build reads',
          },
          { name: 'all', text: 'everything; asks first on a terminal' },
        ],
      },
      {
        title: 'How',
        flags: [
          { name: 'soft', text: 'stale and not gone: served while it is generated again' },
          {
            name: 'expire',
            takes: 'seconds',
            text: 'stale now, and gone after so long; implies --soft',
          },
          {
            name: 'dry-run',
            text: 'counts the entries in the server that it would hit, and changes nothing',
          },
          { name: 'yes', short: 'y', text: 'does not ask' },
          RATE,
        ],
      },
      WHERE,
      SHOW,
    ],
    after:
      '--tag, --path, --key and --kind may be repeated and combined. --kind, --build and --all also free the memory of the server.',
    exits: [
      [0, 'it holds everywhere'],
      [1, 'it does not, or the answer was no'],
      [2, 'not called like this'],
    ],
    examples: [
      'tiercel purge --tag posts --tag authors',
      'tiercel purge --kind fetch --soft',
      'tiercel purge --all --dry-run',
    ],
  },
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
