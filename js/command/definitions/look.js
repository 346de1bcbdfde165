// @ts-check

const { EXITS, HELP, JSON_FLAG, RATE, SHOW, WHERE } = require('./flags.js')

/** Commands that look at the shared tier, and change nothing. */

/** @typedef {import('./index.js').Command} Command */

/** @type {Command[]} */
module.exports = [
  {
    name: 'doctor',
    summary: 'finds what would hurt in production, and says what to do',
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
            text: 'leaves out the look at the keys of the namespace, which takes up to ten seconds',
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
    words: true,
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
      'Says in one sentence what a get would answer with what Redis holds now, and shows what that follows from: age, tags and their last invalidation, lease. What lies in the memory of a process cannot be seen from outside; it is never fresher than what is judged here. Then it asks all instances for their last decisions about it.',
    usage: [
      ['tiercel why [flags] /blog', 'the page of a path, with its RSC payload and segments'],
      ['tiercel why [flags] <key>', 'the key of fetched data, a function or an image'],
      [
        'tiercel why [flags] <text>',
        'a tag, or a part of a URL or of the name of a function: among decisions',
      ],
    ],
    words: true,
    groups: [WHERE, SHOW],
    exits: [
      [0, 'a get would be answered'],
      [1, 'it would be a miss, or the server cannot be used'],
      EXITS[2],
    ],
  },
]
