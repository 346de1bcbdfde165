// @ts-check

const { EXITS, HELP, JSON_FLAG, SHOW, WHERE } = require('./flags.js')

/** Commands that look at the instances of a fleet, and change nothing. */

/** @typedef {import('./index.js').Command} Command */

/** @type {Command[]} */
module.exports = [
  {
    name: 'instances',
    summary: 'the instances that are running, and how they do',
    about:
      'Lists the instances of the fleet with what each told last: version, state, hit rate, memory, and how far it lags behind.',
    usage: [['tiercel instances [flags]', '']],
    groups: [WHERE, SHOW],
    exits: EXITS,
  },
  {
    name: 'top',
    summary: 'the fleet live: instances, busiest keys, invalidations',
    about:
      'Shows the fleet as it is now, and again every few seconds: each instance with its hit rate, latency, memory, lag and leases; the busiest keys and tags; who invalidated what, and how long it took until every instance had acknowledged; the load of Redis.',
    usage: [
      ['tiercel top [flags]', 'live; without a terminal once'],
      ['tiercel top --json [flags]', 'a line of JSON for each interval, until Ctrl-C'],
    ],
    groups: [
      WHERE,
      {
        title: 'What to show',
        flags: [
          { name: 'interval', takes: 'seconds', text: 'from 0.5 to 3600', default: '2' },
          { name: 'once', text: 'once, as it is without a terminal' },
          { name: 'count', takes: 'lines', text: 'with --json: ends after this many' },
          {
            name: 'sort',
            takes: 'column',
            text: 'name, hit, gets, p50, p99, memory, lag, leases or up',
            default: 'name',
          },
          { name: 'filter', takes: 'text', text: 'instances, keys and tags that contain this' },
          JSON_FLAG,
          HELP,
        ],
      },
    ],
    after:
      'Keys: s and S sort by the next and the previous column, p pauses, / filters, the arrows and Enter open one instance, Esc goes back, q ends.',
    exits: EXITS,
    examples: ['tiercel top --sort p99', 'tiercel top --json --count 1'],
  },
  {
    name: 'dashboard',
    summary: 'a page in the browser that shows the fleet and purges',
    about:
      'Serves the dashboard of tiercel/dashboard without an app, until Ctrl-C: it needs only Redis. It prints the address and the token that the page asks for: TIERCEL_DASHBOARD_TOKEN, or a new one.',
    usage: [['tiercel dashboard [flags]', '']],
    groups: [
      WHERE,
      {
        title: 'Where to listen',
        flags: [
          { name: 'port', takes: 'number', text: '0 takes a free one', default: '4280' },
          {
            name: 'host',
            takes: 'address',
            text: 'another than that of this machine alone',
            default: '127.0.0.1',
          },
        ],
      },
      {
        title: 'What to show',
        flags: [{ name: 'json', text: 'address, and a new token, as a line of JSON' }, HELP],
      },
    ],
    exits: EXITS,
    examples: [
      'tiercel dashboard --port 8080',
      'TIERCEL_DASHBOARD_TOKEN=… tiercel dashboard --host 0.0.0.0',
    ],
  },
]
