// @ts-check
/** That a running app does what the documentation says, asked by HTTP. */
import { until } from '../time.mjs'
import { type } from './shell.mjs'
import { Page, patternOf } from './snippets.mjs'

/** @typedef {import('./shell.mjs').Running} Running */

const readme = new Page('README.md')

/** The commands and the lines of "To see that it works". @param {Running} server @param {import('./shell.mjs').Place} place */
export async function seesThatItWorks(server, place) {
  const install = readme.section('Install')
  for (const { command, expected = '' } of install.commands('x-nextjs-cache')) {
    const output = await type(command.replace('localhost:3000', `localhost:${server.port}`), place)
    if (output.trim() !== expected) {
      throw new Error(`$ ${command}\n${output}\nexpected: ${expected}\n\n${server.log()}`)
    }
  }
  await printsAll(server, install.printed)
}

/** The lines of a start with Redis. @param {Running} server @param {Record<string, string>} names */
export const saysWhereItIs = (server, names) =>
  printsAll(server, readme.section('With Redis: one variable').printed, names)

/**
 * In this order, among others.
 *
 * @param {Running} server
 * @param {string[]} lines
 * @param {Record<string, string>} [names]
 */
async function printsAll(server, lines, names) {
  if (lines.length === 0) throw new Error('the README shows no line that Tiercel prints')
  const patterns = lines.map((line) => patternOf(line, names).source)
  const all = new RegExp(patterns.join('[^]*'), 'i')
  const probe = () => (all.test(server.log()) ? true : undefined)
  await until('it', probe, { within: 5_000, every: 50 }).catch(() => {
    const printed = server
      .log()
      .split('\n')
      .filter((line) => line.includes('tiercel'))
    throw new Error(
      `The README says that it prints\n  ${lines.join('\n  ')}\nIt printed\n  ${printed.join('\n  ')}`,
    )
  })
}

/** @param {Running} server */
export async function isReady(server) {
  const probe = async () => {
    // PM2 returns before its processes listen.
    const response = await fetch(`${server.base}/api/ready`).catch(() => undefined)
    return response?.ok ? response.json() : undefined
  }
  const state = await until('ready', probe, { within: 15_000, every: 100 })
  if (state.ready !== true) throw new Error(`/api/ready: ${JSON.stringify(state)}`)
  return state
}

/**
 * What one instance invalidates is new at both by the time it has answered.
 *
 * @param {string} at the address of one
 * @param {string} other
 * @param {number} [times] how often each is asked, if several processes answer there
 */
export async function invalidatesEverywhere(at, other, times = 2) {
  const before = await generations([at, other], times)
  if (before.size !== 1) throw new Error(`The instances share nothing: ${[...before].join(', ')}`)
  const answer = await fetch(`${at}/api/published`, { method: 'POST' })
  if (answer.status !== 204) throw new Error(`/api/published answered ${answer.status}`)
  const after = await generations([other, at], times)
  for (const old of before) {
    if (after.has(old))
      throw new Error('An invalidated page was served after the call had resolved')
  }
}

/** @param {string[]} bases @param {number} times */
async function generations(bases, times) {
  /** @type {Set<string>} */
  const seen = new Set()
  for (let turn = 0; turn < times; turn++) {
    for (const base of bases) {
      const headers = { connection: 'close' }
      const text = await (await fetch(`${base}/posts`, { headers })).text()
      seen.add(/generation ([\w-]{36})/.exec(text)?.[1] ?? `no generation in ${text.slice(0, 300)}`)
    }
  }
  return seen
}
