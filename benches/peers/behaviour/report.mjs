// @ts-check
/** The tables: one for docs/peers.md with all that was seen, and a short one for the README. */

/**
 * @typedef {import('./verdicts.mjs').Outcome} Outcome
 * @typedef {{ name: string, group: string, what: string }} Row
 *
 * @typedef {object} Seen
 * @property {{ date: string, machine: string, node: string, next: string, redis: string }} about
 * @property {Record<string, { version?: string, date: string,
 *   outcomes: Record<string, Outcome> }>} subjects by name
 */

export const NOT_PART = '–'

/** What the README shows of it, in its words. @type {[scenario: string, says: string][]} */
export const features = [
  ['share page', 'Pages are shared between instances'],
  ['share use', "`'use cache'` is shared"],
  ['traffic fetch', 'A hit in memory makes no call of Redis'],
  ['tag fetch', 'An invalidated `fetch` is new on another instance'],
  ['tag use', "So is an invalidated `'use cache'`"],
  ['overlap page other', 'A render that overlaps an invalidation brings no old data back'],
  ['lost messages', 'An invalidation is seen though its message is lost'],
  ['frozen instance', 'An instance that stood still answers with new data'],
  ['stampede fetch', '60 requests at once on three instances run a `fetch` once'],
  ['stampede use', "So they do with a `'use cache'` function"],
  ['frozen Redis', 'Redis stands still: answers do not hang'],
  ['prerendered', 'The first request after a deploy is answered from the build'],
  ['deploy data', 'A deploy keeps data'],
]

/** A text between bars. @param {string} text */
const escaped = (text) => text.replace(/\|/g, '\\|').replace(/\s+/g, ' ').trim()

/** @param {Outcome | undefined} outcome */
export function cell(outcome) {
  if (!outcome) return NOT_PART
  const { verdict, seen } = outcome
  return verdict === 'yes' ? `yes: ${escaped(seen)}` : `**${verdict}**: ${escaped(seen)}`
}

/** @param {string[]} cells */
const line = (cells) => `| ${cells.join(' | ')} |`

/** @param {string[]} head @param {string[][]} rows */
const table = (head, rows) =>
  [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')

/** @param {Seen} seen @param {Row[]} rows of one group @param {string} title */
function groupOf({ subjects }, rows, title) {
  const names = Object.keys(subjects)
  const cells = rows.map(({ name, what }) => [
    what,
    ...names.map((subject) => cell(subjects[subject].outcomes[name])),
  ])
  return [`### ${title}`, '', table(['', ...names], cells)].join('\n')
}

/** Yes of all it takes part in. @param {Record<string, Outcome>} outcomes @param {Row[]} rows */
export function tally(outcomes, rows) {
  const all = rows.flatMap(({ name }) => outcomes[name] ?? [])
  const count = (/** @type {string} */ verdict) =>
    String(all.filter((one) => one.verdict === verdict).length)
  return [...['yes', 'partly', 'no', 'fails'].map(count), String(rows.length - all.length)]
}

/**
 * Everything that was seen, a table for each group.
 *
 * @param {Seen} seen @param {Row[]} rows
 */
export function full(seen, rows) {
  const { about, subjects } = seen
  const versions = Object.entries(subjects).map(([name, { version, date }]) =>
    [name, version, `on ${date.slice(0, 10)}`].filter(Boolean).join(' '),
  )
  const sums = Object.entries(subjects).map(([name, { outcomes }]) => [
    name,
    ...tally(outcomes, rows),
  ])
  const groups = [...new Set(rows.map(({ group }) => group))]
  return [
    `Seen by \`npm run test:peers -- --write\`: ${about.machine}, Node.js ${about.node}, Next.js`,
    `${about.next}, Redis ${about.redis} on loopback. ${versions.join('; ')}.`,
    '',
    table(['', 'yes', 'partly', 'no', 'fails', 'not part of it'], sums),
    ...groups.flatMap((group) => [
      '',
      groupOf(
        seen,
        rows.filter((row) => row.group === group),
        group,
      ),
    ]),
  ].join('\n')
}

/** The verdict, and what was seen if that is short. @param {Outcome | undefined} outcome */
function brief(outcome) {
  if (!outcome) return NOT_PART
  if (outcome.verdict === 'yes') return 'yes'
  const { verdict, seen } = outcome
  return seen.length > 40 ? verdict : `${verdict}: ${escaped(seen)}`
}

/** The table of the README. @param {Seen} seen */
export function short({ subjects }) {
  const names = Object.keys(subjects)
  const rows = features.map(([name, says]) => [
    says,
    ...names.map((subject) => brief(subjects[subject].outcomes[name])),
  ])
  return table(['', ...names], rows)
}

/**
 * A document with its generated part replaced.
 *
 * @param {string} text @param {string} part @returns {string}
 * @throws {Error} when it has no markers
 */
export function replaced(text, part) {
  const [begin, end] = ['<!-- seen:begin -->', '<!-- seen:end -->']
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`no ${begin} and ${end}`)
  return `${text.slice(0, from + begin.length)}\n${part}\n${text.slice(to)}`
}

/** @param {Seen | undefined} before @param {Seen} now @param {string[]} names all, in order */
export function merged(before, now, names) {
  const subjects = { ...before?.subjects, ...now.subjects }
  // Of a run that chose scenarios, the others stay as they were.
  for (const [name, { outcomes }] of Object.entries(now.subjects)) {
    const old = before?.subjects[name]?.outcomes
    subjects[name] = { ...now.subjects[name], outcomes: { ...old, ...outcomes } }
  }
  const known = names.filter((name) => subjects[name])
  return {
    about: now.about,
    subjects: Object.fromEntries(known.map((name) => [name, subjects[name]])),
  }
}
