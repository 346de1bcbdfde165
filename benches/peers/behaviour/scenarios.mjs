// @ts-check
/** All scenarios, in the order of the table, and how they are run for one subject. */
import { Fleet } from './fleet.mjs'
import { scenarios as deploys } from './scenarios/deploys.mjs'
import { scenarios as faults } from './scenarios/faults.mjs'
import { scenarios as invalidation } from './scenarios/invalidation.mjs'
import { scenarios as sharing } from './scenarios/sharing.mjs'
import { subjects } from './subjects.mjs'

/**
 * @typedef {import('./verdicts.mjs').Outcome} Outcome
 *
 * @typedef {object} Scenario
 * @property {string} name for `--scenario`
 * @property {string} group
 * @property {string} what a promise
 * @property {'page' | 'use'} [needs] the interface; none: whatever the subject has of both
 * @property {boolean} [isShared] is about Redis
 * @property {boolean} [isSpoiled] leaves servers behind that no other scenario should get
 * @property {(fleet: Fleet, kinds: ('page' | 'fetch' | 'use')[]) => Promise<Outcome>} run
 */

/** @type {Scenario[]} */
export const scenarios = [...sharing, ...invalidation, ...deploys, ...faults]

/** What a scenario looks at that has no place of its own. @param {import('./subjects.mjs').Subject} subject */
export const kindsOf = ({ interfaces }) =>
  /** @type {('page' | 'fetch' | 'use')[]} */ ([
    ...(interfaces.includes('page') ? ['page', 'fetch'] : []),
    ...(interfaces.includes('use') ? ['use'] : []),
  ])

/** Whether a subject takes part. @param {Scenario} scenario @param {import('./subjects.mjs').Subject} subject */
export const takesPart = ({ needs, isShared }, { interfaces, isAlone }) =>
  !(needs && !interfaces.includes(needs)) && !(isShared && isAlone)

/** In a few words, for a cell. @param {unknown} error */
const reasonOf = (error) =>
  String(/** @type {Error} */ (error).message ?? error)
    .replace(/The operation was aborted due to timeout/, 'no answer in 15 s')
    .split('\n')[0]
    .slice(0, 160)

/**
 * @param {string} name a subject
 * @param {{ chosen: Scenario[], redis: any, say: (text: string) => void }} how
 * @returns {Promise<Record<string, Outcome>>} by the name of the scenario
 */
export async function runAll(name, { chosen, redis, say }) {
  const subject = subjects[name]
  /** @type {Record<string, Outcome>} */
  const outcomes = {}
  /** @type {Fleet | undefined} */
  let fleet
  try {
    for (const scenario of chosen) {
      if (!takesPart(scenario, subject)) continue
      const begin = performance.now()
      fleet ??= await Fleet.start(name, redis)
      try {
        outcomes[scenario.name] = await scenario.run(fleet, kindsOf(subject))
      } catch (error) {
        outcomes[scenario.name] = { verdict: 'fails', seen: reasonOf(error) }
      }
      const { verdict, seen } = outcomes[scenario.name]
      const took = ((performance.now() - begin) / 1_000).toFixed(1)
      say(`${name}, ${scenario.name}: ${verdict}, ${seen} (${took} s)`)
      if (scenario.isSpoiled || verdict === 'fails') {
        await fleet.stop()
        fleet = undefined
      } else await fleet.dismiss()
    }
  } catch (error) {
    // Without servers nothing can be seen.
    const failed = { verdict: /** @type {const} */ ('fails'), seen: reasonOf(error) }
    const left = chosen.filter((one) => takesPart(one, subject) && !outcomes[one.name])
    for (const scenario of left) outcomes[scenario.name] = failed
    say(`${name}: ${error}`)
  } finally {
    await fleet?.stop()
  }
  return outcomes
}
