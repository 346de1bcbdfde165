// @ts-check
/** Package managers, and what a command for npm is called in each. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { root, run } from '../run.mjs'

/**
 * @typedef {object} Manager
 * @property {string} name as in `create-next-app --use-<name>`
 * @property {string} [from] the npm package that has it; npm itself is there already
 * @property {string} add its words for `npm install <package>`
 * @property {string} run its word for `npx`
 */

/** @type {Record<import("./setups.mjs").Setup["manager"], Manager>} */
export const managers = {
  npm: { name: 'npm', add: 'npm install', run: 'npx' },
  pnpm: { name: 'pnpm', from: 'pnpm', add: 'pnpm add', run: 'pnpm exec' },
  yarn: { name: 'yarn', from: '@yarnpkg/cli-dist', add: 'yarn add', run: 'yarn exec' },
  'yarn-1': { name: 'yarn', from: 'yarn', add: 'yarn add', run: 'yarn -s run' },
  bun: { name: 'bun', from: 'bun', add: 'bun add', run: 'bunx' },
}

/** A line for npm or npx in the words of another. @param {string} line @param {Manager} manager */
export const spokenBy = (line, manager) =>
  line.replace(/^npm install(?= )/, manager.add).replace(/^npx(?= )/, manager.run)

/** Where programs are kept from one run to the next. */
const shelf = join(root, '.work', 'try')

/**
 * Installs programs from npm, once; gives the folder to put before PATH.
 *
 * @param {string} name such as `pnpm` or `node@22`
 */
export async function program(name) {
  const folder = join(shelf, name.replaceAll(/[^\w@.-]/g, '+'))
  if (!existsSync(join(folder, 'node_modules', '.bin'))) {
    await mkdir(folder, { recursive: true })
    await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, name], {
      quiet: true,
    })
  }
  return join(folder, 'node_modules', '.bin')
}

/** The environment without what a developer, npm or a test runner has put there. */
export function plainEnvironment() {
  const foreign =
    /^(NODE_ENV|NODE_OPTIONS|PORT|HOSTNAME|INIT_CWD|VITEST.*|REDIS.*|TIERCEL_.*|NEXT_.*|npm_.*)$/
  const own = Object.entries(process.env).filter(([name]) => !foreign.test(name))
  const path = process.env.PATH?.split(delimiter).filter((part) => !/node_modules/.test(part))
  return {
    ...Object.fromEntries(own),
    PATH: path?.join(delimiter) ?? '',
    NEXT_TELEMETRY_DISABLED: '1',
    COREPACK_ENABLE_DOWNLOAD_PROMPT: '0',
    // Lock files are new here, in CI too.
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    // The version that is here is the one to try, whatever a manifest pins.
    pnpm_config_pm_on_fail: 'ignore',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    npm_config_prefer_offline: 'true',
  }
}
