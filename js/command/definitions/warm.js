// @ts-check

const { HELP } = require('./flags.js')

/** The command that fills caches. */

/** @typedef {import('./index.js').Command} Command */

/** @type {Command[]} */
module.exports = [
  {
    name: 'warm',
    summary: 'fills the caches of a running server before its traffic',
    about: 'Fills the caches of a running Next.js server before its traffic arrives.',
    usage: [
      ['tiercel warm [flags]', 'asks for every page that the build prerendered'],
      ['tiercel warm [flags] /a /b ...', 'asks for these paths'],
      ['tiercel warm [flags] -', 'asks for the paths on standard input'],
    ],
    words: true,
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
]
