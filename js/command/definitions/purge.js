// @ts-check

const { RATE, SHOW, WHERE } = require('./flags.js')

/** The command that invalidates. */

/** @typedef {import('./index.js').Command} Command */

/** @type {Command[]} */
module.exports = [
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
